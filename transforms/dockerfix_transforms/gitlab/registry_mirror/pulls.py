"""Which images the jobs of a pipeline pull, and which reader pulls each of them.

A job's own image and its services are pulled by the node, before the job's first command.
Images that `docker run` and Compose use are pulled by a Docker daemon, those of FROM by the
builder, which is the daemon's own BuildKit where the job makes none. Each reader has its own
settings for mirrors. Knows jobs and Dockerfiles; knows no mirror.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.api import (
    Build,
    CommandReader,
    Commands,
    ExpansionError,
    Facts,
    From,
    Job,
    Pipeline,
    Place,
    Ran,
    SiteKind,
    Stage,
    StageGraph,
    Tool,
    UnreadImageError,
    Used,
    global_variables,
    used_images,
)
from dockerfix_transforms.gitlab.programs import is_unread_build
from dockerfix_transforms.gitlab.registry_mirror.builders import Builder, builders_of


class Reader(enum.Enum):
    """What pulls an image; `value` is how a person names it."""

    BUILDKIT = "BuildKit"
    DOCKERD = "the Docker daemon"
    NODE = "the node's containerd"
    KANIKO = "kaniko"
    PODMAN = "podman or buildah"


_READERS = {
    Tool.KANIKO: Reader.KANIKO,
    Tool.BUILDAH: Reader.PODMAN,
    Tool.PODMAN: Reader.PODMAN,
}


class Pull(Struct, frozen=True):
    """One image that a job pulls: as it is named, by which reader, and where that is written.
    `is_shown` is false for what a tool pulls of itself, such as BuildKit's own image."""

    image: str
    reader: Reader
    job: str
    place: Place
    is_shown: bool = True


class JobPulls(Struct, frozen=True):
    """What one job pulls. `unread` says what could not be read; empty when all was."""

    job: Job
    pulls: tuple[Pull, ...]
    builders: tuple[Builder, ...]
    commands: Commands
    unread: str = ""

    def by(self, reader: Reader) -> tuple[Pull, ...]:
        """The pulls of one reader."""
        return tuple(pull for pull in self.pulls if pull.reader is reader)


def pulls_of(facts: Facts, reader: CommandReader, job: Job) -> JobPulls:
    """Everything that a job pulls, each image once for each reader."""
    commands = reader.of(job)
    builders = tuple(builders_of(commands))
    found = [
        Pull(str(used.name), Reader.NODE, job.name, job.place)
        for used in used_images(facts, reader.pipeline, job, Commands((), (), ()))
    ]
    composed, unread = _composed(facts, reader.pipeline, job, commands)
    found += [Pull(str(used.name), Reader.DOCKERD, job.name, job.place) for used in composed]
    for ran in commands.ran:
        found += [Pull(i, Reader.DOCKERD, job.name, ran.place) for i in _run_images(ran)]
        if is_unread_build(ran.words):
            unread = unread or f"what `{ran.name} build` pulls is not read, and gets no mirror"
    found += _built(facts, job, commands, builders)
    found += _buildkits(job, builders)
    return JobPulls(job, tuple(dict.fromkeys(found)), builders, commands, unread)


def _composed(
    facts: Facts, pipeline: Pipeline, job: Job, commands: Commands
) -> tuple[list[Used], str]:
    """The images that Compose pulls for a job, those that it builds left out; and why they are
    not known."""
    try:
        used = used_images(facts, pipeline, job, Commands((), (), commands.compose))
    except UnreadImageError as error:
        return [], str(error)
    composed = [u for u in used if u.by.startswith("docker compose") and not u.built]
    return composed, ""


def _buildkits(job: Job, builders: Sequence[Builder]) -> Iterator[Pull]:
    """BuildKit's own image, once for each builder that starts it."""
    for builder in builders:
        if builder.is_started:
            reader = Reader.NODE if builder.driver == "kubernetes" else Reader.DOCKERD
            yield Pull(builder.image, reader, job.name, builder.place, is_shown=False)


# Images of builds.


def _built(
    facts: Facts, job: Job, commands: Commands, builders: Sequence[Builder]
) -> Iterator[Pull]:
    """The images that a job's builds pull."""
    own = Reader.BUILDKIT if builders else Reader.DOCKERD
    for build in facts.builds.builds:
        if build.site.in_job(job.name) or is_composed(build, commands):
            reader = _READERS.get(build.tool, own)
            for pull in images_of(facts, build):
                yield replace(pull, reader=reader, job=job.name)


