"""What of a context a Dockerfile uses, whichever of its stages is built.

The sources of COPY, ADD and bind mounts, with the arguments that the call sites give, and what
the links among them lead to. Knows Dockerfiles and builds; knows no ignore file.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.context.script import BuildScript
from dockerfix.facts.context.steps import BuildInput, CopyStep, RunStep, Step, absolute
from dockerfix.facts.repository import Facts
from dockerfix.facts.trees.asked import followed
from dockerfix.syntax.dockerfile import Instruction
from dockerfix.text import Place


class ContextUse(Struct, frozen=True):
    """`paths` are paths and patterns relative to the context, sorted.

    `whole` is the instruction that takes all of the context, if one does, `unknown` the place
    and the reason of a source that reading cannot know. With either one `paths` say nothing.
    """

    paths: tuple[str, ...] = ()
    whole: Instruction | None = None
    unknown: tuple[Place, str] | None = None
    left: tuple[str, ...] = ()
    """Folders that are not read, but for a manifest, where all beside them is."""


def used_of(facts: Facts, dockerfile: str, context: str) -> ContextUse:
    """What every stage of a Dockerfile uses of a context, for each call site's arguments.

    Raises `SnapshotError` when the Dockerfile cannot be read.
    """
    asked = _asked(facts, dockerfile, context)
    if asked.unknown is not None:
        return ContextUse(unknown=asked.unknown)
    if asked.wholes:
        return ContextUse(whole=asked.wholes[0])
    return _use(facts, dockerfile, context, asked.paths)


def read_of(
    facts: Facts, dockerfile: str, context: str, *, projects: bool = False
) -> ContextUse | None:
    """The same where a COPY takes the whole context and the commands behind it read a part:
    that part, and what else is copied. None where no COPY does, or where all may be read. That
    counts for a .NET build too without `projects`: its tasks may open any file, and a person
    who asks for less knows them.

    Raises `SnapshotError` when the Dockerfile cannot be read.
    """
    from dockerfix.facts.context.reads.find import reads_of  # readers of projects, for few files

    asked = _asked(facts, dockerfile, context)
    if asked.unknown is not None or not asked.wholes:
        return None
    found = reads_of(facts, dockerfile, context, asked.wholes, projects=projects)
    if found is None:
        return None
    paths = asked.paths | {f"/{path}" for path in found.paths}
    use = _use(facts, dockerfile, context, paths)
    return replace(use, left=found.left) if use.whole is None else None


class _Asked(Struct, frozen=True):
    """What the instructions name, by every way to build: paths, those that take everything, and
    the first that reading cannot know."""

    paths: set[str]
    wholes: tuple[Instruction, ...] = ()
    unknown: tuple[Place, str] | None = None


def _asked(facts: Facts, dockerfile: str, context: str) -> _Asked:
    paths: set[str] = set()
    wholes: dict[Instruction, None] = {}
    for way in _ways(facts, dockerfile, context):
        script = BuildScript(facts.stages(dockerfile), way)
        for stage in script.graph.stages:
            read = script.stage(stage.index)
            if read.failure is not None:
                return _Asked(paths, unknown=(read.failure.place, read.failure.message))
            for item, path in _sources(read.steps):
                known = _known(path)
                if path == "/":
                    wholes[item] = None
                elif not known:
                    what = f"the folder of {path[1:]} is a variable"
                    return _Asked(paths, unknown=(item.source.place(item.code), what))
                else:
                    paths.add(known)
    return _Asked(paths, tuple(wholes))


def _use(facts: Facts, dockerfile: str, context: str, asked: set[str]) -> ContextUse:
    """These paths, and what the links among them lead to."""
    paths = followed(facts.tree(context), asked)
    if paths is None:  # a link leads to the context's root
        return ContextUse(whole=facts.stages(dockerfile).stages[0].from_)
    return ContextUse(tuple(paths))


def _ways(facts: Facts, dockerfile: str, context: str) -> list[BuildInput]:
    """The ways in which call sites build the file with this context; one without arguments
    where none does."""
    given = (BuildInput.of(build) for build in facts.builds.builds)
    found = [w for w in given if w and (w.dockerfile, w.context) == (dockerfile, context)]
    return found or [BuildInput(dockerfile, context)]


def _sources(steps: tuple[Step, ...]) -> Iterator[tuple[Instruction, str]]:
    """Absolute paths of the context, with the instruction that names each."""
    for step in steps:
        if isinstance(step, CopyStep) and step.source is None:
            yield from ((step.instruction, absolute("/", path)) for path in step.local)
        elif isinstance(step, RunStep):
            yield from ((step.instruction, m.path) for m in step.mounts if m.source is None)


def _known(path: str) -> str:
    """An absolute path up to the first part with a variable in it; empty for the root."""
    kept: list[str] = []
    for part in path[1:].split("/"):
        if "$" in part:
            break
        kept.append(part)
    return "/".join(["", *kept]) if kept else ""
