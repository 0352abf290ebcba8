"""The provider: a sibling package, the image that is built of it, and what that holds.

Compares what a consumer does inline with what the provider's Dockerfile does, step by step.
Knows two Dockerfiles; which call site publishes the image is `publication`'s.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from dockerfix.api import (
    BadIgnoreError,
    Build,
    Copy,
    Facts,
    Judge,
    Onbuild,
    Stage,
    StageGraph,
    inner_path,
    join_path,
    read_ignore,
    walk,
)
from dockerfix_transforms.slim_context.read.inline import Region
from dockerfix_transforms.slim_context.read.landing import landing, seen_from
from dockerfix_transforms.slim_context.read.steps import Step, step_of

_SYSTEM = frozenset({"apk", "apt-get", "apt", "dnf", "yum", "microdnf", "tdnf", "zypper"})


class Held(Struct, frozen=True):
    """What an image holds of its package: `where` is the folder that holds it, `parts` are
    the paths in the package that were copied there (empty string: all of it), `steps` are the
    RUN instructions whose results are there."""

    where: str
    parts: tuple[str, ...]
    steps: tuple[Step, ...]


class Provider(Struct, frozen=True):
    """A sibling's image: the build that makes it, and what it holds."""

    folder: str
    name: str
    build: Build
    graph: StageGraph
    stage: Stage
    held: Held

    @property
    def where(self) -> str:
        """The folder of the image that holds the package."""
        return self.held.where

    @property
    def argument(self) -> str:
        """The build argument that names the image."""
        letters = (char if char.isascii() and char.isalnum() else "_" for char in self.name)
        return "".join(letters).upper() + "_IMAGE"

    @property
    def base(self) -> str:
        """The image that the provider stands on."""
        return self.graph.image(self.stage)


class NoProvider(Struct, frozen=True):
    """Why a sibling has no image that could be used, and what to do about it."""

    what: str
    action: str


def read_provider(facts: Facts, folder: str, build: Build, name: str) -> Provider | NoProvider:
    """The provider that a build makes, or what is missing; `name` is that of its argument."""
    graph = facts.stages(build.dockerfile or "")
    stage = graph.target(build.target.text if build.target is not None else "")
    if stage is None:
        return NoProvider(
            f"{build.site} asks for a target that {build.dockerfile} does not have",
            "correct its target",
        )
    if any(isinstance(item, Onbuild) for item in stage.instructions):
        return NoProvider(
            f"{build.dockerfile} has ONBUILD, which would run in the stage of its image here",
            "take the ONBUILD out of its last stage, or pass --via context",
        )
    try:
        _ignore_judge(facts, build)
    except BadIgnoreError as error:
        path = facts.ignore_path(build.context or "", build.dockerfile or "")
        return NoProvider(f"{path} stops the build of its image: {error}", "correct the pattern")
    held = _held(facts, graph, stage, _Package(folder, build.context or ""))
    if held is None or "$" in held.where:
        return NoProvider(
            f"{build.dockerfile} does not keep the files of {folder} in one folder of its image",
            "let its last stage hold the package as it is, or pass --via context",
        )
    return Provider(folder, name, build, graph, stage, held)


class _Package(Struct, frozen=True):
    """A package and the context with which its image is built, relative to the root."""

    folder: str
    context: str


def _held(facts: Facts, graph: StageGraph, stage: Stage, package: _Package) -> Held | None:
    """What a stage holds of the package, copies from other stages followed."""
    places: dict[str, str] = {}
    steps: list[Step] = []
    inner: Held | None = None
    for at in walk(graph, stage):
        step = step_of(at)
        if step is not None:
            steps.append(step)
        item = at.item
        if not isinstance(item, Copy):
            continue
        if item.from_ is None:
            places |= dict(_own_places(facts, item, at.folder, package))
            continue
        below = graph.find(item.from_.value or "", at.stage.index)
        held = _held(facts, graph, below, package) if below is not None else None
        if held is None:
            continue
        taken = dict(_taken_places(facts, item, at.folder, package, held))
        places |= taken
        if "" in taken and "" in held.parts:
            inner = held
    return _agreed(places, steps, inner)


def _agreed(places: dict[str, str], steps: Sequence[Step], inner: Held | None) -> Held | None:
    """One folder that holds all parts; None when they do not agree."""
    whole = [where for part, where in places.items() if not part]
    folders = dict.fromkeys(whole or places.values())
    if len(folders) != 1:
        return None
    where = next(iter(folders))
    parts = tuple(part for part, folder in places.items() if folder == where)
    return Held(where, parts, (*(_moved(inner, where) if inner else ()), *steps))


