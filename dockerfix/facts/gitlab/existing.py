"""Which jobs one kind of pipeline holds, when every file has changed.

Where `presence` proves something about all pipelines, this looks at one: a push to the default
branch, to another one, a merge request, or a tag. What reading cannot decide counts as there,
and is named.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from msgspec import Struct

from dockerfix.facts.gitlab.conditions import ConditionError, Value, holds
from dockerfix.facts.gitlab.gates import gate_of
from dockerfix.facts.gitlab.job import Job
from dockerfix.facts.gitlab.pipeline import Pipeline
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping

_DEFAULT = "main"


class PipelineKind(enum.Enum):
    """What starts a pipeline."""

    DEFAULT_BRANCH = "default-branch"
    BRANCH = "branch"
    MERGE_REQUEST = "merge-request"
    TAG = "tag"


_VARIABLES: Mapping[PipelineKind, Mapping[str, Value]] = {
    PipelineKind.DEFAULT_BRANCH: {
        "CI_COMMIT_BRANCH": _DEFAULT,
        "CI_COMMIT_REF_NAME": _DEFAULT,
        "CI_COMMIT_REF_SLUG": _DEFAULT,
        "CI_PIPELINE_SOURCE": "push",
    },
    PipelineKind.BRANCH: {
        "CI_COMMIT_BRANCH": "feature",
        "CI_COMMIT_REF_NAME": "feature",
        "CI_COMMIT_REF_SLUG": "feature",
        "CI_PIPELINE_SOURCE": "push",
    },
    PipelineKind.MERGE_REQUEST: {
        "CI_COMMIT_REF_NAME": "feature",
        "CI_COMMIT_REF_SLUG": "feature",
        "CI_MERGE_REQUEST_ID": "1",
        "CI_MERGE_REQUEST_IID": "1",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": _DEFAULT,
        "CI_PIPELINE_SOURCE": "merge_request_event",
    },
    PipelineKind.TAG: {
        "CI_COMMIT_TAG": "v1.2.3",
        "CI_COMMIT_REF_NAME": "v1.2.3",
        "CI_COMMIT_REF_SLUG": "v1-2-3",
        "CI_PIPELINE_SOURCE": "push",
    },
}


class Existing(Struct, frozen=True):
    """The jobs of one pipeline. `manual` wait for a person (they are in `jobs` too), and
    `undecided` are there for want of a better answer."""

    jobs: frozenset[str]
    manual: frozenset[str]
    undecided: frozenset[str]


def existing(pipeline: Pipeline, kind: PipelineKind) -> Existing:
    """The jobs that a pipeline of a kind holds."""
    with_workflow = pipeline.workflow is not None
    found: set[str] = set()
    manual: set[str] = set()
    undecided: set[str] = set()
    for job in pipeline.visible:
        try:
            when = _when(pipeline, job, kind, with_workflow)
        except ConditionError:
            undecided.add(job.name)
            when = job.when
        if when not in (None, "never", "on_failure"):
            found.add(job.name)
        if when == "manual":
            manual.add(job.name)
    return Existing(frozenset(found), frozenset(manual), frozenset(undecided & found))


def _when(pipeline: Pipeline, job: Job, kind: PipelineKind, with_workflow: bool) -> str | None:
    """The `when` of the job in that pipeline; None when it is left out."""
    files = {name: scalar.text for name, scalar in pipeline.variables_of(job).items()}
    variables = {**files, "CI_DEFAULT_BRANCH": _DEFAULT, **_VARIABLES[kind]}
    for number, clause in enumerate(gate_of(job, with_workflow)):
        if clause.condition is None or holds(clause.condition, variables):
            return _said(job, number) if clause.present else None
    return None


def _said(job: Job, number: int) -> str:
    """The `when` of the rule with that number; a rule without one keeps that of the job."""
    rule = job.rules[number] if job.rules is not None else None
    node = rule.node if rule is not None else None
    if rule is None or not isinstance(node, YamlMapping) or node.get("when") is None:
        return job.when
    return rule.when
