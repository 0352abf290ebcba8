"""A split job: its parts run its lines between them, with its other keys, and nothing else."""

from __future__ import annotations

import pytest

from dockerfix.facts.gitlab.pipeline import Pipeline, find_pipeline
from dockerfix.proof.obligation import Permit
from dockerfix.proof.pipeline.split import Splits
from dockerfix.text import Snapshot

OLD = "old: {stage: test, retry: 1, script: [set -e, one, two, three]}"
HEAD = ".old: {stage: test, retry: 1, script: [set -e]}\n"


def pipeline(text: str) -> Pipeline:
    found = find_pipeline(Snapshot.of({".gitlab-ci.yml": text}))
    assert found is not None
    return found


def fault(*parts: str) -> str:
    names = [".old", *(f"part{number}" for number in range(len(parts)))]
    splits = Splits([Permit("job-split", "old", ".gitlab-ci.yml", name) for name in names])
    bodies = [f"part{number}: {body}" for number, body in enumerate(parts)]
    return splits.fault(pipeline(OLD).jobs["old"], pipeline(HEAD + "\n".join(bodies)))


FIRST = "{extends: .old, script: [!reference [.old, script], one, two]}"
SECOND = "{extends: .old, script: [!reference [.old, script], three]}"


def test_the_lines_between_them() -> None:
    assert fault(FIRST, SECOND) == ""


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([FIRST], "its parts are not there"),
        ([FIRST, "{extends: .old, script: [set -e]}"], "no part runs `three`"),
        ([FIRST, "{extends: .old, script: [three, four]}"], "runs what it did not"),
        ([FIRST, "{extends: .old, script: [three, one]}"], "in another order"),
        ([FIRST, "{extends: .old, retry: 2, script: [three]}"], "differs in retry"),
        ([FIRST, "{extends: .old, image: x, script: [three]}"], "differs in image"),
        ([FIRST, "{stage: test, script: [three]}"], "differs in retry"),
    ],
)
def test_a_fault_is_named(parts: list[str], expected: str) -> None:
    assert expected in fault(*parts)
