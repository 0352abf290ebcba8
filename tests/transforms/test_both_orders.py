"""The transforms on the sample repository, each on the other's result, in both orders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dockerfix.engine.plan import Planned, plan
from dockerfix.engine.proposal import Transform
from dockerfix.facts.repository import Facts
from dockerfix.repo.read import read_snapshot
from dockerfix.syntax.yaml.tree import parse_gitlab_yaml, to_data
from dockerfix.text import Snapshot
from dockerfix_transforms.gitlab.cache_refs import CacheRefs
from dockerfix_transforms.merge_rust import MergeRust
from dockerfix_transforms.slim_context import SlimContext

SAMPLE = Path(__file__).parents[2] / "sample-repo"
RUNS: tuple[tuple[Transform, Sequence[str]], ...] = (
    (MergeRust(), ["controlplane"]),
    (SlimContext(), ["console", "system-tests"]),
)
CACHES: tuple[Transform, Sequence[str]] = (CacheRefs(), [""])


def applied(snapshot: Snapshot, transform: Transform, paths: Sequence[str]) -> Snapshot:
    outcome = plan(Facts(snapshot), transform, paths, {})
    assert isinstance(outcome, Planned), outcome
    return snapshot.with_changes(outcome.changes)


def test_the_order_does_not_matter() -> None:
    results: list[dict[str, bytes]] = []
    for runs in (RUNS, RUNS[::-1]):
        snapshot = read_snapshot(SAMPLE)
        for transform, paths in runs:
            snapshot = applied(snapshot, transform, paths)
        results.append({path: snapshot.read(path) for path in snapshot.paths})
    assert results[0] == results[1]


def test_caches_before_or_after_the_others_say_the_same() -> None:
    """Only where a comment goes may differ: between the question and the build, or above."""
    results: list[dict[str, object]] = []
    for runs in ((*RUNS, CACHES), (CACHES, *RUNS)):
        snapshot = read_snapshot(SAMPLE)
        for transform, paths in runs:
            snapshot = applied(snapshot, transform, paths)
        files: dict[str, object] = {path: snapshot.read(path) for path in snapshot.paths}
        pipeline = parse_gitlab_yaml(snapshot.source(".gitlab-ci.yml"))
        results.append({**files, ".gitlab-ci.yml": to_data(pipeline.root)})
    assert results[0] == results[1]
