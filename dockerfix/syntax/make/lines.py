"""Logical lines of a Makefile: physical ones joined where a backslash ends them.

Knows newlines, continuations and comments; knows no directive and no rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from dockerfix.syntax.make.references import outside
from dockerfix.text import MappedText, Piece

_CONTINUED = re.compile(r"(?<![ \t])[ \t]*+\\\r?\n[ \t]*+")


class Line(Struct, frozen=True):
    """One logical line: where it starts and ends in the text (characters, without its last
    newline), and its text."""

    start: int
    end: int
    text: str

    @property
    def before_comment(self) -> str:
        """The text without its comment; an escaped `#`, and one in a reference, begins none."""
        at = outside(self.text, "#")
        while at < len(self.text) and self.text[at - 1 : at] == "\\":
            at = outside(self.text, "#", at + 1)
        return self.text[:at]


def logical_lines(text: str) -> Iterator[Line]:
    """Every logical line of a text, in order."""
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        while end >= 0 and _continues(text, at, end):
            end = text.find("\n", end + 1)
        stop = end if end >= 0 else len(text)
        body = text[at:stop].removesuffix("\r")
        yield Line(at, at + len(body), body)
        at = stop + 1


def _continues(text: str, start: int, newline: int) -> bool:
    """Whether an odd number of backslashes stands before a newline."""
    body = text[start:newline].removesuffix("\r")
    return (len(body) - len(body.rstrip("\\"))) % 2 == 1


def folded(mapped: MappedText, line: Line, start: int, end: int) -> MappedText:
    """Part of a logical line (characters of the line), blanks at both ends gone, each
    continuation one blank."""
    text = line.text[start:end]
    start += len(text) - len(text.lstrip())
    end = max(start, start + len(text.strip()))
    pieces: list[Piece] = []
    at = start
    for match in _CONTINUED.finditer(line.text, start, end):
        pieces += mapped.slice(line.start + at, line.start + match.start()).pieces
        where = mapped.span(line.start + match.start(), line.start + match.end())
        pieces.append(Piece(" ", where, literal=False))
        at = match.end()
    return MappedText([*pieces, *mapped.slice(line.start + at, line.start + end).pieces])
