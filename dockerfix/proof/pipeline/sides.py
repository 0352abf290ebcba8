"""Both sides of a change of a pipeline, with the names that moved between them.

Knows which job does the work of which, and which jobs' images a job reads; what may differ is
judged elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from dockerfix.facts.gitlab.pipeline import Job, Pipeline
from dockerfix.facts.image_ref import without_tag
from dockerfix.facts.images.registries import pushed_registries
from dockerfix.facts.model import Build, SiteKind
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Permit
from dockerfix.proof.pipeline.moved import Moved
from dockerfix.proof.pipeline.split import Splits


class Sides:
    """One pipeline before and after, and what is permitted between the two.

    `asked` are the permits as rule, subject and detail; `heirs` names for each joined job the
    one that does its work now. `old` has the names of today where a path moved.
    """

    def __init__(
        self,
        permits: Sequence[Permit],
        moved: Moved,
        pipelines: tuple[Pipeline, Pipeline],
        facts: tuple[Facts, Facts],
    ) -> None:
        before, after = facts
        self.moved = moved
        self.old = moved.pipeline(pipelines[0], before.snapshot)
        self.new = pipelines[1]
        self.before = before
        self.after = after
        self.builds = (*_in_jobs(before), *_in_jobs(after))
        self.asked = {(permit.rule, permit.subject, permit.detail) for permit in permits}
        self.values = {p for p in permits if p.rule == "pipeline-value"}
        self.variables_set = {
            (p.subject, p.detail, p.before, p.after) for p in permits if p.rule == "clone-depth"
        }
        self.heirs = {p.subject: p.after for p in permits if p.rule == "job-joined"}
        self.splits = Splits(permits)
        self.added = {p.subject for p in permits if p.rule == "job-added"}

    @cached_property
    def pushed(self) -> frozenset[str]:
        """The registries to which either side pushes."""
        return pushed_registries(self.before) | pushed_registries(self.after)

    def heir(self, name: str) -> str:
        """The job that does a joined job's work; any other job is its own, and a run of a
        matrix (`build: [api]`) is a run of its job."""
        name = name if name in self.old.jobs else name.partition(": [")[0]
        return self.heirs.get(name, name)

    def joined(self, name: str) -> list[Job]:
        """The old jobs whose work a job does now."""
        mine = (old for old, heir in self.heirs.items() if heir == name)
        return [self.old.jobs[old] for old in mine if old in self.old.jobs]

    def followed(self, old: Any, new: Any) -> bool:
        """Whether a value says the same once every path that moved has its new name."""
        return bool(self.moved.paths) and self.moved.data(old) == self.moved.data(new)

    def of(self, job: str) -> list[Build]:
        """The builds of a job, on both sides."""
        return [build for build in self.builds if build.site.name == job]

    def reads(self, reader: str, maker: str) -> bool:
        """Whether a build of one job is given an image that another one tags."""
        tags = {without_tag(tag.text) for b in self.of(maker) for tag in b.tags}
        tags |= {
            without_tag(name.text)
            for call in self.after.builds.images
            if call.site.in_job(maker)
            for name in call.names
        }
        given = {
            without_tag(argument.value.text.removeprefix("docker-image://"))
            for build in self.of(reader)
            for argument in (*build.arguments, *build.named_contexts)
            if argument.value is not None
        }
        return bool(tags & given)


def _in_jobs(facts: Facts) -> list[Build]:
    return [b for b in facts.builds.builds if b.site.kind is SiteKind.GITLAB]


def jobs_named(job: Job, key: str) -> Iterator[str]:
    """The jobs that `needs` or `dependencies` name."""
    if key == "needs":
        yield from (need.job for need in job.needs or ())
    else:
        yield from (scalar.text for scalar in job.dependencies)
