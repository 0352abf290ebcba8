"""Which jobs become one: those of one stage that would compile one builder group apart.

Knows pipelines and builds; knows nothing of what the one job runs.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from msgspec import Struct

from dockerfix.api import (
    CallSite,
    Change,
    Facts,
    Job,
    Pipeline,
    Refused,
    SiteKind,
    check_joinable,
)
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.read.input_file import InputFile


class BuildJob(Struct, frozen=True):
    """A job that builds members of one group and nothing else."""

    job: Job
    changes: tuple[tuple[InputFile, Change], ...]

    @property
    def targets(self) -> tuple[str, ...]:
        """The old targets, as written."""
        found = (c.build.target.text if c.build.target is not None else "" for _, c in self.changes)
        return tuple(dict.fromkeys(found))


class Cluster(Struct, frozen=True):
    """Jobs that become one under a name, which may be that of one of them."""

    jobs: tuple[BuildJob, ...]
    name: str

    @property
    def changes(self) -> list[tuple[InputFile, Change]]:
        """What all of its builds are to ask for, with the file that each one belongs to."""
        return [pair for build_job in self.jobs for pair in build_job.changes]

    @property
    def old_names(self) -> tuple[str, ...]:
        """The jobs' names."""
        return tuple(build_job.job.name for build_job in self.jobs)


Apart = tuple[Refused, tuple[BuildJob, ...]]
"""Jobs that cannot be one, with the reason."""


def clusters(
    facts: Facts,
    pipeline: Pipeline,
    groups: Sequence[Group],
    changes: Sequence[tuple[InputFile, Change]],
    folder: str,
) -> Iterator[Cluster | Apart]:
    """The jobs of each group that compile the same apart: as one, or why they cannot be."""
    for group in groups:
        paths = {member.file.path for member in group.members}
        mine = [pair for pair in changes if pair[0].path in paths]
        jobs = [*_build_jobs(facts, pipeline, mine), *_composing_jobs(facts, pipeline, mine)]
        for together in _wasteful(jobs):
            try:
                check_joinable(pipeline, [build_job.job for build_job in together])
            except Refused as refused:
                yield refused, together
            else:
                yield Cluster(together, _job_name(pipeline, together, folder, len(groups) == 1))


# The jobs of a group.


def _build_jobs(
    facts: Facts, pipeline: Pipeline, changes: Sequence[tuple[InputFile, Change]]
) -> Iterator[BuildJob]:
    """Jobs all of whose builds are members; others share their builder with more already."""
    for name, mine in _by_job(changes).items():
        job = pipeline.jobs.get(name)
        builds = [b for b in facts.builds.builds if b.site.in_job(name)]
        if job is not None and len(builds) == len(mine):
            yield BuildJob(job, tuple(mine))


def _by_job(
    changes: Sequence[tuple[InputFile, Change]],
) -> dict[str, list[tuple[InputFile, Change]]]:
    found: dict[str, list[tuple[InputFile, Change]]] = {}
    for file, change in changes:
        if change.build.site.kind is SiteKind.GITLAB:
            found.setdefault(change.build.site.name, []).append((file, change))
    return found


def _composing_jobs(
    facts: Facts, pipeline: Pipeline, changes: Sequence[tuple[InputFile, Change]]
) -> Iterator[BuildJob]:
    """Jobs that build services of Compose files, all of them members."""
    known = _by_job(changes)
    built: dict[str, list[CallSite]] = {}
    for use in facts.builds.compose_uses:
        if use.builds and use.site.kind is SiteKind.GITLAB and use.site.name not in known:
            built.setdefault(use.site.name, []).extend(
                service.site
                for service in facts.builds.builds
                if service.site.kind is SiteKind.COMPOSE
                and service.site.place.path in use.files
                and (not use.services or service.site.name in use.services)
            )
    for name, sites in built.items():
        mine = tuple(pair for pair in changes if pair[1].build.site in sites)
        job = pipeline.jobs.get(name)
        if job is not None and mine and len(mine) == len(sites):
            yield BuildJob(job, mine)


def _wasteful(jobs: Sequence[BuildJob]) -> Iterator[tuple[BuildJob, ...]]:
    """Jobs of one stage and one target together. A job alone stays as it is, unless a matrix
    makes several runners of it; so do jobs that build the same files each, which compile no
    more than before."""
    rows: dict[tuple[str, tuple[str, ...]], list[BuildJob]] = {}
    for build_job in jobs:
        rows.setdefault((build_job.job.stage, build_job.targets), []).append(build_job)
    for together in rows.values():
        sets = {frozenset(file.path for file, _ in b.changes) for b in together}
        if len(sets) > 1 or (together[0].job.rows and len(together[0].changes) > 1):
            yield tuple(together)


# The name of the one job.


def _job_name(pipeline: Pipeline, together: Sequence[BuildJob], folder: str, whole: bool) -> str:
    """`<prefix><folder>-all` when the group is the whole merge, else the images' names."""
    names = [b.job.name for b in together]
    if len(names) == 1:
        return names[0]
    prefix = _cut(_beginning(names))
    suffix = _cut(_beginning([n[len(prefix) :][::-1] for n in names]))[::-1]
    images = [n[len(prefix) : len(n) - len(suffix)] for n in names]
    folder_name = posixpath.basename(folder)
    every = f"{folder_name}-all" if folder_name else "all" if prefix or suffix else "build-all"
    middle = every if whole else ", ".join(images)
    name = f"{prefix}{middle}{suffix}"
    while name in pipeline.jobs and name not in names:
        name = f"{name}-images"
    return name


def _beginning(names: Sequence[str]) -> str:
    """The longest common beginning, character by character."""
    first, last = min(names), max(names)
    end = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), None)
    return first[: len(first) if end is None else end]


def _cut(text: str) -> str:
    """The common beginning of names, cut behind its last separator."""
    end = max((text.rfind(sign) for sign in " /:-_."), default=-1)
    return text[: end + 1]
