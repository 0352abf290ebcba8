"""The context of a Dockerfile that no call site tells: the folder in which stands what it copies.

Knows one Dockerfile and the paths of the repository; knows no build.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from dockerfix.facts.context import archives
from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.facts.repository import Facts
from dockerfix.facts.trees.globs import has_wildcard
from dockerfix.syntax.dockerfile import Copy
from dockerfix.text import join_path


def likely_context(facts: Facts, path: str) -> str | None:
    """The nearest folder at or above the Dockerfile's own that holds more of its plain sources
    than any other, and more than half of them; None where there is none. Raises
    `SnapshotError` when the file cannot be read."""
    words = list(_plain_sources(facts.stages(path)))
    above = [posixpath.dirname(path)]
    while above[-1]:
        above.append(posixpath.dirname(above[-1]))
    counts = [sum(_exists(facts, join_path(f, word)) for word in words) for f in above]
    best = max(counts)
    return above[counts.index(best)] if words and best * 2 > len(words) else None


def _plain_sources(graph: StageGraph) -> Iterator[str]:
    """The sources of COPY and ADD from the context that are written without variables,
    wildcards and addresses."""
    for stage in graph.stages:
        for item in stage.instructions:
            if not isinstance(item, Copy) or item.from_ is not None or item.heredocs:
                continue
            for word in item.sources:
                text = word.value
                if "$" not in text and not has_wildcard(text) and not archives.is_fetched(text):
                    yield text.lstrip("/") or "."


def _exists(facts: Facts, path: str | None) -> bool:
    return path is not None and (path in facts.snapshot or facts.snapshot.is_folder(path))
