"""Loading Makefiles: assignments and rules in order, through includes and conditionals.

Follows "How make reads a makefile" of the GNU make manual: the branches of a conditional all
stay possible, and a text that `$(eval ...)` makes is read as a Makefile. Knows the order of
statements; runs no recipe.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from dockerfix.facts.make.call import MakeCall
from dockerfix.facts.make.evaluated import evaluated
from dockerfix.facts.make.expand import Expander
from dockerfix.facts.make.makefile import Makefile
from dockerfix.facts.make.rule import Rule
from dockerfix.facts.make.variables import Assigned, Variables, either
from dockerfix.facts.shell.paths import globbed
from dockerfix.facts.shell.words import ROOTS, defaults
from dockerfix.syntax.make import (
    Assignment,
    Conditional,
    Expression,
    Include,
    Statement,
    parse_make,
)
from dockerfix.syntax.make import Rule as Written
from dockerfix.text import MappedText, Snapshot, SnapshotError, Source, join_path

_NAMES = ("GNUmakefile", "makefile", "Makefile")
_EVALUATED = 2_000
"""Statements that `$(eval ...)` may make in one Makefile."""


class Makefiles:
    """The Makefiles of a snapshot, each read once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.read_files: dict[str, Makefile | None] = {}

    def find(self, call: MakeCall) -> Makefile | None:
        """The Makefile that a call reads; None when it is not in the snapshot."""
        names = _NAMES if call.file is None else (call.file,)
        paths = (join_path(call.folder, name) for name in names)
        path = next((p for p in paths if p is not None and p in self.snapshot), None)
        return self.read(path) if path is not None else None

    def read(self, path: str) -> Makefile | None:
        """A Makefile with what it includes; None when it cannot be read."""
        if path not in self.read_files:
            reader = _Loader(self.snapshot, path)
            try:
                self.read_files[path] = reader.makefile() if reader.load(path) else None
            except RecursionError:
                self.read_files[path] = None
        return self.read_files[path]


