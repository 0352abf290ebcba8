"""A walk through the shell texts of one job: where it stands, and what it gathers.

Knows statements, folders and functions; which commands start others is told by whoever walks.
"""

from __future__ import annotations

import posixpath
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field

from dockerfix.facts.commands.recognise import plain, unwrapped
from dockerfix.facts.gitlab.ran import Ran, Unfollowed
from dockerfix.facts.make import Makefiles
from dockerfix.facts.model import ComposeUse, Value
from dockerfix.facts.shell.script_files import script_path
from dockerfix.facts.shell.words import Scope, bound_to, words_of
from dockerfix.syntax.shell import (
    Assignment,
    Block,
    Command,
    Function,
    Loop,
    Opaque,
    Statement,
    parse_shell,
)
from dockerfix.text import MappedText, Place, Snapshot, Source

DEPTH = 12
"""Texts inside one another that are followed."""
_STEPS = 5_000


@dataclass(slots=True)
class At:
    """Where the walk stands. `place` is set where the text itself has no place of its own."""

    source: Source
    folder: str | None
    scope: Scope
    functions: dict[str, tuple[Function, Source]]
    depth: int = 0
    tolerated: bool = False
    service: str = ""
    place: Place | None = None
    sources: bool = True

    def inside(self, source: Source, folder: str | None) -> At:
        """One call deeper, in another text."""
        return At(
            source, folder, self.scope, self.functions, self.depth + 1, self.tolerated,
            self.service, self.place, self.sources,
        )  # fmt: skip


@dataclass(slots=True)
class Walk(ABC):
    """Gathers the commands of one job."""

    snapshot: Snapshot
    makefiles: Makefiles
    ran: list[Ran] = field(default_factory=list)
    unfollowed: list[Unfollowed] = field(default_factory=list)
    compose: list[ComposeUse] = field(default_factory=list)
    texts: dict[tuple[str, str], None] = field(default_factory=dict)
    steps: int = 0

    def text(self, mapped: MappedText, at: At) -> None:
        """A shell text."""
        self.texts[(at.source.path, mapped.text)] = None
        script = parse_shell(mapped)
        for span in script.broken[:1]:
            place = at.place or at.source.place(span)
            self.stop("", "the shell grammar cannot read it", place)
        self.statements(script.statements, at)

    def stop(self, what: str, why: str, place: Place, file: str = "") -> None:
        """Note what is not followed."""
        self.unfollowed.append(Unfollowed(what, why, place, file))

    def statements(self, statements: Iterable[Statement], at: At) -> None:
        """Every statement; conditions are taken to hold both ways."""
        for statement in statements:
            self.steps += 1
            if self.steps > _STEPS or at.depth > DEPTH:
                self.stop("", "it is too long", at.source.place(statement.span))
                return
            self.statement(statement, at)

    def statement(self, item: Statement, at: At) -> None:
        """One statement."""
        if isinstance(item, Function):
            at.functions[item.name] = (item, at.source)
        elif isinstance(item, Assignment):
            self.substituted([item.value] if item.value is not None else [], at)
            if item.value is not None:
                at.scope = at.scope.bind(item.name, bound_to(item.value, at.scope, at.source))
        elif isinstance(item, Command):
            self.substituted([*item.words, *(a.value for a in item.assignments if a.value)], at)
            self.command(item, at)
        elif isinstance(item, Loop):
            self.substituted(item.values, at)
            self.statements(item.body, at)
        else:
            self.block(item, at)

    def block(self, item: Block, at: At) -> None:
        """A list, branch or group: what stands before a `||` may fail."""
        tolerated, folder = at.tolerated, at.folder
        for number, statement in enumerate(item.body):
            last = number == len(item.body) - 1
            at.tolerated = tolerated or (item.operator == "||" and not last)
            self.statement(statement, at)
        at.tolerated = tolerated
        if item.isolated:
            at.folder = folder
        elif item.conditional and at.folder != folder:
            at.folder = None

    def substituted(self, words: Iterable[object], at: At) -> None:
        """Commands inside `$(...)`."""
        for word in words:
            for part in getattr(word, "parts", ()):
                if isinstance(part, Opaque) and part.body:
                    self.statements(part.body, at)

    def command(self, item: Command, at: At) -> None:
        """One command, and what it starts."""
        words = unwrapped(words_of(item.words, at.scope, at.source))
        if not words:
            return
        place = at.place or at.source.place(item.span)
        name = posixpath.basename(plain(words[0]))
        if name == "cd":
            target = plain(words[1]) if len(words) > 1 else ""
            at.folder = script_path(target, at.folder) if at.folder is not None else None
        elif name in at.functions and "/" not in plain(words[0]):
            function, source = at.functions[name]
            if at.depth < DEPTH:
                inner = at.inside(source, at.folder)
                inner.scope = at.scope.called(words[1:])
                self.statements(function.body, inner)
        elif "${" in plain(words[0]):
            self.stop(plain(words[0]), "the command is in a variable", place)
        elif not self.started(name, words, place, at):
            self.note(words, place, at)

    @abstractmethod
    def started(self, name: str, words: tuple[Value, ...], place: Place, at: At) -> bool:
        """Whether the command is one that runs others, which are then followed."""

    def note(self, words: tuple[Value, ...], place: Place, at: At) -> None:
        """One command that starts no other."""
        texts = tuple(plain(word) for word in words)
        self.ran.append(Ran(texts, place, at.tolerated, at.service, at.sources))
