"""Which builds of a pipeline write which cache ref, and which of them may go on doing so.

A unit is one command or bake target with all builds that it stands for: what is written there
serves them all. Knows writers and readers of refs; writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from dockerfix.api import (
    OPAQUE,
    Build,
    Facts,
    Job,
    Pipeline,
    Place,
    SiteKind,
    Tool,
    Value,
    is_per_ref,
    named_branches,
    never_on_default_branch,
    only_for_tags,
    only_on_default_branch,
    read_cache,
    tag_of,
)
from dockerfix_transforms.gitlab.caches.stores import SLUG

NO_REGISTRY = "it is no ref in a registry"
PER_BRANCH = "it has a ref for each branch"
ONE_BRANCH = "one branch alone writes it"
QUIET = frozenset({NO_REGISTRY, PER_BRANCH, ONE_BRANCH})
"""Reasons for which a ref stays that nobody needs to be told."""
_TOOLS = (Tool.DOCKER_BUILD, Tool.BUILDX_BUILD, Tool.BAKE)
_ELSEWHERE = (SiteKind.MAKE, SiteKind.SHELL, SiteKind.GITHUB, SiteKind.PYTHON)


class Unit(Struct, frozen=True, eq=False):
    """The builds of one command or bake target, and the jobs that run it. `added` says that the
    command itself has no cache yet, and its builds have the one that it is to get."""

    builds: tuple[Build, ...]
    jobs: tuple[Job, ...]
    added: bool = False

    @property
    def first(self) -> Build:
        """One build: options and places are the same for all."""
        return self.builds[0]

    @property
    def place(self) -> Place:
        """Where the command stands."""
        return self.first.site.place

    @property
    def name(self) -> str:
        """The job, for a person."""
        return self.jobs[0].name

    @property
    def copies(self) -> frozenset[int]:
        """The exports that repeat another one under the branch's name: `X-BRANCH` beside `X`."""
        texts = [[read_cache(value.text).ref for value in b.cache_to] for b in self.builds]
        count = min(map(len, texts))
        return frozenset(
            number
            for number in range(count)
            if any(
                all(refs[number] == of_branch(refs[other]) for refs in texts)
                for other in range(count)
            )
        )

    def written(self) -> Iterator[tuple[Build, str]]:
        """The refs that the builds write in a registry, variables filled in, but copies."""
        copies = self.copies
        for build in self.builds:
            for number, value in enumerate(build.cache_to):
                texts = value.possible if number not in copies else ()
                yield from ((build, read_cache(text).ref) for text in texts)

    def read(self) -> Iterator[str]:
        """The refs that the builds read in a registry, variables filled in."""
        for build in self.builds:
            for value in build.cache_from:
                yield from (read_cache(text).ref for text in value.possible)


def of_branch(ref: str) -> str:
    """The ref that a branch has beside one that all share."""
    return f"{ref}-${{{SLUG}}}" if ref else ""


@dataclass(slots=True, eq=False)
class Role:
    """What becomes of one unit: whether it writes, under which part of a name, and why its
    ref stays when it must. `beside` is the ref of the twin that it reads as well."""

    unit: Unit
    writes: bool = False
    part: str = ""
    beside: bool = False
    stays: str = ""
    reasons: list[str] = field(default_factory=list)


def units_of(facts: Facts, pipeline: Pipeline) -> list[Unit]:
    """Every command of the pipeline that builds with BuildKit and reads or writes a cache."""
    found: dict[Place, list[Build]] = {}
    elsewhere = places_elsewhere(facts)
    for build in facts.builds.builds:
        if build.site.kind is SiteKind.GITLAB and build.tool in _TOOLS:
            found.setdefault(build.definition or build.site.place, []).append(build)
    units = []
    for place, builds in found.items():
        names = dict.fromkeys(build.site.name for build in builds)
        jobs = tuple(pipeline.jobs[name] for name in names if name in pipeline.jobs)
        cached = any(build.cache_from or build.cache_to for build in builds)
        if cached and len(jobs) == len(names) and place not in elsewhere:
            units.append(Unit(tuple(builds), jobs))
    return units


def places_elsewhere(facts: Facts) -> set[Place]:
    """Commands and bake targets that others than the pipeline's jobs run too."""
    sites = (build for build in facts.builds.builds if build.site.kind in _ELSEWHERE)
    return {build.definition or build.site.place for build in sites}


def by_stage(pipeline: Pipeline, units: Sequence[Unit]) -> list[Unit]:
    """Units in the order in which their jobs run."""
    stages = pipeline.stages
    return sorted(units, key=lambda u: stages.index(s) if (s := u.jobs[0].stage) in stages else 0)


def roles(pipeline: Pipeline, units: Sequence[Unit], per_branch: bool) -> dict[int, Role]:
    """The role of every unit that writes a ref, by `id` of the unit; with `per_branch` a ref
    that each branch has already stays."""
    writers: dict[str, list[Unit]] = {}
    for unit in units:
        for _, ref in unit.written():
            if ref:
                writers.setdefault(ref, []).append(unit)
    found: dict[int, Role] = {}
    for unit in units:
        refs = [ref for _, ref in unit.written() if ref]
        if refs:
            found[id(unit)] = _role(pipeline, unit, refs, writers, per_branch)
    hold_together(units, found)
    return found


