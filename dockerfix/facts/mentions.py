"""Places that name a file by its path: lists of globs, settings of bots, documents, scripts.

A path counts from the root or from the naming file's folder. Knows paths; knows no format.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.named_words import NamedWord, named_words
from dockerfix.facts.past import tells_of_the_past
from dockerfix.text import Place, Snapshot, Span, join_path, relative_path

_ROOTS = frozenset({"CI_PROJECT_DIR", "GITHUB_WORKSPACE"})
_PLAIN = frozenset({"Dockerfile", "Containerfile"})


class PathMention(Struct, frozen=True):
    """A place that names `path`; `successor` is what must stand there instead, None when a
    variable in front hides which file is meant. What is `past` tells what was, and is right as
    it stands."""

    place: Place
    path: str
    successor: str | None
    past: bool = False


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
    for word in named_words(snapshot, tuple(by_name)):
        found = _resolve(word, by_name[word.name], moved, everywhere[word.name] == 1)
        if found is not None:
            past = tells_of_the_past(word.source, word.span.start)
            yield replace(found, past=True) if past else found


def _resolve(
    word: NamedWord, candidates: Sequence[str], moved: Mapping[str, str], alone: bool
) -> PathMention | None:
    """The mention of one of the candidates, all of which have the word's name; `alone` says that
    no other file has it."""
    rooted = word.behind in _ROOTS
    hidden = not rooted and (word.behind != "" or word.text.startswith("/"))
    place = word.source.place(Span(word.at, word.span.end) if rooted else word.span)
    anchored = not word.behind and _anchors(word.source.path)
    for path in candidates:
        if anchored and word.text == f"/{path}":
            return PathMention(place, path, f"/{moved[path]}")
        if not hidden:
            successor = _successor(word, path, moved[path], rooted, alone)
            if successor is not None:
                return PathMention(place, path, successor)
        elif _is_named(path) and alone:
            return PathMention(place, path, None)
    return None


def _successor(word: NamedWord, path: str, moved: str, rooted: bool, alone: bool) -> str | None:
    """What a word that means `path` must become; None where it does not mean it."""
    folder = posixpath.dirname(word.source.path)
    foldered = "/" in word.text
    dotted = "./" if word.text.startswith("./") else ""
    if join_path("", word.text) == path and (foldered or rooted):
        return dotted + moved
    if join_path(folder, word.text) == path and (foldered or _is_named(path)):
        return dotted + relative_path(moved, folder)
    return posixpath.basename(moved) if alone and _is_named(path) and not foldered else None


def _anchors(path: str) -> bool:
    """Whether a leading slash means the root of the repository in this file."""
    name = posixpath.basename(path)
    return name == "CODEOWNERS" or name.endswith((".md", "ignore"))


def _is_named(path: str) -> bool:
    return posixpath.basename(path) not in _PLAIN
