"""For which refs a job runs: the default branch alone, every other branch, tags alone.

Each question is one about presence: whether a job with the rules of that kind exists whenever
the job does. Knows the rules that say so; knows nothing of what jobs do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache

from dockerfix.facts.gitlab.conditions import Compare, ConditionError, Text, Variable, comparisons
from dockerfix.facts.gitlab.gates import gate_of
from dockerfix.facts.gitlab.pipeline import ROOT, Job, Pipeline, find_pipeline
from dockerfix.facts.gitlab.presence import AlwaysThere, implies
from dockerfix.text import Snapshot

_KINDS = b"""\
only the default branch:
  script: [':']
  rules:
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
never the default branch:
  script: [':']
  rules:
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
      when: never
    - when: on_success
only tags:
  script: [':']
  rules:
    - if: $CI_COMMIT_TAG
"""


_DEFAULT = "$CI_DEFAULT_BRANCH"
_BRANCH_NAMES = ("CI_COMMIT_BRANCH", "CI_COMMIT_REF_NAME", "CI_COMMIT_REF_SLUG")


@lru_cache(maxsize=32)
def _probes(text: bytes) -> Pipeline:
    pipeline = find_pipeline(Snapshot.of({ROOT: text}))
    if pipeline is None:
        raise AssertionError("the probes are a pipeline")
    return pipeline


def _is(pipeline: Pipeline, job: Job, kind: str) -> bool:
    return isinstance(implies(pipeline, job, _probes(_KINDS).jobs[kind]), AlwaysThere)


def named_branches(pipeline: Pipeline, job: Job) -> frozenset[str] | None:
    """The branches that the job's rules name, where it provably exists for no other one (tags
    aside); None where any branch may have it."""
    try:
        names = frozenset(_names(pipeline, job))
    except ConditionError:
        return None
    conditions = [f"$CI_COMMIT_BRANCH == {name}" for name in sorted(names)]
    rules = [{"if": condition} for condition in (*conditions, "$CI_COMMIT_TAG")]
    probe = _probes(json.dumps({"probe": {"script": [":"], "rules": rules}}).encode())
    found = implies(pipeline, job, probe.jobs["probe"])
    return names if isinstance(found, AlwaysThere) else None


def _names(pipeline: Pipeline, job: Job) -> Iterator[str]:
    """The names that the rules compare a branch with, as they are written in a condition."""
    for clause in gate_of(job, pipeline.workflow is not None):
        for item in comparisons(clause.condition) if clause.condition is not None else ():
            if not isinstance(item, Compare) or item.operator != "==":
                continue
            sides = (item.left, item.right)
            if not any(isinstance(s, Variable) and s.name in _BRANCH_NAMES for s in sides):
                continue
            for side in sides:
                if isinstance(side, Text) and side.value and "'" not in side.value:
                    yield f"'{side.value}'"
                elif side == Variable("CI_DEFAULT_BRANCH"):
                    yield _DEFAULT


def only_on_default_branch(pipeline: Pipeline, job: Job) -> bool:
    """Whether the job provably exists in pipelines of the default branch alone."""
    return _is(pipeline, job, "only the default branch")


def never_on_default_branch(pipeline: Pipeline, job: Job) -> bool:
    """Whether the job provably exists in no pipeline of the default branch."""
    return _is(pipeline, job, "never the default branch")


def only_for_tags(pipeline: Pipeline, job: Job) -> bool:
    """Whether the job provably exists in pipelines of tags alone."""
    return _is(pipeline, job, "only tags")
