"""The built-in transforms on the sample: alone, one after the other, in hostile forms."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dockerfix.engine.plan import NothingToDo, Planned, Refused, plan
from dockerfix.engine.registry import Registry
from dockerfix.facts.repository import Facts
from dockerfix.syntax.dockerfile import parse
from dockerfix.testing.hostile import run_hostile
from dockerfix.testing.pipeline import run_transform
from dockerfix.text import Snapshot

NAMES = ("merge-rust", "slim-context")


@pytest.mark.parametrize(
    ("name", "dockerfile", "path"),
    [
        ("merge-rust", "controlplane/Dockerfile", "controlplane"),
        ("merge-rust", "controlplane/Dockerfile.authz-worker", "controlplane"),
        ("slim-context", "console/Dockerfile", "console"),
        ("slim-context", "system-tests/Dockerfile", "system-tests"),
    ],
)
def test_hostile_forms_are_done_or_refused(
    name: str, dockerfile: str, path: str, registry: Registry, sample: dict[str, bytes]
) -> None:
    outcomes = run_hostile(registry.load(name), sample, dockerfile, [path])
    assert len(outcomes) > 8
    done = [form for form, outcome in outcomes.items() if isinstance(outcome, Planned)]
    refused = [form for form, outcome in outcomes.items() if isinstance(outcome, Refused)]
    assert sorted([*done, *refused]) == sorted(outcomes)
    assert len(done) >= len(outcomes) - 4, f"refused: {refused}"


def changed(snapshot: Snapshot, registry: Registry, name: str, paths: Sequence[str]) -> Snapshot:
    outcome = run_transform(registry.load(name), snapshot, paths, {})
    assert isinstance(outcome, Planned), outcome
    return snapshot.with_changes(outcome.changes)


def test_consumers_slimmed_together_or_one_after_the_other(
    snapshot: Snapshot, registry: Registry
) -> None:
    together = changed(snapshot, registry, "slim-context", ["console", "system-tests"])
    first = changed(snapshot, registry, "slim-context", ["console"])
    apart = changed(first, registry, "slim-context", ["system-tests"])
    dockerfiles = [path for path in together.paths if path.endswith("Dockerfile")]
    assert {p: together.read(p) for p in dockerfiles} == {p: apart.read(p) for p in dockerfiles}
    assert together.read("docker-compose.yml") == apart.read("docker-compose.yml")


def test_runtime_stages_of_the_sample_stay_byte_for_byte(
    snapshot: Snapshot, registry: Registry
) -> None:
    after = changed(snapshot, registry, "merge-rust", ["controlplane"])
    merged = after.read("controlplane/Dockerfile.all")
    for path, binary in (
        ("controlplane/Dockerfile", b"server"),
        ("controlplane/Dockerfile.authz-worker", b"authz-worker"),
        ("controlplane/Dockerfile.synchronizer", b"synchronizer"),
    ):
        stage = parse(snapshot.read(path)).stages[-1]
        body = snapshot.read(path)[stage.from_.span.end : stage.span.end]
        head = b"FROM alpine:3.23 AS " + binary + b"-release\n"
        assert head + body in merged


def test_the_sample_pushes_the_same_tags(snapshot: Snapshot, registry: Registry) -> None:
    after = changed(snapshot, registry, "merge-rust", ["controlplane"])

    def pushed(of: Snapshot) -> list[str]:
        return sorted(t.text for b in Facts(of).builds.builds if b.push for t in b.tags)

    assert pushed(after) == pushed(snapshot)
    assert len(pushed(snapshot)) == 12


@pytest.mark.parametrize("name", NAMES)
def test_what_is_done_is_not_done_again(name: str, snapshot: Snapshot, registry: Registry) -> None:
    paths = ["controlplane"] if name == "merge-rust" else ["console"]
    after = changed(snapshot, registry, name, paths)
    again = plan(Facts(after), registry.load(name), paths, {})
    assert isinstance(again, NothingToDo)
    assert again.proposal.reason
