"""The jobs of one pipeline and what each waits for, run by run of a matrix.

Follows "CI/CD YAML syntax, needs and stages" through `facts.gitlab.schedule`. Knows no times.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct

from dockerfix.facts.gitlab.needs import Need
from dockerfix.facts.gitlab.pipeline import Job, Pipeline


class Run(Struct, frozen=True):
    """One run of a job: several for `parallel:`. `after` names the runs that must have ended;
    `barrier` says that they are those of all earlier stages, for want of `needs:`."""

    name: str
    job: str
    stage: str
    after: tuple[str, ...] = ()
    barrier: bool = False


class JobGraph(Struct, frozen=True):
    """The runs in the order of stages and file. `unmet` pairs a job with one that it needs and
    that the pipeline lacks: GitLab refuses such a pipeline."""

    runs: Mapping[str, Run]
    unmet: tuple[tuple[str, str], ...] = ()

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that have a run, in order."""
        return tuple(dict.fromkeys(run.stage for run in self.runs.values()))


def job_graph(
    pipeline: Pipeline, present: Collection[str], ran: Mapping[str, tuple[str, ...]]
) -> JobGraph:
    """The graph of the jobs that are present; `ran` names the runs of a job as GitLab listed
    them, where it is known."""
    order = {stage: number for number, stage in enumerate(pipeline.stages)}
    jobs = [job for job in pipeline.visible if job.name in present and job.stage in order]
    jobs.sort(key=lambda job: order[job.stage])
    runs = {job.name: ran.get(job.name) or tuple(_names(job)) for job in jobs}
    unmet: list[tuple[str, str]] = []
    found: dict[str, Run] = {}
    earlier: list[str] = []
    stage, waiting = "", list[str]()
    for job in jobs:
        if job.stage != stage:
            earlier += waiting
            stage, waiting = job.stage, []
        after, barrier = tuple(earlier), True
        if job.needs is not None:
            after, barrier = tuple(_needed(job, runs, pipeline, unmet)), False
        for name in runs[job.name]:
            found[name] = Run(name, job.name, job.stage, after, barrier)
            waiting.append(name)
    return JobGraph(found, tuple(unmet))


def _needed(
    job: Job,
    runs: Mapping[str, tuple[str, ...]],
    pipeline: Pipeline,
    unmet: list[tuple[str, str]],
) -> Iterator[str]:
    for need in job.needs or ():
        base = need.job if need.job in pipeline.jobs else need.job.partition(": [")[0]
        if base in runs:
            yield from _runs_needed(need, runs[base])
        elif not need.optional:
            unmet.append((job.name, need.job))


def _runs_needed(need: Need, runs: tuple[str, ...]) -> tuple[str, ...]:
    """A single run where the need names one, else all of them."""
    return (need.job,) if need.job in runs else runs


def _names(job: Job) -> Iterator[str]:
    """The runs of a job as GitLab names them."""
    rows = job.rows
    if rows:
        for row in rows:
            yield f"{job.name}: [{', '.join(scalar.text for scalar in row.values())}]"
        return
    count = job.parallel
    if count < 2:
        yield job.name
    else:
        yield from (f"{job.name} {number}/{count}" for number in range(1, count + 1))
