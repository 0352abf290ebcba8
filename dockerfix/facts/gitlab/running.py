"""What a job does in a pipeline, where another one is to do its work: how it runs, what it pushes.

A job that does the work of several exists whenever one of them did. It must then run as that
one did, by itself or by hand, and must not push what only stood for other pipelines: `latest`
is the default branch's because no merge request pushes it. Knows rules and tags of images;
whether a job exists at all is asked of `presence`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence

from msgspec.structs import replace

from dockerfix.facts.gitlab.cases import Case
from dockerfix.facts.gitlab.conditions import ConditionError
from dockerfix.facts.gitlab.gates import Clause, Gate, written
from dockerfix.facts.gitlab.globs import GlobError
from dockerfix.facts.gitlab.pipeline import Job, Pipeline
from dockerfix.facts.gitlab.two_jobs import TwoJobs, described


def runs_otherwise(pipeline: Pipeline, job: Job, heir: Job) -> str:
    """A pipeline in which a job does not run as the one does that stands for it, as a sentence;
    empty when there is none. What reading cannot decide counts as one."""
    if written(job) == written(heir):
        return ""
    try:
        jobs = TwoJobs.of(pipeline, job, heir)
        ways = {c.how for gate in jobs.gates[1:] for c in gate if c.present}
        return _other_way(jobs, job, heir) if len(ways) > 1 else ""
    except (ConditionError, GlobError) as error:
        return f"whether `{heir.name}` runs as `{job.name}` does cannot be read: {error}"


def _other_way(jobs: TwoJobs, job: Job, heir: Job) -> str:
    for kind in jobs.kinds(exact=False):
        for files in kind.sets:
            one, other = kind.one.clause(files), kind.other.clause(files)
            if one is not None and other is not None and one.how != other.how:
                where = described(kind.case, files)
                ways = f"`{job.name}` runs {_way(one)} and `{heir.name}` {_way(other)}"
                return f"on {where}, {ways}"
    return ""


def _way(clause: Clause) -> str:
    said = json.loads(clause.how) if clause.how else {}
    shown = (f"`{key}: {value}`" for key, value in said.items() if value != "on_success")
    return f"with {', '.join(shown)}" if said else "by itself"


def kind_without(pipeline: Pipeline, job: Job, heir: Job) -> str:
    """A kind of pipeline that may hold a job and never the one that stands for it, as a sentence;
    empty when there is none, and when reading cannot tell."""
    if written(job) == written(heir):
        return ""
    try:
        beyond, _ = _kinds(TwoJobs.of(pipeline, job, heir))
    except (ConditionError, GlobError):
        return ""
    where = next((case.title for case in beyond), "")
    return f"on {where}, `{job.name}` exists and `{heir.name}` does not" if where else ""


def pushes_again(pipeline: Pipeline, job: Job, heir: Job, tags: Collection[str]) -> str:
    """A kind of pipeline in which the job that stands for another one pushes a tag that this
    one, with these tags, left alone there, as a sentence; empty when there is none.

    Changed files make no kind: who builds more often from the same branch ships what the branch
    holds. A tag that names its commit is pushed for that commit alone.
    """
    if not tags or written(job) == written(heir):
        return ""
    try:
        jobs = TwoJobs.of(pipeline, heir, job)
        if _conditions(jobs.first_gate) == _conditions(jobs.second_gate):
            return ""
        beyond, within = _kinds(jobs)
    except (ConditionError, GlobError) as error:
        return f"whether `{heir.name}` pushes where `{job.name}` does cannot be read: {error}"
    for tag in tags:
        for case in beyond:
            if _moves(tag, case, within):
                return (
                    f"on {case.title}, `{heir.name}` pushes `{tag}`, and `{job.name}` is not there"
                )
    return ""


def _conditions(gate: Gate) -> list[object]:
    """A gate without its files and ways."""
    return [replace(clause, changes=None, exists=None, base="", how="") for clause in gate]


def _kinds(jobs: TwoJobs) -> tuple[list[Case], list[Case]]:
    """The kinds of pipelines that may hold the first job and never the second, and those that
    may hold the second."""
    beyond: list[Case] = []
    within: list[Case] = []
    for kind in jobs.kinds(exact=False):
        if any(kind.other.clause(files) for files in kind.sets):
            within.append(kind.case)
        elif any(kind.one.clause(files) for files in kind.sets):
            beyond.append(kind.case)
    return beyond, within


_COMMIT = frozenset(
    {
        "CI_COMMIT_SHA", "CI_COMMIT_SHORT_SHA", "CI_COMMIT_TIMESTAMP", "CI_PIPELINE_ID",
        "CI_PIPELINE_IID", "CI_PIPELINE_CREATED_AT", "CI_JOB_ID", "CI_JOB_STARTED_AT",
    }
)  # fmt: skip
_SOMETIMES = frozenset({"CI_COMMIT_BRANCH", "CI_COMMIT_TAG", "CI_MERGE_REQUEST_IID"})
"""Variables that are not set in every kind of pipeline."""
_REF = _SOMETIMES | {"CI_COMMIT_REF_NAME", "CI_COMMIT_REF_SLUG"}
_VARIABLE = re.compile(r"\$\{?(\w+)")


def _moves(tag: str, case: Case, within: Sequence[Case]) -> bool:
    """Whether pushing a tag in this pipeline replaces what another one pushed, or pushes a tag
    that lacks a part."""
    names = set(_VARIABLE.findall(tag))
    if any(not case.variables.get(name) for name in names & _SOMETIMES):
        return True
    refs = names & _REF
    same = refs | {"CI_DEFAULT_BRANCH"}
    if names & _COMMIT or (refs and _is_request(case)):
        return False
    return not refs or any(
        all(case.variables.get(name) == other.variables.get(name) for name in same)
        for other in within
        if not _is_request(other)
    )


def _is_request(case: Case) -> bool:
    return case.variables.get("CI_PIPELINE_SOURCE") == "merge_request_event"