class _Loader:
    """Loads one Makefile. Private to `Makefiles.read`."""

    def __init__(self, snapshot: Snapshot, path: str) -> None:
        self.snapshot = snapshot
        self.path = path
        self.folder = posixpath.dirname(path)
        self.variables: Variables = {}
        self.own: dict[str, Variables] = {}
        self.rules: list[tuple[Source, Written]] = []
        self.loaded: dict[str, None] = {}
        self.unread: dict[str, None] = {}
        self.evaluated = 0

    def load(self, path: str) -> bool:
        """Gather what one file says; False when it cannot be read."""
        if path in self.loaded or path not in self.snapshot:
            return False
        try:
            source = self.snapshot.source(path)
        except SnapshotError:
            return False
        self.loaded[path] = None
        self.statements(source, parse_make(MappedText.whole(source.data)).statements)
        return True

    def statements(self, source: Source, items: Iterable[Statement]) -> None:
        """Statements in order."""
        for item in items:
            if isinstance(item, Assignment):
                self.assign(source, item)
            elif isinstance(item, Written):
                self.rules.append((source, item))
            elif isinstance(item, Include):
                self.include(source, item)
            elif isinstance(item, Conditional):
                self.conditional(source, item)
            elif isinstance(item, Expression):
                self.evaluate(source, item.text)

    def conditional(self, source: Source, item: Conditional) -> None:
        """Every branch from the same start; what they assign stays possible."""
        before = self.variables
        ends = []
        for branch in item.branches:
            self.variables = dict(before)
            self.statements(source, branch)
            ends.append(self.variables)
        self.variables = either(before, ends, item.exhaustive)

    def expander(self, source: Source) -> Expander:
        """What expands texts of a file with what is assigned so far."""
        root = "${" + ROOTS[-1] + "}"
        return Expander(
            self.variables,
            f"{root}/{self.folder}" if self.folder else root,
            listed=self.listed,
            path=source.path,
            first=self.path,
        )

    def listed(self, pattern: str) -> tuple[str, ...]:
        """The files that a pattern matches from the folder that make runs in."""
        return listed(self.snapshot, self.folder, pattern)

    def words(self, source: Source, text: MappedText) -> list[str]:
        """Words of a text after expansion; what stays unknown is left out."""
        filled, _ = defaults(self.expander(source).text(text.text))
        return [word for word in filled.split() if "${" not in word]

    def include(self, source: Source, item: Include) -> None:
        """`include` of files beside the first Makefile, whose folder make runs in."""
        root = "${" + ROOTS[-1] + "}/"
        filled, _ = defaults(self.expander(source).text(item.names.text))
        for word in filled.split():
            rooted = word.removeprefix(root)
            folder = "" if rooted != word else self.folder
            rooted = rooted.removeprefix("${CURDIR}/")
            if "${" in rooted:
                self.unread[rooted] = None
            names = self.listed(word) if any(sign in word for sign in "*?[") else (rooted,)
            for name in names:
                path = join_path(folder, name) if "${" not in name else None
                if path is not None:
                    self.load(path)

    def assign(self, source: Source, item: Assignment) -> None:
        """One assignment, of a variable of the file or of single targets."""
        name = item.name.text
        if "$" in name:
            name = self.expander(source).text(name)
        targets = self.words(source, item.targets) if item.targets is not None else [None]
        for target in targets:
            held = self.variables if target is None else self.own.setdefault(target, {})
            old = held.get(name) or (self.variables.get(name) if item.sign == "+=" else None)
            if item.sign == "?=" and old is not None and not old.weak:
                continue
            held[name] = self.assigned(source, item, old)

    def assigned(self, source: Source, item: Assignment, old: Assigned | None) -> Assigned:
        """The value of an assignment that replaces `old`, or appends to it."""
        appends = item.sign == "+=" and old is not None
        simple = item.sign in (":=", "::=", ":::=")
        return Assigned(
            item.value.text,
            item.value,
            source,
            item.sign == "?=",
            item.sign == "!=",
            item.defined,
            dict(self.variables) if simple and "$" in item.value.text else None,
            old if appends else None,
        )

    def evaluate(self, source: Source, text: MappedText) -> None:
        """A line of references: what `$(eval ...)` in it makes is part of the Makefile."""
        for origin, made in evaluated(source, self.expander(source), text):
            self.evaluated += 1
            if self.evaluated < _EVALUATED:
                self.statements(origin, parse_make(made).statements)

    def makefile(self) -> Makefile:
        """Everything gathered."""
        rules = [self.rule(source, rule) for source, rule in self.rules]
        included = frozenset(self.loaded) - {self.path}

        def found(folder: str, pattern: str) -> tuple[str, ...]:
            return listed(self.snapshot, folder, pattern)

        unread = tuple(self.unread)
        return Makefile(self.path, tuple(rules), self.variables, self.own, included, found, unread)

    def rule(self, source: Source, written: Written) -> Rule:
        """A rule with its words expanded; a target that stays unknown keeps its text."""
        targets = self.words(source, written.targets) or [written.targets.text]
        needed = [word for word in self.words(source, written.prerequisites) if word != "|"]
        pattern = self.words(source, written.pattern)[:1] if written.pattern is not None else []
        return Rule(source, tuple(targets), tuple(needed), written.recipe, "".join(pattern))


def listed(snapshot: Snapshot, folder: str, pattern: str) -> tuple[str, ...]:
    """Files and folders that a pattern of make matches from a folder."""
    root = "${" + ROOTS[-1] + "}/"
    if pattern.startswith(root):
        found = listed(snapshot, "", pattern.removeprefix(root))
        return tuple(root + path for path in found)
    if any(sign in pattern for sign in "*?["):
        return globbed(snapshot, folder, pattern)
    path = join_path(folder, pattern)
    there = path is not None and (path in snapshot or any(True for _ in snapshot.below(path)))
    return (pattern,) if there else ()
