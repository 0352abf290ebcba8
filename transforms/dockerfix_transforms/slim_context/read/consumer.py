"""The consumer: a Dockerfile whose context is larger than its own package.

How it is built, which folder is its own, and what it takes of others. Knows one Dockerfile.
"""

from __future__ import annotations

import posixpath

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.api import Build, Facts, Instruction, Run, StageGraph, rejections, used_of
from dockerfix_transforms.slim_context.read.owner import folder_of, is_inside
from dockerfix_transforms.slim_context.read.packages import workspace_root
from dockerfix_transforms.slim_context.read.scope import Built
from dockerfix_transforms.slim_context.read.sources import Source, Sources
from dockerfix_transforms.slim_context.read.steps import installs
from dockerfix_transforms.slim_context.refusal import refusal


class Consumer(Struct, frozen=True):
    """What is slimmed. `context` is today's context, `folder` the package and tomorrow's."""

    path: str
    graph: StageGraph
    context: str
    folder: str
    builds: tuple[Build, ...]
    sources: tuple[Source, ...]

    def of(self, item: Instruction) -> tuple[Source, ...]:
        """The sources that one instruction names."""
        return tuple(source for source in self.sources if source.item is item)

    @property
    def siblings(self) -> tuple[str, ...]:
        """The other packages that the file copies from, in order."""
        found = (s.package for s in self.sources if s.package != self.folder)
        return tuple(dict.fromkeys(found))


def read_consumer(facts: Facts, made: Built, via: str) -> Consumer | str:
    """The consumer, or a sentence that says why there is nothing to do.

    Raises `CannotSlimError`.
    """
    graph = facts.stages(made.path)
    for problem in rejections(graph.tree):
        raise refusal(
            graph, "rejected", f"BuildKit rejects this file: {problem.message}",
            problem.hint or "correct it first", problem.span,
        )  # fmt: skip
    folder = folder_of(facts, graph, made.context)
    if folder == made.context:
        return _already(facts, made)
    beside = via in ("auto", "context", "cache")
    sources = tuple(Sources(facts, graph, made.context, folder, beside=beside).all())
    if via != "context":
        _check_workspace(facts, graph, folder)
    elif any(source.package == made.context for source in sources):
        sources = tuple(_from_context(source, made.context, folder) for source in sources)
    return Consumer(made.path, graph, made.context, folder, made.builds, sources)


def _from_context(source: Source, context: str, folder: str) -> Source:
    """A source from the old context, which holds the siblings too: one named context will do."""
    return source if source.package == folder else replace(source, package=context)


def _already(facts: Facts, made: Built) -> str:
    """Why the context is the smallest one; raises `CannotSlimError` where all of it is copied."""
    own = posixpath.dirname(made.path)
    if own == made.context or not is_inside(own, made.context):
        return f"the context of {made.path} is {made.context or 'the root'} already"
    used = used_of(facts, made.path, made.context)
    if used.whole is not None:
        raise refusal(
            facts.stages(made.path), "whole-context",
            f"`{' '.join(used.whole.line.split())[:60]}` copies the whole context",
            "copy the folders that the build reads by their names", used.whole.code,
        )  # fmt: skip
    return f"no package below {made.context or 'the root'} holds what {made.path} copies"


def _check_workspace(facts: Facts, graph: StageGraph, folder: str) -> None:
    """A package that is installed from its workspace's lock file needs the workspace."""
    root = workspace_root(facts, folder)
    steps = (item for stage in graph.stages for item in stage.instructions)
    runs = (item for item in steps if isinstance(item, Run) and installs(item))
    first = next(runs, None) if root is not None else None
    if first is not None:
        raise refusal(
            graph, "workspaces", f"{folder} has no lock file: it is installed as a part of {root}",
            "give it a lock file of its own", first.code,
        )  # fmt: skip
