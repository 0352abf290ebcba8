"""The transforms on the sample repository, each on the other's result, in both orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from dockerfix.engine.plan import Planned, plan
from dockerfix.engine.proposal import Transform
from dockerfix.facts.repository import Facts
from dockerfix.repo.read import read_snapshot
from dockerfix.syntax.yaml.tree import parse_gitlab_yaml, to_data
from dockerfix.text import Snapshot
from dockerfix_transforms.gitlab.cache_refs import CacheRefs
from dockerfix_transforms.gitlab.remote_cache import RemoteCache
from dockerfix_transforms.merge_rust import MergeRust
from dockerfix_transforms.slim_context import SlimContext

SAMPLE = Path(__file__).parents[2] / "sample-repo"
RUNS: tuple[tuple[Transform, Sequence[str]], ...] = (
    (MergeRust(), ["controlplane"]),
    (SlimContext(), ["console", "system-tests"]),
)
BUCKET = {"to": "s3://caches?region=eu-west-1"}
CACHES: tuple[tuple[Transform, Mapping[str, Any]], ...] = (
    (CacheRefs(), {}),
    (RemoteCache(), BUCKET),
)


def applied(
    snapshot: Snapshot,
    transform: Transform,
    paths: Sequence[str],
    options: Mapping[str, Any] = MappingProxyType({}),
) -> Snapshot:
    outcome = plan(Facts(snapshot), transform, paths, options)
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


@pytest.mark.parametrize(("transform", "options"), CACHES)
def test_caches_before_or_after_the_others_say_the_same(
    transform: Transform, options: Mapping[str, Any]
) -> None:
    """Only where a comment goes may differ: between the question and the build, or above."""
    results: list[dict[str, object]] = []
    for first in (True, False):
        snapshot = read_snapshot(SAMPLE)
        snapshot = applied(snapshot, transform, [""], options) if first else snapshot
        for other, paths in RUNS:
            snapshot = applied(snapshot, other, paths)
        snapshot = snapshot if first else applied(snapshot, transform, [""], options)
        files: dict[str, object] = {path: snapshot.read(path) for path in snapshot.paths}
        pipeline = parse_gitlab_yaml(snapshot.source(".gitlab-ci.yml"))
        results.append({**files, ".gitlab-ci.yml": to_data(pipeline.root)})
    assert results[0] == results[1]


def test_a_bucket_after_registry_refs_is_a_bucket() -> None:
    snapshot = read_snapshot(SAMPLE)
    once = applied(snapshot, RemoteCache(), [""], BUCKET)
    moved = applied(snapshot, CacheRefs(), [""])
    assert applied(moved, RemoteCache(), [""], BUCKET).read(".gitlab-ci.yml") == once.read(
        ".gitlab-ci.yml"
    )
