"""Builds that have no cache and could have one in the registry: what they would be given.

An export needs a builder that can make one, and a registry that the job may write to. Knows
builds without caches; what becomes of a cache stands in `cache_choice`.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from dockerfix.api import (
    Build,
    CommandReader,
    Facts,
    Job,
    Pipeline,
    Place,
    Sequence,
    SiteKind,
    Tool,
    Value,
    without_tag,
)
from dockerfix_transforms.gitlab.builder_keys import CREATE
from dockerfix_transforms.gitlab.caches.written import Unit, places_elsewhere


class Additions:
    """The commands of one pipeline that build without a cache."""

    def __init__(self, facts: Facts, pipeline: Pipeline) -> None:
        self.facts = facts
        self.pipeline = pipeline
        self.reader = CommandReader(facts.snapshot, pipeline)

    def units(self) -> list[Unit]:
        """Those that can be given a cache, as if each read and wrote `NAME:buildcache`."""
        return [given for unit in self._bare() if (given := self._given(unit)) is not None]

    def _bare(self) -> Iterator[Unit]:
        """Commands whose builds have no cache; those of a bake file are left out, since a target
        is shared with everybody who bakes."""
        found: dict[Place, list[Build]] = {}
        for build in self.facts.builds.builds:
            if build.site.kind is SiteKind.GITLAB and build.tool in (
                Tool.DOCKER_BUILD,
                Tool.BUILDX_BUILD,
            ):
                found.setdefault(build.site.place, []).append(build)
        elsewhere = places_elsewhere(self.facts)
        for place, builds in found.items():
            names = dict.fromkeys(build.site.name for build in builds)
            jobs = tuple(self.pipeline.jobs[name] for name in names if name in self.pipeline.jobs)
            cached = any(build.cache_from or build.cache_to for build in builds)
            if not cached and len(jobs) == len(names) and place not in elsewhere:
                yield Unit(tuple(builds), jobs, added=True)

    def _given(self, unit: Unit) -> Unit | None:
        """The unit with caches; None where its builder, its registry or its name is not known."""
        builds = []
        for build in unit.builds:
            ref = _ref(build)
            if ref is None or not build.push:
                return None
            builds.append(replace(build, cache_from=(ref,), cache_to=(ref,)))
        # One command has one text, whatever its variables hold in each job.
        if len({build.cache_to[0].written for build in builds}) > 1:
            return None
        if not all(self._makes_builder(job) and _is_in_a_block(job) for job in unit.jobs):
            return None
        return replace(unit, builds=tuple(builds))

    def _makes_builder(self, job: Job) -> bool:
        """Whether a job makes a builder other than that of dockerd, which exports no cache."""
        for ran in self.reader.of(job).ran:
            words = " ".join(ran.words)
            if ran.words[:3] == CREATE and not words.endswith("--driver docker"):
                return "--driver docker " not in words and "--driver=docker " not in f"{words} "
        return False


def _ref(build: Build) -> Value | None:
    """The cache beside a build's first tag; None where what the tag names is not known."""
    tag = build.tags[0] if build.tags else None
    if tag is None or not all(name.startswith("CI_") for name in tag.variables):
        return None
    carried = tag.carrier or tag.origin is not None
    written = without_tag(tag.text if carried else tag.inside)
    head, text = "type=registry,ref=", without_tag(tag.text)
    if "/" not in text or any(sign in written for sign in "\"'` "):
        return None
    variables = tuple(name for name in tag.variables if f"${{{name}}}" in text)
    written, text = f"{head}{written}:buildcache", f"{head}{text}:buildcache"
    return Value(written, text, variables)


def _is_in_a_block(job: Job) -> bool:
    """Whether no script of a job is a list in brackets, in which a comma ends a plain text."""
    nodes = (job.keys.get(key) for key in ("before_script", "script", "after_script"))
    return not any(isinstance(node, Sequence) and node.flow for node in nodes)
