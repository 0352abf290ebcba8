"""What is read of a context, path by path, and what cannot be known.

Knows paths inside of a stage and variables that change what tools read; knows no command.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from dockerfix.facts.context.steps import absolute
from dockerfix.facts.go.packages import packages_of
from dockerfix.facts.repository import Facts
from dockerfix.facts.trees.globs import has_wildcard
from dockerfix.syntax.shell import (
    ShellWord,
)
from dockerfix.text import is_within


class UnknownReadError(Exception):
    """What a command reads cannot be known."""


_LISTS = re.compile(r"[=:,;@\s]+")


_GO_FILES = frozenset({"GOENV", "GOCACHEPROG", "GOFLAGS", "GOWORK", "GO111MODULE"})
"""Variables of Go that name files, or change which are read."""


class ContextReads:
    """What is read of a context, so far; `found` are paths relative to it.

    `places` are all paths at which the context stands in a stage. `starts` are the projects that
    commands name, `packages` those of Go, `modules` the folders whose modules it loads, `entered`
    the folders that commands enter, and `pruned` the packages of each workspace that
    `turbo prune` takes; `built_in` are the stages whose commands were read. `members` are the
    packages of each workspace that scripts run in; `left` is what then need not be there.
    """

    def __init__(self, facts: Facts, dockerfile: str, context: str) -> None:
        self.facts = facts
        self.graph = facts.stages(dockerfile)
        self.context = context
        self.found: dict[str, None] = {}
        self.starts: dict[str, None] = {}
        self.packages: dict[str, None] = {}
        self.modules: dict[str, None] = {}
        self.entered: dict[str, None] = {}
        self.pruned: dict[str, dict[str, None]] = {}
        self.places: dict[str, None] = {}
        self.built_in: dict[int, None] = {}
        self.members: dict[str, dict[str, None]] = {}
        self.left: tuple[str, ...] = ()

    def setting(self, name: str, value: str | None) -> None:
        """A variable of the environment: unknown where it changes what Go reads."""
        if name not in _GO_FILES or value == "":
            return
        if name == "GOFLAGS" and value is not None and packages_of(value.split()) == ["."]:
            return
        if (name, value) not in (("GOWORK", "off"), ("GO111MODULE", "on"), ("GO111MODULE", "auto")):
            raise UnknownReadError

    def mentioned(self, text: str, folder: str, place: str) -> None:
        """The files that a text names, by itself or in a list, behind `=` or as a URL: they
        count as read, whatever is done with them."""
        for piece in _LISTS.split(text):
            path = absolute(folder, f"/{piece.lstrip('/')}" if piece.startswith("/") else piece)
            if piece and self.inside(path, place):
                self.path(path, place)

    def path(self, path: str, place: str) -> None:
        """A path, perhaps with wildcards, that is read: all of the context where it is, or
        holds, the place of the copy."""
        inner = self.inside(path, place)
        if inner is None:
            if "$" in path or f"{place}/".startswith(f"{path.rstrip('/')}/"):
                raise UnknownReadError
            return
        full = posixpath.join(self.context, inner)
        if full in self.facts.snapshot or self.facts.snapshot.is_folder(full):
            self.found[inner] = None
        elif has_wildcard(inner):
            self.path(posixpath.dirname(path), place)

    def inside(self, path: str, place: str) -> str | None:
        """An absolute path relative to the context that stands at a place; None elsewhere."""
        return path[len(place) + 1 :] if path.startswith(f"{place}/") else None

    def covers(self, inner: str) -> bool:
        """Whether a path of the context is read, or lies in a folder that is."""
        return any(is_within(inner, path) for path in self.found)

    def full(self, path: str, place: str) -> str:
        """An absolute path in the copy, relative to the repository's root."""
        inner = "" if path == place else self.inside(path, place)
        if inner is None:
            raise UnknownReadError
        return posixpath.join(self.context, inner).rstrip("/")

    def others(self, words: Sequence[ShellWord], folder: str, place: str) -> None:
        """Words among which one may name a file of the context, or begin as one."""
        for word in words:
            text = word.written.strip("\"'") if word.value is None else word.value
            head = text.partition("$")[0]
            if word.value is not None:
                self.mentioned(text, folder, place)
            elif "://" not in text and ("/" in head or head.startswith(".")):
                path = absolute(folder, head)
                if path == place or self.inside(path, place) is not None:
                    raise UnknownReadError
