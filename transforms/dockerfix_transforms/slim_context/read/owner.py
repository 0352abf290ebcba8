"""The package that a Dockerfile is about: its own folder, or the one that it mostly copies.

A folder of Dockerfiles (`docker/`, `stacks/`) is nobody's package. Knows one Dockerfile and who
owns a path.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator, Sequence

from dockerfix.api import Add, Copy, Facts, StageGraph, Word, inner_path
from dockerfix_transforms.slim_context.read.packages import (
    has_manifest,
    is_package,
    nearest_package,
)
from dockerfix_transforms.slim_context.refusal import CannotSlimError, refusal


def folder_of(facts: Facts, graph: StageGraph, context: str) -> str:
    """The Dockerfile's own folder; for a folder of Dockerfiles (`docker/`) the package that
    holds nearly everything that is copied."""
    own = posixpath.dirname(graph.tree.path)
    if own == context:
        return context
    words = [w for item in _copies(graph) for w in item.sources if is_path(item, w)]
    paths = [joined_path(context, w.value) for w in words]
    within = not context or is_inside(own, context)
    if within and (not paths or any(is_inside(p, own) for p in paths)):
        return _other_owner(facts, graph, paths, context, own) or own
    return _owner(facts, graph, paths, context, within)


def _other_owner(
    facts: Facts, graph: StageGraph, paths: Sequence[str], context: str, own: str
) -> str | None:
    """The package that holds nearly all files, where the Dockerfile's own folder is none: it has
    no manifest, and its few files are settings of the image. Raises `CannotSlimError` where none
    holds them."""
    if has_manifest(facts, own) or not paths:
        return None
    files: Counter[str] = Counter()
    for path in paths:
        head = own if is_inside(path, own) else nearest_package(facts, path, context) or ""
        files[head] += 1 if path in facts.snapshot else sum(1 for _ in facts.snapshot.below(path))
    total = sum(files.values())
    if files[own] * 10 >= total:
        return None
    name, count = files.most_common(1)[0]
    if not name or count * 10 < total * 9:
        raise _nobody(graph)
    return name


def _nobody(graph: StageGraph) -> CannotSlimError:
    return refusal(
        graph, "owner", "no single folder holds most of what is copied",
        "name the package with a Dockerfile in its folder", graph.stages[0].from_.code,
    )  # fmt: skip


def _owner(
    facts: Facts, graph: StageGraph, paths: Sequence[str], context: str, within: bool
) -> str:
    """The package of most of the paths; the context where it cannot be made smaller."""
    if not paths or context in paths:
        return context
    heads = Counter(
        nearest_package(facts, p, context)
        or posixpath.join(context, inner_path(p, context).split("/")[0])
        for p in paths
    )
    name, count = heads.most_common(1)[0]
    if not within and not is_package(facts, name):
        return context
    if count * 10 < len(paths) * 6:
        raise _nobody(graph)
    return name


def _copies(graph: StageGraph) -> Iterator[Copy]:
    """COPY and ADD from the context."""
    for stage in graph.stages:
        for item in stage.instructions:
            if isinstance(item, Copy) and item.from_ is None:
                yield item


def is_path(item: Copy, word: Word) -> bool:
    """Whether a source is a path of the context: no heredoc, no address."""
    if any(word.raw == doc.word for doc in item.heredocs):
        return False
    return not (isinstance(item, Add) and ("://" in word.value or word.value.startswith("git@")))


def joined_path(context: str, text: str) -> str:
    """A source relative to the root of the repository. The context is the root of all paths, so
    that `..` leads nowhere above it."""
    inner = posixpath.normpath(f"/{text}").lstrip("/")
    return posixpath.join(context, inner) if inner else context


def is_inside(path: str, folder: str) -> bool:
    """Whether a path is a folder or stands in it; the root holds everything."""
    return not folder or path == folder or path.startswith(f"{folder}/")
