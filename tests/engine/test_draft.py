"""A value that a draft sets brings the permit that the gate asks for."""

from dockerfix.engine.draft import Draft
from dockerfix.facts.gitlab.pipeline import ROOT
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Permit
from dockerfix.rewrite.pipeline_edits import Value
from dockerfix.text import Snapshot

PIPELINE = b"""include: more.yml
.base:
  retry: {max: 1}
"""
MORE = b"""job:
  extends: .base
  interruptible: false
  variables: {A: a, B: b}
  script: make
"""


def permits(*path: str, to: Value) -> list[Permit]:
    draft = Draft(Facts(Snapshot.of({ROOT: PIPELINE, "more.yml": MORE})), ())
    pipeline = draft.facts.read_pipeline()
    assert pipeline is not None
    draft.set_value(pipeline.jobs["job"], *path, to=to)
    assert [file for file, _ in draft.edits] == ["more.yml"]
    return draft.permits


def test_a_new_key_is_permitted_whole_in_the_root_file() -> None:
    found = permits("cache", to={"paths": ["x"], "key": 2})
    after = '{"key": "2", "paths": ["x"]}'
    assert found == [Permit("pipeline-value", "job", ROOT, "cache", "", after)]


def test_what_is_there_is_permitted_value_by_value() -> None:
    assert permits("interruptible", to=True) == [
        Permit("pipeline-value", "job", ROOT, "interruptible", '"false"', '"true"')
    ]
    assert permits("variables", "B", to="c") == [
        Permit("pipeline-value", "job", ROOT, "variables.B", '"b"', '"c"')
    ]
    assert permits("retry", "max", to=2) == [
        Permit("pipeline-value", "job", ROOT, "retry.max", '"1"', '"2"')
    ]
