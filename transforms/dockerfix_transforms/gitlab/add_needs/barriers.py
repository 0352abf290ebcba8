"""Whether the order of a GitLab job must stay, whatever it runs: gates, rules, parts unread.

Knows what a job says of its order; knows nothing of what it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.api import Job, Need, Pipeline


def bound(pipeline: Pipeline, job: Job, earlier: Sequence[Job]) -> str:
    """Why the order of a job must stay; empty when it may change."""
    if pipeline.unread or pipeline.unknown_parents(job):
        return "a part of the pipeline is in another repository"
    if job.stage not in pipeline.stages or job.stage in (".pre", ".post"):
        return f"it is in the stage `{job.stage}`"
    if job.when != "on_success" or any(
        r.when not in ("on_success", "never") for r in job.rules or ()
    ):
        return "it does not simply run when the jobs before it succeed"
    if any(rule.needs is not None for rule in job.rules or ()):
        return "its rules name the jobs that it needs"
    held = next((other for other in earlier if _holds(other)), None)
    return f"`{held.name}` before it is started by hand or later" if held is not None else ""


def is_started_by_hand(job: Job) -> bool:
    """Whether somebody has to start the job."""
    return "manual" in (job.when, *(rule.when for rule in job.rules or ()))


def named_jobs(pipeline: Pipeline) -> frozenset[str]:
    """The jobs that others need."""
    return frozenset(need.job.partition(": [")[0] for need in _needs(pipeline))


def _needs(pipeline: Pipeline) -> Iterator[Need]:
    for job in pipeline.visible:
        yield from job.needs or ()
        for rule in job.rules or ():
            yield from rule.needs or ()


def _holds(job: Job) -> bool:
    """Whether jobs of later stages wait until somebody starts this one, or for a delay."""
    if job.when == "delayed" or (job.when == "manual" and not job.allow_failure):
        return True
    return any(
        rule.when == "delayed"
        or (rule.when == "manual" and not (rule.allow_failure or job.allow_failure))
        for rule in job.rules or ()
    )
