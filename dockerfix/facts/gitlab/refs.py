"""For which refs a job runs: the default branch alone, every other branch, tags alone.

Each question is one about presence: whether a job with the rules of that kind exists whenever
the job does. Knows the rules that say so; knows nothing of what jobs do.
"""

from __future__ import annotations

from functools import lru_cache

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


@lru_cache(maxsize=1)
def _kinds() -> Pipeline:
    pipeline = find_pipeline(Snapshot.of({ROOT: _KINDS}))
    if pipeline is None:
        raise AssertionError("the kinds are a pipeline")
    return pipeline


def _is(pipeline: Pipeline, job: Job, kind: str) -> bool:
    return isinstance(implies(pipeline, job, _kinds().jobs[kind]), AlwaysThere)


def only_on_default_branch(pipeline: Pipeline, job: Job) -> bool:
    """Whether the job provably exists in pipelines of the default branch alone."""
    return _is(pipeline, job, "only the default branch")


def never_on_default_branch(pipeline: Pipeline, job: Job) -> bool:
    """Whether the job provably exists in no pipeline of the default branch."""
    return _is(pipeline, job, "never the default branch")


def only_for_tags(pipeline: Pipeline, job: Job) -> bool:
    """Whether the job provably exists in pipelines of tags alone."""
    return _is(pipeline, job, "only tags")
