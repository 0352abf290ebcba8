"""What the transforms of the pipeline make of the sample, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockerfix.engine.plan import Planned
from dockerfix.engine.registry import Registry
from dockerfix.facts.gitlab.kinds import KINDS, held
from dockerfix.facts.gitlab.pipeline import Pipeline, find_pipeline
from dockerfix.testing.pipeline import run_transform
from dockerfix.text import Snapshot

CHANGES = (["README.md"], ["console/src/main.ts"], ["controlplane/Cargo.lock"])


def planned(name: str, snapshot: Snapshot, registry: Registry, **options: Any) -> Planned:
    outcome = run_transform(registry.load(name), snapshot, [], options)
    assert isinstance(outcome, Planned), outcome
    return outcome


def after(outcome: Planned, snapshot: Snapshot) -> Pipeline:
    found = find_pipeline(snapshot.with_changes(outcome.changes))
    assert found is not None
    return found


def kinds(pipeline: Pipeline) -> Mapping[str, frozenset[str] | None]:
    """The jobs of each kind of pipeline, for each set of changed files."""
    found = {}
    for case in KINDS:
        for changed in CHANGES:
            there = held(pipeline, case, changed)
            assert there is None or not there.unknown
            found[f"{case.title}: {changed}"] = None if there is None else there.jobs
    return found


def test_add_needs(snapshot: Snapshot, registry: Registry) -> None:
    before = find_pipeline(snapshot)
    assert before is not None
    pipeline = after(planned("add-needs", snapshot, registry), snapshot)
    needs = {
        name: {(need.job, need.optional) for need in job.needs or ()}
        for name, job in pipeline.jobs.items()
        if before.jobs[name].needs is None and job.needs is not None
    }
    assert needs == {
        # They run in the images that these jobs push; the server's may be older.
        "code-style / console": {("build / console", False)},
        "system-tests": {
            ("build / server", True),
            ("build / authz-worker", True),
            ("build / synchronizer", True),
            ("build / system-tests", False),
        },
        # The Compose service has no `image:`, so that the pushed one is never pulled.
        "unit-tests / node-sdk": set(),
        "code-style / migrations": set(),
        "documentation": set(),
    }
    assert kinds(pipeline) == kinds(before)


RELEASED = [
    "build / server / release",
    "build / authz-worker / release",
    "build / synchronizer / release",
    "build / console / release",
    "build / node-sdk / release",
    "build / protocol / release",
]


def test_split_release(snapshot: Snapshot, registry: Registry) -> None:
    before = find_pipeline(snapshot)
    assert before is not None
    outcome = planned("split-release", snapshot, registry)
    pipeline = after(outcome, snapshot)
    assert [name for name in pipeline.jobs if name not in before.jobs] == [
        ".build / release",
        *RELEASED,
    ]
    assert [need.job for need in pipeline.jobs["semantic-release"].needs or ()] == RELEASED
    for name in RELEASED:
        job = pipeline.jobs[name]
        assert job.stage == "release"
        assert job.variables["TARGET"].text == "release"
    # The package of node-sdk is built by another job too; both may go on.
    assert "twin-build" in {finding.name for finding in outcome.proposal.findings}
    old, new = kinds(before), kinds(pipeline)
    for kind, jobs in old.items():
        expected = jobs and (jobs - {"build / release"}).union(
            RELEASED if "build / release" in jobs else ()
        )
        assert new[kind] == expected


def test_split_after_the_merge_keeps_one_job_for_its_dockerfile(
    snapshot: Snapshot, registry: Registry
) -> None:
    merged = run_transform(registry.load("merge-rust"), snapshot, ["controlplane"], {})
    assert isinstance(merged, Planned)
    there = snapshot.with_changes(merged.changes)
    pipeline = after(planned("split-release", there, registry), there)
    assert [name for name in pipeline.jobs if name.endswith(" / release")] == [
        ".build / release",
        "build / controlplane / release",
        *RELEASED[3:],
    ]


def test_merge_and_slim_read_what_was_split(snapshot: Snapshot, registry: Registry) -> None:
    split = planned("split-release", snapshot, registry)
    there = snapshot.with_changes(split.changes)
    for name, path in (("merge-rust", "controlplane"), ("slim-context", "console")):
        outcome = run_transform(registry.load(name), there, [path], {})
        assert isinstance(outcome, Planned), (name, outcome)
