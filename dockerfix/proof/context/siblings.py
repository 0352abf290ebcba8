"""What the published images of sibling packages hold, for steps that they take over.

A consumer that copied a sibling's files and built it inline may copy from the sibling's image
instead. Which image that is say the call sites after the change: the build argument or named
context that they pass is a tag that another call site pushes, or a Compose service. What that
image has seen says the Dockerfile that makes it. Knows Dockerfiles and builds; knows nothing of
who changed them.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import Struct

from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.facts.dockerfile.walk import At, walk
from dockerfix.facts.images.makers import find_maker
from dockerfix.facts.images.published import (
    lacking_platform,
    runs_without,
    sometimes_pushed,
    unknown_name,
)
from dockerfix.facts.model import Build, Value
from dockerfix.facts.repository import Facts
from dockerfix.proof.context.seen_steps import (
    SeenStep,
    holder,
    seen_step,
    stays_inside,
)
from dockerfix.proof.rules.pair import Use
from dockerfix.proof.steps.chain import Step
from dockerfix.syntax.dockerfile import Copy, Run, Stage
from dockerfix.text import join_path

_MAX_DEPTH = 8
_IMAGE, _STAGE = "sibling-image", "sibling-stage"
SIBLING_RULES = frozenset({_IMAGE, _STAGE})


@dataclass(slots=True)
class Provider:
    """A sibling's image, or the stage that stands for it: its package's folder, the folder of
    the image that holds the package (empty for the package's folder itself, as a named context),
    and the RUN steps that it has seen and that no missing step was explained by yet."""

    folder: str
    where: str
    runs: Counter[SeenStep] = field(default_factory=Counter)
    rule: str = _IMAGE

    @property
    def named(self) -> str:
        """The provider for a person."""
        kind = "image" if self.rule == _IMAGE else "stage"
        return f"the {kind} of {self.folder}"


class Siblings:
    """The siblings of one Dockerfile, before and after a change; the contexts are those with
    which call sites build it, `allowed` the rules that count."""

    def __init__(self, path: str, before: Facts, after: Facts, allowed: frozenset[str]) -> None:
        self.before = before.snapshot
        self.context = _context(path, before)
        self.new_context = _context(path, after)
        self.graph: StageGraph = after.stages(path)
        self.providers = dict(_providers(path, after)) if _IMAGE in allowed else {}
        if _STAGE in allowed:
            self.providers |= dict(_own_stages(path, self.new_context, before, after))
        self.split: list[Copy] = []
        self.places: dict[int, tuple[At, tuple[Copy, ...]]] = {}
        for stage in before.stages(path).stages:
            self._locate(before.stages(path), stage)

    def _locate(self, graph: StageGraph, stage: Stage) -> None:
        """Where each RUN of the old stage stood, and the copies before it."""
        copies: list[Copy] = []
        for place in walk(graph, stage):
            item = place.item
            if place.stage is not stage:
                continue
            if isinstance(item, Copy) and item.from_ is None:
                copies.append(item)
            self.places[id(item)] = (place, tuple(copies))

    def new(self, step: Step) -> Use | None:
        """The rule under which a step may copy from a sibling's image, or the rest of a COPY
        that took a sibling's files as well."""
        item = step.instruction
        if not isinstance(item, Copy):
            return None
        if item.from_ is None:
            return self._rest(step, item)
        stage = step.references[0] if len(step.references) == 1 else None
        if not isinstance(stage, Stage):
            return None
        provider = self.providers.get((stage.name or "").lower())
        if provider is None or not (provider.rule == _STAGE or self._stands_for_image(stage)):
            return None
        if provider.where and not all(_inside(w.value, provider.where) for w in item.sources):
            return None
        return Use(provider.rule, f"`{step.short}`: {provider.named}")

    def _rest(self, step: Step, item: Copy) -> Use | None:
        """A COPY with the flags, the destination and a part of the sources of a missing one."""
        mine = {join_path(self.new_context, _clean(word.value)) for word in item.sources}
        for old in self.split:
            theirs = {join_path(self.context, _clean(word.value)) for word in old.sources}
            same = [(f.name, f.value) for f in item.flags] == [(f.name, f.value) for f in old.flags]
            if same and mine <= theirs and item.words[-1].value == old.words[-1].value:
                return Use("sibling-image", f"`{step.short}`: the rest of a COPY of siblings")
        return None

    def gone(self, step: Step) -> Use | None:
        """The rule under which a step on a sibling may be missing: its image has seen it."""
        item = step.instruction
        if isinstance(item, Run):
            return self._seen(item)
        if not isinstance(item, Copy) or item.from_ is not None or item.heredocs:
            return None
        paths = [posixpath.join(self.context, _clean(word.value)) for word in item.sources]
        owners = [p for p in self.providers.values() if any(_inside(x, p.folder) for x in paths)]
        if not owners:
            return None
        named = ", ".join(owner.folder for owner in owners)
        if all(any(_inside(path, owner.folder) for owner in owners) for path in paths):
            what = "image" if owners[0].rule == _IMAGE else "stage"
            return Use(owners[0].rule, f"{named} comes from its {what}")
        self.split.append(item)
        return Use("sibling-image", f"{named} comes from its image, the rest by its own COPY")

    def _seen(self, item: Run) -> Use | None:
        """Whether a sibling's image has seen a RUN, and has all that it changed."""
        place, copies = self.places.get(id(item), (None, ()))
        if place is None or not stays_inside(item):
            return None
        for provider in self.providers.values():
            for copy in copies:
                package = self._holder(copy, provider)
                step = seen_step(item, place, package) if package is not None else None
                if step is not None and provider.runs[step] > 0:
                    provider.runs[step] -= 1
                    return Use(provider.rule, f"{provider.named} has seen it")
        return None

    def _holder(self, copy: Copy, provider: Provider) -> str | None:
        """Where a COPY put the provider's package in the old stage."""
        paths = [posixpath.join(self.context, _clean(word.value)) for word in copy.sources]
        if not all(_inside(path, provider.folder) for path in paths):
            return None
        place, _ = self.places[id(copy)]
        inner = {posixpath.relpath(x, provider.folder): self.before.is_folder(x) for x in paths}
        return holder(copy, place.folder, inner)

    def _stands_for_image(self, stage: Stage) -> bool:
        """Whether a stage is an image that a build argument or a named context gives, and
        nothing else: it fails at once when neither is given."""
        return not stage.instructions and self.graph.image(stage) == "scratch"


def _providers(path: str, after: Facts) -> Iterator[tuple[str, Provider]]:
    """Stages of the Dockerfile by name, with the sibling whose image call sites pass."""
    graph = after.stages(path)
    for stage in graph.stages:
        image = stage.from_.image
        name = (stage.name or "").lower()
        if not name or image is None or stage.instructions:
            continue
        asking = [build for build in after.builds.builds if build.dockerfile == path]
        folders = {_folder(build, name, after) for build in asking} - {None}
        made = [b for a in asking if (b := _passed(a, name, image.variables, after)) is not None]
        if len(folders) == 1 and not made:
            yield name, Provider(folders.pop() or "", "")
        elif made and not folders and len({build.context for build in made}) == 1:
            provider = _provider(made[0], after)
            if provider is not None:
                yield name, provider


def _own_stages(
    path: str, context: str, before: Facts, after: Facts
) -> Iterator[tuple[str, Provider]]:
    """New stages of the Dockerfile that hold one package of the context, with what their own
    steps have seen. A package is a folder that something builds by itself."""
    known = {(stage.name or "").lower() for stage in before.stages(path).stages}
    graph = after.stages(path)
    own = posixpath.dirname(path)
    folders = {posixpath.dirname(b.dockerfile) for b in after.builds.builds if b.dockerfile}
    packages = sorted(f for f in folders - {own} if f and f != context and _inside(f, context))
    for stage in graph.stages:
        name = (stage.name or "").lower()
        if not name or name in known or not stage.instructions:
            continue
        for folder in packages:
            found = _holding(_Package(after, folder, context), graph, stage, 0)
            if found is not None:
                yield name, Provider(folder, found[0], Counter(found[1]), _STAGE)
                break


def _folder(build: Build, name: str, after: Facts) -> str | None:
    """The folder that a call site passes as the named context, relative to the root."""
    for context in build.named_contexts:
        text = context.value.text if context.value is not None else ""
        path = join_path(build.folder, text) if text and ":" not in text else None
        if context.name.lower() == name and path is not None and after.snapshot.is_folder(path):
            return path
    return None


def _passed(build: Build, name: str, variables: tuple[str, ...], after: Facts) -> Build | None:
    """The build whose image a call site passes for a stage."""
    for context in build.named_contexts:
        if context.name.lower() == name and context.value is not None:
            return find_maker(after.builds.builds, context.value.text)
    for argument in build.arguments:
        if argument.name in variables and argument.value is not None:
            return _pushed(argument.value.text, build, after)
    return None


def _pushed(tag: str, reader: Build, after: Facts) -> Build | None:
    """The first build that pushes a tag which the reader can read."""
    return next(
        (
            build
            for build in after.builds.builds
            for name in build.tags
            if name.text == tag
            and (build.push or _pushed_later(tag, build, after))
            and _is_read(build, name, reader, after)
        ),
        None,
    )


def _is_read(maker: Build, tag: Value, reader: Build, after: Facts) -> bool:
    """Whether the reader knows the tag, finds it in every run, and for its platforms."""
    return not (
        unknown_name(after, maker, tag, reader)
        or sometimes_pushed(after, maker, tag, reader)
        or runs_without(after, maker, reader)
        or lacking_platform(maker, reader)
    )


def _pushed_later(tag: str, build: Build, after: Facts) -> bool:
    """Whether a command of the same script pushes the tag."""
    return any(
        call.verb == "push"
        and (call.site.kind, call.site.name) == (build.site.kind, build.site.name)
        and tag in [name.text for name in call.names]
        for call in after.builds.images
    )


def _provider(build: Build, after: Facts) -> Provider | None:
    if build.dockerfile is None or build.context is None or build.dockerfile not in after.snapshot:
        return None
    graph = after.stages(build.dockerfile)
    stage = graph.target(build.target.text if build.target is not None else "")
    # A provider may have a wider context than its own folder.
    for folder in (build.context, posixpath.dirname(build.dockerfile)):
        package = _Package(after, folder, build.context)
        found = _holding(package, graph, stage, 0) if stage is not None else None
        if found is not None:
            return Provider(folder, found[0], Counter(found[1]))
    return None


class _Package(Struct, frozen=True):
    """A package's folder, and the context with which its image is built."""

    facts: Facts
    folder: str
    context: str

    def parts(self, item: Copy) -> dict[str, bool] | None:
        """The parts of the package that a COPY takes, each with whether it is a folder; None
        when it takes anything else."""
        found: dict[str, bool] = {}
        for word in item.sources:
            path = posixpath.normpath(posixpath.join(self.context, _clean(word.value)))
            if path != "." and not _inside(path, self.folder or "."):
                return None
            found[posixpath.relpath(path, self.folder or ".")] = self.is_folder(path)
        return found

    def is_folder(self, path: str) -> bool:
        """Whether a path is a folder of the repository."""
        return path == "." or self.facts.snapshot.is_folder(path)


def _holding(
    package: _Package, graph: StageGraph, stage: Stage, depth: int
) -> tuple[str, list[SeenStep]] | None:
    """The folder of a stage that holds the package, and the steps that it has seen: its own,
    and those of a stage whose package was copied as a whole."""
    if depth > _MAX_DEPTH:
        return None
    wholes: dict[str, list[SeenStep]] = {}
    holders: dict[str, list[SeenStep]] = {}
    runs: list[tuple[Run, At]] = []
    for place in walk(graph, stage):
        item = place.item
        if isinstance(item, Run):
            runs.append((item, place))
        if not isinstance(item, Copy):
            continue
        if item.from_ is None:
            sources = package.parts(item)
            where = holder(item, place.folder, sources) if sources else None
            if where is not None and sources:
                (wholes if list(sources) == ["."] else holders).setdefault(where, [])
            continue
        below = graph.find(item.from_.value or "", place.stage.index)
        inner = _holding(package, graph, below, depth + 1) if below is not None else None
        if inner is not None and [posixpath.normpath(w.value) for w in item.sources] == [inner[0]]:
            where = holder(item, place.folder, {".": True})
            wholes[where or "/"] = inner[1]
    found = wholes or holders
    if len(found) != 1:
        return None
    where, before = found.popitem()
    return where, [*before, *(seen_step(item, place, where) for item, place in runs)]


def _clean(path: str) -> str:
    return posixpath.normpath(path.lstrip("/") or ".")


def _inside(path: str, folder: str) -> bool:
    path = posixpath.normpath(path)
    return not folder or path == folder or path.startswith(f"{folder}/")


def _context(path: str, facts: Facts) -> str:
    """The context with which call sites build a Dockerfile."""
    contexts = {b.context for b in facts.builds.builds if b.dockerfile == path}
    return next((context for context in sorted(c for c in contexts if c is not None)), "")