def _role(
    pipeline: Pipeline,
    unit: Unit,
    refs: Sequence[str],
    writers: Mapping[str, list[Unit]],
    per_branch: bool,
) -> Role:
    role = Role(unit)
    role.stays = _why_it_stays(pipeline, unit, refs, writers, per_branch)
    if role.stays:
        return role
    if all(only_for_tags(pipeline, job) for job in unit.jobs):
        role.reasons.append("a tag's pipeline only reads: nobody would read a ref of its own")
        return role
    decisions = {_against(pipeline, unit, build, writers[ref]) for build, ref in unit.written()}
    if len(decisions) > 1:
        role.stays = "its builds would need refs in different forms"
        return role
    decision = decisions.pop()
    role.writes = decision is not None
    role.part = decision or ""
    role.beside = bool(decision)
    if decision is None:
        role.reasons.append("another job builds the same image and writes the ref")
    elif decision:
        role.reasons.append("another job writes the ref from another image")
    return role


def _why_it_stays(
    pipeline: Pipeline,
    unit: Unit,
    refs: Sequence[str],
    writers: Mapping[str, list[Unit]],
    per_branch: bool,
) -> str:
    """Why the ref of a unit is not moved; empty when it is."""
    copies = unit.copies
    for build in unit.builds:
        for number, value in enumerate(build.cache_to):
            why = _unfit(value, per_branch) if number not in copies else ""
            if why:
                return why
    taken = [of_branch(ref) for ref in refs if copies and of_branch(ref) in writers]
    if taken:
        return f"another job writes {taken[0]} too"
    if len(refs) != len(set(refs)):
        return "several builds of the same command write this one ref"
    if any(len(job.rows) > 1 for job in unit.jobs) and len(refs) < sum(
        len(job.rows) or 1 for job in unit.jobs
    ):
        return "every run of the matrix writes this one ref"
    for ref in () if per_branch else refs:
        if all(only_for_tags(pipeline, job) for other in writers[ref] for job in other.jobs):
            return "only pipelines of tags write it, so nothing would fill the cache of a branch"
    every = [job for ref in refs for other in writers[ref] for job in other.jobs]
    if per_branch and _is_of_one_branch(pipeline, every):
        return ONE_BRANCH
    if per_branch and all(never_on_default_branch(pipeline, job) for job in every):
        return "no job writes it on the default branch, so new branches would start cold"
    return ""


def _is_of_one_branch(pipeline: Pipeline, jobs: Sequence[Job]) -> bool:
    """Whether the jobs provably exist for one branch alone, tags aside."""
    found: set[str] = set()
    for job in jobs:
        names = named_branches(pipeline, job)
        if names is None:
            return False
        found |= names
    return len(found) < 2


def _unfit(value: Value, per_branch: bool) -> str:
    """Why one value cannot take the branch's name."""
    spec = read_cache(value.text)
    if not spec.ref:
        return NO_REGISTRY
    if "\\" in value.inside or any(char.isspace() for char in spec.ref):
        return "its ref is not written as one word"
    if ("=" in value.text) != ("=" in value.inside):
        return "the whole option comes out of a variable"
    if OPAQUE in value.variables:
        return "its ref holds what a command prints, so its other writers are not known"
    if per_branch and is_per_ref((*value.variables, *value.written_variables)):
        return PER_BRANCH
    last = spec.ref.rpartition("/")[2]
    unknown = [name for name in value.variables if f"${{{name}}}" in last]
    strange = [name for name in unknown if not name.startswith("CI_")]
    if strange and not tag_of(spec.ref):
        return f"what {strange[0]} holds is not known"
    return ""


def _against(pipeline: Pipeline, unit: Unit, build: Build, writers: Sequence[Unit]) -> str | None:
    """The part that a build's ref takes because of an earlier writer: none, a part of its
    own, or None when it builds the same again and only reads."""
    earlier = [w for w in writers[: writers.index(unit)] if not _apart(pipeline, unit, w)]
    if not earlier:
        return ""
    others = [other for writer in earlier for other in writer.builds]
    if any(_image(build) == _image(other) for other in others):
        return None
    target = build.target.text if build.target is not None else ""
    taken = {other.target.text for other in others if other.target is not None}
    name = target if target and target not in taken and "$" not in target else unit.name
    words = "".join(c if c.isalnum() else " " for c in name.lower()).split()
    return f"_{words[-1]}" if words else "_other"


def _apart(pipeline: Pipeline, one: Unit, other: Unit) -> bool:
    """Whether two units provably never write for the same branch."""
    for first, second in ((one, other), (other, one)):
        never = all(never_on_default_branch(pipeline, job) for job in first.jobs)
        if never and all(only_on_default_branch(pipeline, job) for job in second.jobs):
            return True
    return all(only_for_tags(pipeline, job) for job in other.jobs)


def _image(build: Build) -> tuple[object, ...]:
    """What a build makes, without its tags."""
    target = build.target.text if build.target is not None else ""
    arguments = sorted((a.name, a.value.text if a.value else "") for a in build.arguments)
    platforms = [value.text for value in build.platforms]
    return build.dockerfile, build.context, target, arguments, platforms


def hold_together(units: Sequence[Unit], found: Mapping[int, Role]) -> None:
    """A ref moves for all of its writers or for none: else one of them would write what
    nobody reads."""
    waiting = [u for u in units if id(u) in found and found[id(u)].stays]
    seen: set[int] = set()
    while waiting:
        unit = waiting.pop()
        if id(unit) in seen:
            continue
        seen.add(id(unit))
        refs = {ref for _, ref in unit.written()}
        for other in units:
            role = found.get(id(other))
            if role is not None and not role.stays and refs & {r for _, r in other.written()}:
                role.stays = f"{unit.name} writes it too, where {found[id(unit)].stays}"
                waiting.append(other)
