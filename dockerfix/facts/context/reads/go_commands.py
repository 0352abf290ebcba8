"""What a `go` command builds.

Knows verbs and flags; which files a package reads stands in `facts.go.packages`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from itertools import pairwise

from dockerfix.facts.context.reads.context_reads import ContextReads, UnknownReadError
from dockerfix.facts.context.steps import absolute
from dockerfix.facts.go.packages import VALUED, packages_of
from dockerfix.facts.trees.globs import has_wildcard
from dockerfix.syntax.shell import (
    ShellWord,
)


def go_builds(reads: ContextReads, place: str, words: Sequence[ShellWord], folder: str) -> None:
    """The packages that a `go` command builds."""
    said = [word.value for word in words]
    if said[:1] in (["env"], ["version"]) and "-w" not in said:
        return
    if said[:2] in (["mod", "download"], ["mod", "verify"]):
        reads.modules[reads.full(folder, place)] = None
        return
    named = packages_of(_values(words[1:])) if said[:1] in (["build"], ["install"]) else None
    if named is None:
        raise UnknownReadError
    _written(reads, place, _values(words[1:]), folder)
    for text in named:
        if "@" in text:
            continue  # a module of a registry
        if not text.startswith((".", "/")) and not text.endswith(".go"):
            raise UnknownReadError  # the path of an import
        path = absolute(folder, text)
        if posixpath.basename(path) == "*.go":
            path = posixpath.dirname(path)
        if has_wildcard(path) or "{" in path:
            raise UnknownReadError
        reads.packages[reads.full(path, place)] = None


def _written(reads: ContextReads, place: str, words: Sequence[str | None], folder: str) -> None:
    """The folder that `-o` names: `go build` writes into it where it is there, and a file of its
    name where it is not (`go help build`), so that it must not be left out."""
    for word, following in pairwise([*words, None]):
        flag, equals, value = (word or "").partition("=")
        text = value if equals else following
        if flag.lstrip("-") != "o" or not flag.startswith("-") or not text or "$" in text:
            continue
        path = absolute(folder, text)
        inner = reads.inside(path, place)
        full = posixpath.join(reads.context, inner) if inner is not None else ""
        if inner and not text.endswith("/") and reads.facts.snapshot.is_folder(full):
            reads.path(path, place)


def _values(words: Sequence[ShellWord]) -> list[str | None]:
    """The words of a `go` command; a flag's value with a variable says nothing of packages."""
    found: list[str | None] = []
    for word in words:
        plain = word.written.strip("\"'")
        before = (found[-1] or "") if found else ""
        valued = before.startswith("-") and before.lstrip("-") in VALUED
        flag = plain.startswith("-") or valued
        found.append(plain if word.value is None and flag else word.value)
    return found
