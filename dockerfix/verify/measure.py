"""What the jobs of a pipeline cost before and after, each on a builder of its own.

A cold builder is what a job gets on an ephemeral runner: nothing is cached but what a registry
holds. Knows jobs, calls and cache refs; how a builder comes to be is the caller's business.
"""

from __future__ import annotations

import contextlib
import itertools
import posixpath
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.gitlab.pipeline import Pipeline
from dockerfix.facts.model import SiteKind, Tool, Value
from dockerfix.traces.steps import Step, Steps
from dockerfix.verify.bake import Wanted
from dockerfix.verify.buildx import Buildx, Job
from dockerfix.verify.copies import Copies
from dockerfix.verify.elapsed import elapsed
from dockerfix.verify.interrupts import undisturbed
from dockerfix.verify.outcome import JobWork, Measured, SideWork, Work
from dockerfix.verify.recipe import Order
from dockerfix.verify.side import Side
from dockerfix.verify.variables import Variables
from dockerfix.verify.watch import Phase, Watch, unwatched

_PIPELINES = (SiteKind.GITLAB, SiteKind.GITHUB)


class Builders(Protocol):
    """Where cold builders come from."""

    def fresh(self) -> contextlib.AbstractContextManager[str]:
        """A builder with an empty cache, by its name in buildx; gone afterwards."""


@dataclass(slots=True)
class ContainerBuilders:
    """Builders of the `docker-container` driver: BuildKit in a container of the engine.

    `run` begins their names; `options` are further words of `docker buildx create`.
    """

    buildx: Buildx
    run: str
    options: tuple[str, ...] = ()
    _number: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @contextlib.contextmanager
    def fresh(self) -> Iterator[str]:
        """A builder with an empty cache. Raises `EngineError` where there can be none."""
        name = f"{self.run}-{next(self._number)}"
        try:
            self.buildx.create(name, self.options)
            yield name
        finally:
            with undisturbed():
                self.buildx.remove(name)


class PipelineJob(Struct, frozen=True):
    """One job: the calls that it makes, each with the builds that it asks for."""

    name: str
    calls: tuple[tuple[Order, ...], ...]


def jobs_of(orders: Iterable[Order]) -> tuple[PipelineJob, ...]:
    """Builds by the job that asks for them, in order.

    Jobs of a pipeline where there are any; else what one file asks for is one job.
    """
    every = [order for order in orders if order.build.site.kind is not SiteKind.DOCUMENT]
    jobs = [order for order in every if order.build.site.kind in _PIPELINES]
    grouped: dict[str, list[Order]] = {}
    for order in jobs or every:
        site = order.build.site
        grouped.setdefault(site.name if jobs else site.place.path, []).append(order)
    return tuple(PipelineJob(name, tuple(_calls(found))) for name, found in grouped.items())


def _calls(orders: Sequence[Order]) -> Iterator[tuple[Order, ...]]:
    """Builds that one command makes stand together: those of bake and of Compose."""
    for _, together in itertools.groupby(orders, key=_call):
        yield tuple(together)


def _call(order: Order) -> object:
    build = order.build
    if build.tool is Tool.BAKE:
        return build.site.place
    return Tool.COMPOSE if build.tool is Tool.COMPOSE else id(order)


