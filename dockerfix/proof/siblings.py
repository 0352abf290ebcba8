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

from dockerfix.facts.model import Build, Tool
from dockerfix.facts.repository import Facts
from dockerfix.facts.stages import StageGraph
from dockerfix.proof.chain import Step
from dockerfix.proof.rules import Use
from dockerfix.syntax import Copy, Run, Stage
from dockerfix.text import join_path


@dataclass(slots=True)
class Provider:
    """A sibling's image: its package's folder, the folder of the image that holds the package
    (empty for the package's folder itself, as a named context), and the RUN steps that it has
    seen and that no missing step was explained by yet."""

    folder: str
    where: str
    runs: Counter[str] = field(default_factory=Counter)


class Siblings:
    """The siblings of one Dockerfile, before and after a change."""

    def __init__(self, path: str, context: str, after: Facts) -> None:
        self.context = context
        self.graph: StageGraph = after.stages(path)
        self.providers = dict(_providers(path, after))

    def new(self, step: Step) -> Use | None:
        """The rule under which a step may copy from a sibling's image."""
        item = step.instruction
        stage = step.references[0] if len(step.references) == 1 else None
        if not isinstance(item, Copy) or not isinstance(stage, Stage):
            return None
        provider = self.providers.get((stage.name or "").lower())
        if provider is None or not self._stands_for_image(stage):
            return None
        if provider.where and not all(_inside(w.value, provider.where) for w in item.sources):
            return None
        return Use("sibling-image", f"`{step.short}`: the image of {provider.folder}")

    def gone(self, step: Step) -> Use | None:
        """The rule under which a step on a sibling may be missing: its image has seen it."""
        item = step.instruction
        for provider in self.providers.values():
            if isinstance(item, Copy) and item.from_ is None:
                paths = [posixpath.join(self.context, _clean(word.value)) for word in item.sources]
                if paths and all(_inside(path, provider.folder) for path in paths):
                    return Use("sibling-image", f"{provider.folder} comes from its image")
            elif isinstance(item, Run) and provider.runs[_plain(item)] > 0:
                provider.runs[_plain(item)] -= 1
                return Use("sibling-image", f"the image of {provider.folder} has seen it")
        return None

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


def _folder(build: Build, name: str, after: Facts) -> str | None:
    """The folder that a call site passes as the named context, relative to the root."""
    for context in build.named_contexts:
        text = context.value.text if context.value is not None else ""
        path = join_path(build.folder, text) if text and ":" not in text else None
        if context.name.lower() == name and path and after.snapshot.is_folder(path):
            return path
    return None


def _passed(build: Build, name: str, variables: tuple[str, ...], after: Facts) -> Build | None:
    """The build whose image a call site passes for a stage."""
    for context in build.named_contexts:
        service = context.value.text.removeprefix("service:") if context.value else ""
        if context.name.lower() == name and context.value is not None:
            return _service(service, after) or _pushed(service, after)
    for argument in build.arguments:
        if argument.name in variables and argument.value is not None:
            return _pushed(argument.value.text, after)
    return None


def _service(name: str, after: Facts) -> Build | None:
    return next(
        (b for b in after.builds.builds if b.tool is Tool.COMPOSE and b.site.name == name), None
    )


def _pushed(tag: str, after: Facts) -> Build | None:
    tag = tag.removeprefix("docker-image://")
    return next(
        (b for b in after.builds.builds if b.push and tag in [v.text for v in b.tags]), None
    )


def _provider(build: Build, after: Facts) -> Provider | None:
    if build.dockerfile is None or build.context is None or build.dockerfile not in after.snapshot:
        return None
    graph = after.stages(build.dockerfile)
    stage = graph.target(build.target.text if build.target is not None else "")
    if stage is None:
        return None
    runs: Counter[str] = Counter()
    folder, where = "/", None
    for part in graph.chain(stage):
        for item in part.instructions:
            if item.keyword == "WORKDIR" and item.words:
                folder = posixpath.normpath(posixpath.join(folder, item.words[0].value))
            elif isinstance(item, Run):
                runs[_plain(item)] += 1
            elif isinstance(item, Copy) and item.destination is not None:
                whole = any(word.value in (".", "./") for word in item.sources)
                if item.from_ is None and whole:
                    place = item.destination.value
                    where = posixpath.normpath(posixpath.join(folder, place))
    return None if where is None else Provider(build.context, where, runs)


def _plain(item: Run) -> str:
    """A RUN without a leading `cd folder &&`."""
    words = item.arguments.split(None, 3)
    enters = len(words) == 4 and words[0] == "cd" and words[2] == "&&"
    return words[3] if enters else " ".join(item.arguments.split())


def _clean(path: str) -> str:
    return posixpath.normpath(path.lstrip("/") or ".")


def _inside(path: str, folder: str) -> bool:
    path = posixpath.normpath(path)
    return path == folder or path.startswith(f"{folder}/")