def is_composed(build: Build, commands: Commands) -> bool:
    """Whether a Compose command of the job builds a service."""
    return build.site.kind is SiteKind.COMPOSE and any(
        (use.builds or use.verb == "build")
        and build.site.place.path in use.files
        and (not use.services or build.site.name in use.services)
        for use in commands.compose
    )


def images_of(facts: Facts, build: Build) -> Iterator[Pull]:
    """The images that a build pulls: FROM, `COPY --from`, mounts, named contexts and the
    frontend of a `syntax` directive. Those of variables without a value are left out."""
    for argument in build.named_contexts:
        value = argument.value.text if argument.value is not None else ""
        if value.startswith("docker-image://"):
            image = value.removeprefix("docker-image://")
            yield Pull(image, Reader.BUILDKIT, "", argument.place or build.site.place)
    if build.dockerfile is None or build.dockerfile not in facts.snapshot:
        return
    graph = facts.stages(build.dockerfile)
    stage = graph.target(build.target.text if build.target is not None else "")
    for item in graph.tree.directives:
        if item.name == "syntax" and build.tool not in _READERS:
            place = graph.tree.source.place(item.span)
            yield Pull(item.value, Reader.BUILDKIT, "", place, is_shown=False)
    if stage is not None:
        yield from _of_stages(graph, stage, build)


def _of_stages(graph: StageGraph, target: Stage, build: Build) -> Iterator[Pull]:
    """The images below the stages that a target needs, and those that they copy from."""
    given = {a.name: a.value.text for a in build.arguments if a.value is not None}
    contexts = {argument.name.lower() for argument in build.named_contexts}
    source = graph.tree.source
    for stage in graph.needs(target):
        if graph.base(stage) is None:
            image = _below(graph, stage.from_, given)
            if image and image.lower() not in contexts | {"scratch"}:
                yield Pull(image, Reader.BUILDKIT, "", source.place(stage.from_.code))
        for reference in graph.references(stage):
            outside = reference.stage is None and not reference.numeric
            # Words that nobody reads may name a context, which hides an image of its name.
            hidden = bool(build.loose) and not {*":/@"} & {*reference.text}
            known = outside and not hidden and "$" not in reference.text
            if known and reference.text.lower() not in contexts:
                place = source.place(reference.instruction.code)
                yield Pull(reference.text, Reader.BUILDKIT, "", place)


def _below(graph: StageGraph, item: From, given: dict[str, str]) -> str:
    """The image of a FROM with the caller's build arguments, an argument without a value as
    `${NAME}`; empty where BuildKit itself would find none."""
    arguments = graph.global_arguments.items()
    unknown = {name: "${" + name + "}" for name, default in arguments if default is None}
    try:
        variables = global_variables(graph.tree.preamble, {**unknown, **given})
        return variables.expand(item.image.value, item.escape) if item.image is not None else ""
    except ExpansionError:
        return ""


# Images of `docker run` and `docker pull`.

_BARE = frozenset(
    {"--detach", "--disable-content-trust", "--init", "--interactive", "--no-healthcheck",
     "--oom-kill-disable", "--privileged", "--publish-all", "--quiet", "--read-only", "--rm",
     "--sig-proxy", "--tty", "--all-tags"}
)  # fmt: skip
"""Options of the two verbs that take no value."""
_BARE_LETTERS = frozenset("adiPqt")


def _run_images(ran: Ran) -> Iterator[str]:
    """The image of `docker run`, `docker create` and `docker pull`."""
    words = list(ran.words[1:])
    if words[:1] == ["container"]:
        del words[0]
    if ran.name != "docker" or words[:1] not in (["run"], ["pull"], ["create"]):
        return
    pulls = words[0] == "pull"
    at = 1
    while at < len(words) and words[at].startswith("-"):
        at += 1 if _stands_alone(words[at], pulls) else 2
    yield from words[at : at + 1]


def _stands_alone(option: str, pulls: bool) -> bool:
    """Whether the value of an option stands in its own word, or it has none. `-a` of `run`
    has one, that of `pull` has none."""
    if option.startswith("--"):
        return "=" in option or option in _BARE
    letters = _BARE_LETTERS if pulls else _BARE_LETTERS - {"a"}
    valued = next((n for n, c in enumerate(option[1:], 1) if c not in letters), 0)
    return not valued or valued < len(option) - 1
