"""Whether statements can ask for a build at all, by what they say and call alone.

Most functions of scripts compute a name or print a message. What a substitution changes in the
shell is gone when it ends: one that can ask for nothing need not be followed. Knows which words
count; follows nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct

from dockerfix.syntax.shell import (
    Assignment,
    Block,
    Command,
    Function,
    Loop,
    Opaque,
    ShellWord,
    Statement,
    Variable,
)
from dockerfix.text import Source

_ENTERS = frozenset({".", "source", "eval", "command", "exec", "trap", "xargs", "builtin"})
"""Commands that run what they are given, or read more of the script."""


class Said(Struct, frozen=True):
    """What a body says: whether a word of it may build, and the names that it calls."""

    body: tuple[Statement, ...]
    asks: bool
    calls: frozenset[str]


class Asking:
    """Remembers what bodies say; a body is known by its identity, which `Said` keeps."""

    def __init__(self) -> None:
        self._said: dict[tuple[int, int], Said] = {}

    def may_ask(
        self,
        body: tuple[Statement, ...],
        functions: Mapping[str, tuple[Function, Source]],
        words: Collection[str],
    ) -> bool:
        """Whether a body, or a function that it calls, holds one of `words`, or a command that
        reading this text does not tell."""
        queue, seen = [body], set[str]()
        while queue:
            said = self._says(queue.pop(), words)
            if said.asks:
                return True
            for name in said.calls - seen:
                seen.add(name)
                if name in functions:
                    queue.append(functions[name][0].body)
        return False

    def _says(self, body: tuple[Statement, ...], words: Collection[str]) -> Said:
        key = (id(body), len(words))
        known = self._said.get(key)
        if known is None:
            calls: set[str] = set()
            asks = any(_asks(command, words, calls) for command in _commands(body))
            known = self._said[key] = Said(body, asks, frozenset(calls))
        return known


def _asks(command: Command, words: Collection[str], calls: set[str]) -> bool:
    """Whether one command may ask for a build; adds the name that it calls."""
    texts = [word.written for word in command.words]
    texts += [text.text for text in command.heredocs]
    texts += [command.herestring.written] if command.herestring is not None else []
    texts += [a.value.written for a in command.assignments if a.value is not None]
    if any(word in text for text in texts for word in words):
        return True
    calls.add(command.name)
    return bool(command.words) and (not command.name or command.name in _ENTERS)


def _commands(statements: Iterable[Statement]) -> Iterator[Command]:
    """Every command of statements, those of substitutions among them."""
    for item in statements:
        if isinstance(item, Command):
            yield item
            yield from _inside(item.words)
            yield from _inside((item.herestring,))
            yield from _inside(assignment.value for assignment in item.assignments)
        elif isinstance(item, Assignment):
            yield from _inside((item.value,))
        elif isinstance(item, Loop):
            yield from _inside(item.values)
            yield from _commands(item.body)
        elif isinstance(item, Block | Function):
            yield from _commands(item.body)


def _inside(words: Iterable[ShellWord | None]) -> Iterator[Command]:
    for word in words:
        for part in word.parts if word is not None else ():
            if isinstance(part, Opaque):
                yield from _commands(part.body)
                yield from _inside(part.elements or ())
            elif isinstance(part, Variable):
                parts = (inner for inner in part.operand if isinstance(inner, Opaque))
                yield from (found for inner in parts for found in _commands(inner.body))