class Stopwatch(Struct, frozen=True):
    """Runs jobs on cold builders.

    `registry` is the address of a registry that takes pushes and caches (empty: nothing is
    pushed and no cache is used); `run` keeps what is pushed there apart.
    """

    buildx: Buildx
    copies: Copies
    builders: Builders
    variables: Variables
    run: str
    registry: str = ""
    watch: Watch = unwatched

    def measure(
        self,
        orders: Mapping[Side, Sequence[Order]],
        pipelines: Mapping[Side, Pipeline | None],
        *,
        pushes: int = 1,
    ) -> Iterator[Measured]:
        """Run all jobs of both sides; once more for each further push, with the caches that
        the push before left in the registry.

        Raises `BuildFailedError` and `EngineError`.
        """
        for push in range(pushes):
            sides = {
                side: self._side(side, jobs_of(orders[side]), pipelines[side]) for side in Side
            }
            yield Measured(self._title(push), sides[Side.BEFORE], sides[Side.AFTER])

    def _title(self, push: int) -> str:
        if not self.registry:
            return "each job on a cold builder, without a registry cache"
        which = "first push, empty registry" if push == 0 else "next push, warm registry cache"
        return f"each job on a cold builder, {which}"

    def _side(self, side: Side, jobs: Sequence[PipelineJob], pipeline: Pipeline | None) -> SideWork:
        works = []
        for job in jobs:
            self.watch(Phase(f"measuring {side.value}: {job.name}"))
            stage = pipeline.jobs[job.name].stage if pipeline and job.name in pipeline.jobs else ""
            works.append(JobWork(job.name, stage, self._job(side, job)))
        seconds = {work.name: work.work.seconds for work in works}
        stages = {
            stage: elapsed(pipeline, {w.name: w.work.seconds for w in works if w.stage == stage})
            for stage in dict.fromkeys(work.stage for work in works)
        }
        return SideWork(tuple(works), elapsed(pipeline, seconds), stages)

    def _job(self, side: Side, job: PipelineJob) -> Work:
        """All calls of a job on one builder."""
        with self.builders.fresh() as builder:
            # The builder itself is in the network that its steps need.
            buildx = replace(self.buildx, builder=builder, network="")
            called = [self._call(side, job.name, call) for call in job.calls]
            start = time.monotonic()
            said = [buildx.bake(call, watch=self.watch) for call in called]
            seconds = time.monotonic() - start
            exported = sum(buildx.stored_bytes(ref) for ref in _written_caches(called))
        return work_of(said, seconds, exported if self.registry else None)

    def _call(self, side: Side, name: str, orders: Sequence[Order]) -> Job:
        wanted = tuple(
            self._wanted(side, f"image-{number}", order) for number, order in enumerate(orders, 1)
        )
        return Job(side, self.copies.folder(side), wanted, f"{side.value} {name}")

    def _wanted(self, side: Side, name: str, order: Order) -> Wanted:
        if not self.registry:
            return Wanted(name, order.recipe, outputs=("type=cacheonly",))
        build = order.build
        return Wanted(
            name,
            order.recipe,
            tags=tuple(self._moved(side, tag) for tag in order.tags),
            outputs=("type=registry",) if build.push else ("type=cacheonly",),
            cache_from=self._caches(side, build.cache_from),
            cache_to=self._caches(side, build.cache_to),
        )

    def _caches(self, side: Side, values: Sequence[Value]) -> tuple[str, ...]:
        return tuple(filter(None, (self._cache(side, value.text) for value in values)))

    def _cache(self, side: Side, text: str) -> str:
        """A cache ref as it must be to stay in the registry; empty for another kind of cache."""
        filled = self.variables.fill(text).text
        fields = filled.split(",")
        if not any(field.startswith("type=") for field in fields):
            return f"type=registry,ref={self._moved(side, filled)}"
        if "type=registry" not in fields:
            return ""
        return ",".join(
            f"ref={self._moved(side, field[4:])}" if field.startswith("ref=") else field
            for field in fields
        )

    def _moved(self, side: Side, reference: str) -> str:
        """An image's name in the registry of the measurement, one folder for each side."""
        path, colon, tag = reference.rpartition(":")
        if "/" in tag or not colon:
            path, tag = reference, "latest"
        name = posixpath.join(f"{self.run}-{side.value}", path.replace(":", "-"))
        return f"{self.registry}/{name}:{tag}"


def _written_caches(calls: Iterable[Job]) -> frozenset[str]:
    """The refs that calls write their caches to."""
    values = (value for call in calls for image in call.wanted for value in image.cache_to)
    fields = (field for value in values for field in value.split(","))
    return frozenset(field[4:] for field in fields if field.startswith("ref="))


def work_of(said: Sequence[Steps], seconds: float, cache_exported: int | None = None) -> Work:
    """What builders said during a job, added up."""
    steps = [step for run in said for step in run.steps.values()]
    crates = dict.fromkeys(("install", "cook", "build"), 0)
    for step in steps:
        crates[_purpose(step)] += step.compiled
    return Work(
        seconds=seconds,
        crates=crates,
        steps=sum(len(run.instructions) for run in said),
        cached=sum(run.cached for run in said),
        sent=sum(run.bytes_sent for run in said),
        cache_exported=cache_exported,
        clipped=any(step.clipped for step in steps),
    )


def _purpose(step: Step) -> str:
    """What a step compiles for: cargo-chef's cook, a tool that is installed, or the build."""
    if "cargo chef cook" in step.command or "cargo-chef cook" in step.command:
        return "cook"
    return "install" if "cargo install" in step.command else "build"
