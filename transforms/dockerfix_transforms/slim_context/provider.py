"""The provider: a sibling package, the image that is published of it, and what that holds.

Compares what a consumer does inline with what the provider's Dockerfile does, step by step.
Knows two Dockerfiles; knows no call site of the consumer.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dockerfix.api import (
    Build,
    Copy,
    Facts,
    Instruction,
    Judge,
    Pipeline,
    Run,
    SiteKind,
    Stage,
    StageGraph,
    read_ignore,
)


@dataclass(frozen=True, slots=True)
class Provider:
    """A sibling's image: the build that publishes it, and where its files are in it.

    `image` is the reference as a GitLab script must write it. `where` is the folder of the
    image that holds the package. `runs` are the texts of its RUN instructions in order.
    """

    folder: str
    name: str
    build: Build
    graph: StageGraph
    stage: Stage
    image: str
    where: str
    runs: tuple[str, ...]

    @property
    def argument(self) -> str:
        """The build argument that names the image."""
        letters = (char if char.isalnum() else "_" for char in self.name)
        return "".join(letters).upper() + "_IMAGE"

    @property
    def base(self) -> str:
        """The image that the provider stands on."""
        return self.graph.image(self.stage)


def find_provider(facts: Facts, folder: str) -> Provider | str:
    """The provider of a sibling, or a sentence that says what is missing."""
    builds = [
        build
        for build in facts.builds.builds
        if build.context == folder and build.dockerfile in facts.snapshot
    ]
    if not builds:
        return f"no call site builds an image of {folder}"
    published = [b for b in builds if b.push and b.tags and b.site.kind is SiteKind.GITLAB]
    if not published:
        return f"no CI job publishes an image of {folder}"
    build = min(published, key=lambda b: _stage_order(facts.pipeline, b))
    graph = facts.stages(build.dockerfile or "")
    stage = graph.target(build.target.text if build.target is not None else "")
    if stage is None:
        return f"{build.site} asks for a target that {build.dockerfile} does not have"
    where = _where(graph, stage)
    if where is None:
        return f"{build.dockerfile} copies the package nowhere as a whole"
    runs = tuple(
        item.arguments
        for part in graph.chain(stage)
        for item in part.instructions
        if isinstance(item, Run)
    )
    name = posixpath.basename(folder)
    return Provider(folder, name, build, graph, stage, build.tags[0].text, where, runs)


def _stage_order(pipeline: Pipeline | None, build: Build) -> int:
    """Which build comes first in a pipeline: its image is there for all later jobs."""
    job = pipeline.jobs.get(build.site.name) if pipeline is not None else None
    if pipeline is None or job is None or job.stage not in pipeline.stages:
        return 10_000
    return pipeline.stages.index(job.stage)


def _where(graph: StageGraph, stage: Stage) -> str | None:
    """Where the image has the package: the place of `COPY . .`, followed through stages."""
    folder = "/"
    found: str | None = None
    for part in graph.chain(stage):
        for item in part.instructions:
            if item.keyword == "WORKDIR" and item.words:
                folder = posixpath.normpath(posixpath.join(folder, item.words[0].value))
            elif isinstance(item, Copy) and item.destination is not None:
                place = posixpath.normpath(posixpath.join(folder, item.destination.value))
                if item.from_ is None and any(w.value in (".", "./") for w in item.sources):
                    found = place
                elif item.from_ is not None:
                    below = graph.find(item.from_.value or "", part.index)
                    inner = _where(graph, below) if below is not None else None
                    paths = [posixpath.normpath(w.value) for w in item.sources]
                    found = place if inner is not None and paths == [inner] else found
    return found


def missing_steps(inline: Sequence[Instruction], provider: Provider) -> list[Instruction]:
    """The RUN instructions of an inlined chain that the provider's image has not seen.

    The first one that the provider does not run, and all after it: a later step may need it.
    """
    waiting = list(provider.runs)
    missing: list[Instruction] = []
    for item in inline:
        if not isinstance(item, Run):
            continue
        text = plain_run(item)
        if missing or text not in waiting:
            missing.append(item)
        else:
            waiting = waiting[waiting.index(text) + 1 :]
    return missing


def plain_run(item: Run) -> str:
    """A RUN's text without a leading `cd folder &&`."""
    text = item.arguments
    words = text.split(None, 3)
    if len(words) == 4 and words[0] == "cd" and words[2] == "&&":
        return words[3]
    return text


def lacking_files(facts: Facts, wanted: Sequence[str], provider: Provider) -> list[str]:
    """Files of the sibling that the consumer copied and that the provider's image lacks,
    because the provider's own ignore file leaves them out."""
    context = provider.build.context or ""
    path = facts.ignore_path(context, provider.build.dockerfile or "")
    if path is None:
        return []
    judge = Judge(facts.snapshot.derive(path, read_ignore).rules)
    cut = len(context) + 1 if context else 0
    return [file for file in wanted if judge.judge_path(file[cut:]).matched]


def files_below(facts: Facts, path: str) -> Iterator[str]:
    """The files that a path of the repository means."""
    if path in facts.snapshot:
        yield path
        return
    yield from facts.snapshot.below(path)


def resolves(folder: str, package_json: dict[str, object], where: str, own: str) -> bool:
    """Whether `file:` dependencies of the consumer, installed in `own`, lead to `where`."""
    for kind in ("dependencies", "devDependencies", "optionalDependencies"):
        listed = package_json.get(kind)
        for text in listed.values() if isinstance(listed, dict) else ():
            if isinstance(text, str) and text.startswith("file:"):
                path = text.removeprefix("file:")
                if posixpath.basename(path) == posixpath.basename(folder):
                    return posixpath.normpath(posixpath.join(own, path)) == where
    return True
