"""Who waits for whom: the order that stages and `needs:` give the jobs of a pipeline.

Follows "CI/CD YAML syntax, needs and stages": a job without `needs:` waits for every job of the
earlier stages, one with `needs:` for those alone. Knows the order of jobs; knows nothing of
how long one takes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable

from msgspec import Struct

from dockerfix.facts.gitlab.job import Job
from dockerfix.facts.gitlab.pipeline import Pipeline


class Waits(Struct, frozen=True):
    """What one job waits for directly. `barrier` says that it is for all earlier stages."""

    job: str
    after: tuple[str, ...]
    barrier: bool


class Schedule:
    """The order of one pipeline's jobs."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._waits = {job.name: self._read(job) for job in pipeline.visible}

    def waits(self, name: str) -> Waits:
        """What a job waits for directly; raises `KeyError` for a job that does not run."""
        return self._waits[name]

    def with_needs(self, name: str, needs: Iterable[str]) -> Schedule:
        """The order once a job waits for these alone."""
        found = copy.copy(self)
        found._waits = {**self._waits, name: Waits(name, tuple(needs), False)}
        return found

    def before(self, name: str) -> frozenset[str]:
        """Every job that has ended when this one starts, directly or through others."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            for other in self._waits[waiting.pop()].after:
                if other not in found and other in self._waits:
                    found.add(other)
                    waiting.append(other)
        return frozenset(found)

    def earlier(self, job: Job) -> tuple[Job, ...]:
        """The jobs of all earlier stages, in the order of the file."""
        stages = self.pipeline.stages
        if job.stage not in stages:
            return ()
        known = set(stages[: stages.index(job.stage)])
        return tuple(other for other in self.pipeline.visible if other.stage in known)

    def _read(self, job: Job) -> Waits:
        if job.needs is None:
            return Waits(job.name, tuple(other.name for other in self.earlier(job)), True)
        jobs = self.pipeline.jobs
        named = (need.job for need in job.needs)
        after = (name if name in jobs else name.partition(": [")[0] for name in named)
        return Waits(job.name, tuple(dict.fromkeys(after)), False)
