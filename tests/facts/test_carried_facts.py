"""Facts that are carried over from one snapshot to the next are those that would be found anew."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from dockerfix.cli.transform import read_arguments
from dockerfix.engine.plan import Planned, plan
from dockerfix.engine.registry import Registry
from dockerfix.facts.builds import BuildList
from dockerfix.facts.builds.carried import Carried
from dockerfix.facts.repository import Facts
from dockerfix.testing.case import read_case
from dockerfix.text import Kind, Snapshot, normalise_path

CASES = Path(__file__).parent.parent / "transforms" / "cases"
BUILD = "docker build --push -t r/{} {}\n"


def told(builds: BuildList) -> tuple[object, ...]:
    """Everything in a list of builds that is a value."""
    return (
        builds.builds,
        builds.blind,
        list(builds.assigned.items()),
        builds.images,
        builds.bare,
        [(service.name, service.file.source.path) for service in builds.compose.services],
        builds.compose_uses,
    )


def check(facts: Facts, changes: Mapping[str, bytes | None]) -> None:
    """The builds after some changes, with what is carried over, are those found anew."""
    assert facts.builds is not None  # what may be carried over
    after = facts.after(changes)
    carried = told(after.builds)
    snapshot = after.snapshot
    anew = Facts(Snapshot(dict(snapshot.entries), snapshot.read, snapshot.opaque))
    assert carried == told(anew.builds)


@pytest.mark.parametrize("path", sorted(CASES.glob("*/*.case")), ids=lambda path: path.stem)
def test_after_a_patch_and_after_any_change(path: Path) -> None:
    case = read_case(path)
    facts = Facts(case.tree.snapshot())
    if "\n== planned ==" in f"\n{case.expected}":
        transform = Registry.installed().load(case.transform)
        paths, options = read_arguments(transform, case.arguments[1:])
        outcome = plan(facts, transform, [normalise_path(p) or "" for p in paths], options)
        assert isinstance(outcome, Planned)
        check(facts, outcome.changes)
    made = random.Random(path.stem)
    files = [p for p in facts.snapshot.paths if facts.snapshot.entries[p].kind is Kind.FILE]
    gone, moved = made.choice(files), made.choice(files)
    check(facts, {gone: None, moved: b"\n" + facts.snapshot.read(moved)})
    check(facts, {moved: b"\n" + facts.snapshot.read(moved), "added/run.sh": b"docker build .\n"})


SCRIPTS = {
    "a/Dockerfile": "FROM alpine\n",
    "b/Dockerfile": "FROM alpine\n",
    "all.sh": "#!/bin/sh\n. ./names.sh\nfor d in $NAMES; do ./one.sh $d; done\n",
    "names.sh": "NAMES='a b'\n",
    "one.sh": "docker build --push -t r/$1 $1\n",
    "globs.sh": "for f in */Dockerfile; do docker build -t r/x -f $f .; done\n",
    "other.sh": "docker build --push -t r/a a\n",
    "Makefile": "all:\n\t./all.sh\n\tmake -f part.mk b\n",
    "part.mk": "b:\n\tdocker build -t r/b b\n",
}


@pytest.mark.parametrize(
    "changes",
    [
        {"names.sh": "NAMES='b c'\n"},
        {"names.sh": None},
        {"one.sh": "docker build --push -t s/$1 $1\n"},
        {"one.sh": None},
        {"b/Dockerfile": None},
        {"c/Dockerfile": "FROM alpine\n"},
        {"c/Containerfile": "FROM alpine\n", "other.sh": "podman build c\n"},
        {"part.mk": "b:\n\tdocker build -t r/c b\n"},
        {"part.mk": None},
        {"all.sh": "./other.sh\n"},
    ],
    ids=str,
)
def test_what_a_script_looks_at(changes: Mapping[str, str | None]) -> None:
    facts = Facts(Snapshot.of(SCRIPTS))
    encoded = {path: text.encode() if text is not None else None for path, text in changes.items()}
    check(facts, encoded)
    check(facts.after(encoded), {"README.md": b"`docker build a`\n"})


def test_what_is_the_same_is_not_followed_again() -> None:
    facts = Facts(Snapshot.of(SCRIPTS))
    assert facts.builds.builds
    known = facts.snapshot.kept[Carried]
    assert isinstance(known, dict)
    before = dict(known)
    check(facts, {"one.sh": b"docker build --push -t s/$1 $1\n"})
    again = {key for key, followed in before.items() if known[key] is not followed}
    # What names the script in its text or enters it, and no other text.
    assert {key[2] for key in again} <= {"all.sh", "one.sh", "Makefile"}
    assert {key[2] for key in before.keys() - again} >= {"globs.sh", "other.sh"}
