"""What a person is told of caches that move, and of those that stay. Knows findings; edits
nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from dockerfix.api import (
    CommandReader,
    Facts,
    Finding,
    Pipeline,
    Place,
    Severity,
    SiteKind,
    read_cache,
)
from dockerfix_transforms.gitlab.caches.choice import Wanted
from dockerfix_transforms.gitlab.caches.stores import DEFAULT, SLUG
from dockerfix_transforms.gitlab.caches.written import Role, Unit
from dockerfix_transforms.gitlab.programs import is_unread_build


def keeps_caches(unit: Unit, why: str) -> Finding:
    """A unit that keeps what it has."""
    do = f"give each writer a ref of its own, and end it with -${SLUG}"
    return _note(unit, "cache-stays", f"{unit.name} keeps its cache options", why, do)


def unread_builds(facts: Facts, pipeline: Pipeline) -> Iterator[Finding]:
    """The builds whose caches nothing here reads: they stay as they are."""
    reader = CommandReader(facts.snapshot, pipeline)
    for job in pipeline.visible:
        for ran in reader.of(job).ran:
            if is_unread_build(ran.words):
                yield Finding.at(
                    ran.place,
                    name="cache-stays",
                    severity=Severity.NOTE,
                    subject=job.name,
                    what=f"{job.name} keeps its cache options",
                    why=f"what `{ran.name} build` reads and writes is not known",
                    do=f"end a ref that it exports with -${SLUG}",
                )


def cache_added(unit: Unit) -> Finding:
    """The assumption of a build that gets a cache: the registry has room for it."""
    return Finding.at(
        unit.place,
        name="cache-added",
        severity=Severity.ASSUME,
        subject=unit.name,
        what=f"{unit.name} keeps its layers in the registry, beside the image",
        why="every branch then holds a cache of all stages, and the export takes time in each run",
        do="compare a run that finds the cache with one before, and give old caches an end",
    )


def no_cache(unit: Unit) -> Finding:
    """A build that could have a cache."""
    why = "a builder that the job makes starts empty, so that every run builds every step"
    do = "pass --add to keep its layers in the registry"
    return _note(unit, "no-cache", f"{unit.name} builds without a cache", why, do)


def unit_notes(unit: Unit, role: Role | None, wanted: Wanted) -> Iterator[Finding]:
    """What else changes for a unit whose caches move."""
    for text, why in wanted.dropped:
        yield _note(unit, "source-dropped", f"{unit.name} no longer reads {text}", why)
    for why in role.reasons if role is not None and not role.stays else ():
        what = "takes a ref of its own" if role is not None and role.writes else "only reads"
        yield _note(unit, "cache-writer", f"{unit.name} {what}", why)
    if sum(bool(item.branch) for item in wanted.sources) > 1:
        why = "with two sources all steps were found in none of 14 runs, with one in all 14"
        yield _note(unit, "two-sources", f"{unit.name} reads two caches", why)


def readers_elsewhere(facts: Facts, moved: Collection[str]) -> Iterator[Finding]:
    """Builds outside of the pipeline's commands that read a ref which moves."""
    for build in facts.builds.builds:
        refs = [read_cache(value.text).ref for value in build.cache_from]
        for ref in refs if build.site.kind is not SiteKind.GITLAB else ():
            if ref in moved:
                yield Finding.at(
                    build.site.place,
                    name="reads-old-ref",
                    severity=Severity.NOTE,
                    subject=build.site.name,
                    what=f"{build.site.kind.value} {build.site.name} still reads {ref}",
                    why="no job writes that ref any more",
                    do=f"write the default branch's: {ref}-main, for example",
                )


def default_branch_slug(place: Place) -> Finding:
    """The assumption of a build that falls back on the default branch's cache."""
    return Finding.at(
        place,
        name="default-branch-slug",
        severity=Severity.ASSUME,
        subject=DEFAULT,
        what="the default branch's name is taken as its own slug",
        why="a name with capitals, slashes or dots has another slug; new branches"
        " would then find no cache",
        do=f"write the slug of the default branch where the script says ${DEFAULT}",
    )


def _note(unit: Unit, name: str, what: str, why: str, do: str = "") -> Finding:
    """A note at a unit's command."""
    note = Severity.NOTE
    return Finding.at(
        unit.place, name=name, severity=note, subject=unit.name, what=what, why=why, do=do
    )
