from __future__ import annotations

import pytest

from dockerfix.facts.gitlab.pipeline import Pipeline, find_pipeline
from dockerfix.text import Snapshot
from dockerfix.verify.elapsed import elapsed


def pipeline(text: str) -> Pipeline:
    found = find_pipeline(Snapshot.of({".gitlab-ci.yml": text}))
    assert found is not None
    return found


STAGED = pipeline("""\
stages: [build, test, release]
a: {stage: build, script: [x]}
b: {stage: build, script: [x]}
t: {stage: test, needs: [b], script: [x]}
r: {stage: release, script: [x]}
s: {stage: release, needs: [{job: t, optional: true}], script: [x]}
""")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ({}, 0),
        ({"a": 3, "b": 5}, 5),
        ({"a": 3, "b": 5, "r": 10}, 15),
        ({"a": 7, "b": 5, "s": 10}, 15),
        ({"a": 7, "b": 5, "t": 4, "r": 10, "s": 1}, 19),
        ({"a": 7, "elsewhere": 2}, 9),
    ],
)
def test_the_longest_path_over_needs_and_stages(seconds: dict[str, float], expected: float) -> None:
    assert elapsed(STAGED, seconds) == expected


def test_without_a_pipeline_jobs_follow_one_another() -> None:
    assert elapsed(None, {"a": 3, "b": 4}) == 7


def test_a_cycle_ends() -> None:
    looped = pipeline("a: {needs: [b], script: [x]}\nb: {needs: [a], script: [x]}\n")
    assert elapsed(looped, {"a": 1, "b": 2}) == 3