def _moved(inner: Held, where: str) -> Iterator[Step]:
    """Steps of a stage whose package was copied to another folder."""
    for step in inner.steps:
        relative = posixpath.relpath(step.folder, inner.where)
        if not relative.startswith(".."):
            folder = posixpath.normpath(posixpath.join(where, relative))
            yield Step(step.item, step.text, folder, step.environment, step.stays)


def _own_places(
    facts: Facts, item: Copy, folder: str, package: _Package
) -> Iterator[tuple[str, str]]:
    """Parts of the package that a COPY takes, with the folder that holds the package there."""
    for word in item.sources:
        path = join_path(package.context, word.value.lstrip("/") or ".")
        if path is None or "$" in path or not _below(path, package.folder):
            continue
        part = path[len(package.folder) + 1 :]
        where = seen_from(landing(facts.snapshot, item, path, folder), part)
        if where is not None:
            yield part, where


def _taken_places(
    facts: Facts, item: Copy, folder: str, package: _Package, held: Held
) -> Iterator[tuple[str, str]]:
    """The same for a COPY from a stage that holds the package."""
    for word in item.sources:
        path = posixpath.normpath(posixpath.join("/", word.value))
        relative = posixpath.relpath(path, held.where)
        part = "" if relative == "." else relative
        if part.startswith("..") or not ("" in held.parts or part in held.parts):
            continue
        source = posixpath.join(package.folder, part) if part else package.folder
        where = seen_from(landing(facts.snapshot, item, source, folder), part)
        if where is not None:
            yield part, where


def seen_steps(region: Region, provider: Provider) -> list[Step]:
    """The steps of a region that the provider's image has seen, and whose results came with
    it: they can go.

    A step that works outside of its folder too stays. The first step that the provider does
    not run, and all behind it, stay: a later one may need it.
    """
    if region.where is None:
        return []
    waiting = list(provider.held.steps)
    seen: list[Step] = []
    for step in region.steps:
        twin = next((s for s in waiting if step.like(s, region.where, provider.where)), None)
        if twin is None:
            break
        waiting = waiting[waiting.index(twin) + 1 :]
        if step.stays:
            seen.append(step)
    return seen


def missing_steps(region: Region, provider: Provider) -> list[Step]:
    """The steps that work on the package and that its image has not seen."""
    gone = seen_steps(region, provider)
    inside = [s for s in region.steps if s.stays and _below(s.folder, region.where)]
    return [step for step in inside if step not in gone]


def extra_steps(region: Region, provider: Provider) -> list[Step]:
    """What the provider runs in the package and the region does not."""
    where = region.where
    own = region.steps if where is not None else ()
    return [
        step
        for step in provider.held.steps
        if _below(step.folder, provider.where)
        and step.text.split(None, 1)[0] not in _SYSTEM
        and not any(s.like(step, where or "/", provider.where) for s in own)
    ]


def _below(folder: str, where: str | None) -> bool:
    return where is not None and (folder == where or folder.startswith(f"{where.rstrip('/')}/"))


def lacking_files(facts: Facts, wanted: Iterable[str], provider: Provider) -> list[str]:
    """Files of the sibling that the consumer copied and that the provider's image lacks: its
    Dockerfile does not copy them, or its ignore file leaves them out."""
    context = provider.build.context or ""
    judge = _ignore_judge(facts, provider.build)
    package = len(provider.folder) + 1
    return [
        file
        for file in wanted
        if judge.judge_path(inner_path(file, context)).matched
        or not _is_held(provider.held, file[package:])
    ]


def _ignore_judge(facts: Facts, build: Build) -> Judge:
    """What the build's ignore file leaves out. Raises `BadIgnoreError`."""
    path = facts.ignore_path(build.context or "", build.dockerfile or "")
    return Judge(facts.snapshot.derive(path, read_ignore).rules if path is not None else ())


def _is_held(held: Held, part: str) -> bool:
    return any(not taken or _matches(taken, part) for taken in held.parts)


def _matches(pattern: str, part: str) -> bool:
    """Whether a file is one that a source with wildcards takes, or stands in such a folder."""
    names, wanted = part.split("/"), pattern.split("/")
    return len(names) >= len(wanted) and all(
        fnmatchcase(name, sign) for name, sign in zip(names, wanted, strict=False)
    )


def files_below(facts: Facts, path: str) -> Iterator[str]:
    """The files that a path of the repository means."""
    if path in facts.snapshot:
        yield path
        return
    yield from facts.snapshot.below(path)
