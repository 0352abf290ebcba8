"""Dockerfiles whose text a script changes before it builds them: `sed -i` on a version, a copy.

What is built then is not what the repository holds, so that nothing can stand for it. Knows
lines of scripts and builds; judges nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from dockerfix.facts.model import Build
from dockerfix.facts.named_words import named_words
from dockerfix.facts.text_uses import COMMENTS, PROSE, changes_text
from dockerfix.text import Place, Snapshot


def changed_first(
    snapshot: Snapshot, builds: Iterable[Build], paths: Iterable[str]
) -> Iterator[tuple[str, Place]]:
    """The Dockerfiles among `paths` that a line changes, each with the place: those that the line
    names by their path, and those that a build of the same file takes."""
    by_name: dict[str, list[str]] = {}
    for path in paths:
        by_name.setdefault(posixpath.basename(path), []).append(path)
    built = {(build.dockerfile, build.site.place.path) for build in builds}
    for word in named_words(snapshot, tuple(by_name)):
        source = word.source
        line = source.text(source.line_of(word.span.start)).strip().lstrip("@- ")
        if source.path.endswith(PROSE) or line.startswith(COMMENTS):
            continue
        if changes_text(line, word.name):
            for path in by_name[word.name]:
                whole = "/" in path and path in line
                if whole or (path, source.path) in built:
                    yield path, source.place(word.span)
