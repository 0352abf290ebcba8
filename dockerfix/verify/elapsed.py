"""How long a pipeline takes: the longest path over `needs:` and stages.

Knows the order in which GitLab starts jobs; knows no builds. Queues and preparation are left
out: they are the runner's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dockerfix.facts.gitlab.pipeline import Job, Pipeline


@dataclass(slots=True)
class _Finish:
    """When each job ends, in seconds after the pipeline's start. Private to `elapsed`."""

    pipeline: Pipeline
    seconds: Mapping[str, float]
    known: dict[str, float] = field(default_factory=dict)

    def of(self, job: Job) -> float:
        if job.name not in self.known:
            self.known[job.name] = 0.0  # GitLab refuses a cycle; it must not hang here
            start = max((self.of(other) for other in self.awaited(job)), default=0.0)
            self.known[job.name] = start + self.seconds.get(job.name, 0.0)
        return self.known[job.name]

    def awaited(self, job: Job) -> list[Job]:
        """The jobs that must end first: those it needs, else all of earlier stages."""
        if job.needs is not None:
            jobs = self.pipeline.jobs
            return [jobs[need.job] for need in job.needs if need.job in jobs]
        stages = self.pipeline.stages
        before = stages[: stages.index(job.stage)] if job.stage in stages else ()
        return [other for other in self.pipeline.visible if other.stage in before]


def elapsed(pipeline: Pipeline | None, seconds: Mapping[str, float]) -> float:
    """Seconds until the last of the given jobs ends, when every job has a runner at once.

    Jobs without seconds take no time. Without a pipeline the jobs follow one another.
    """
    if pipeline is None:
        return sum(seconds.values())
    finish = _Finish(pipeline, seconds)
    known = [finish.of(job) for job in pipeline.visible if job.name in seconds]
    outside = [value for name, value in seconds.items() if name not in pipeline.jobs]
    return max(known, default=0.0) + sum(outside)
