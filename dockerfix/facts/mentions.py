"""Places that name a file by its path: lists of globs, settings of bots, documents, scripts.

A path counts from the root or from the naming file's folder. Knows paths; knows no format.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from msgspec import Struct

from dockerfix.facts.builds import mentions
from dockerfix.text import Place, Snapshot, Span, join_path, relative_path

_PATH = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+@"
_ROOTS = (b"${CI_PROJECT_DIR}/", b"$CI_PROJECT_DIR/", b"${GITHUB_WORKSPACE}/")
_HISTORY = ("CHANGELOG", "CHANGES", "HISTORY", "NEWS", "RELEASES")
_PLAIN = frozenset({"Dockerfile", "Containerfile"})


class PathMention(Struct, frozen=True):
    """A place that names `path`; `successor` is what must stand there instead, None when a
    variable in front hides which file is meant."""

    place: Place
    path: str
    successor: str | None


def path_mentions(snapshot: Snapshot, moved: Mapping[str, str]) -> Iterator[PathMention]:
    """Where text files name a path of `moved` (old path to new path).

    A plain `Dockerfile` must be named with its folder: alone it is a word of the language. A
    name that only one file of the snapshot has is taken for that file wherever it stands.
    """
    by_name: dict[str, list[str]] = {}
    for path in moved:
        by_name.setdefault(posixpath.basename(path), []).append(path)
    everywhere = dict.fromkeys(by_name, 0)
    for path in snapshot.paths:
        name = posixpath.basename(path)
        if name in everywhere:
            everywhere[name] += 1
    for place, name in mentions(snapshot, tuple(by_name)):
        if posixpath.basename(place.path).upper().startswith(_HISTORY):
            continue  # what was is not rewritten
        data = snapshot.read(place.path)
        start = place.span.start
        while start > 0 and data[start - 1 : start] in _BYTES:
            start -= 1
        found = _resolve(place, data, start, by_name[name], moved, everywhere[name] == 1)
        if found is not None:
            yield found


_BYTES = frozenset(bytes([char]) for char in _PATH)


def _resolve(
    place: Place,
    data: bytes,
    start: int,
    candidates: list[str],
    moved: Mapping[str, str],
    alone: bool,
) -> PathMention | None:
    span = Span(start, place.span.end)
    token = data[span.start : span.end].decode("utf-8", "replace")
    folder = posixpath.dirname(place.path)
    where = Place(place.path, span, place.position)
    hidden = token.startswith("/") or data[max(start - 1, 0) : start] in (b"}", b"$")
    for root in _ROOTS:
        if token.startswith("/") and data[: start + 1].endswith(root):
            hidden, token = False, token[1:]
            span = Span(start + 1, span.end)
            where = Place(place.path, span, place.position)
    anchored = token.startswith("/") and _anchors(place.path)
    for path in candidates:
        if anchored and token == f"/{path}":
            return PathMention(where, path, f"/{moved[path]}")
        if hidden:
            if posixpath.basename(path) not in _PLAIN and alone:
                return PathMention(where, path, None)
            continue
        dotted = "./" if token.startswith("./") else ""
        if join_path("", token) == path and "/" in token:
            return PathMention(where, path, dotted + moved[path])
        if join_path(folder, token) == path and ("/" in token or _is_named(path)):
            return PathMention(where, path, dotted + relative_path(moved[path], folder))
        if alone and _is_named(path) and "/" not in token:
            return PathMention(where, path, posixpath.basename(moved[path]))
    return None


def _anchors(path: str) -> bool:
    """Whether a leading slash means the root of the repository in this file."""
    name = posixpath.basename(path)
    return name == "CODEOWNERS" or name.endswith((".md", "ignore"))


def _is_named(path: str) -> bool:
    return posixpath.basename(path) not in _PLAIN
