"""One file's bytes, with positions. Knows offsets, lines and newlines; knows no language."""

from __future__ import annotations

import enum
from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

from msgspec import Struct, field

from dockerfix.text.values import Keyed

BOM = b"\xef\xbb\xbf"


class Span(NamedTuple):
    """A half-open range of byte offsets, both counted from 0."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """The number of bytes in the span."""
        return self.end - self.start

    def contains(self, other: Span) -> bool:
        """Whether `other` lies inside this span (equal ends count as inside)."""
        return self.start <= other.start and other.end <= self.end

    def touches(self, other: Span) -> bool:
        """Whether the two spans share at least one byte."""
        return self.start < other.end and other.start < self.end

    def cover(self, other: Span) -> Span:
        """The smallest span that holds both."""
        return Span(min(self.start, other.start), max(self.end, other.end))


class Position(NamedTuple):
    """A place for a person: line and column, both counted from 1; columns count characters."""

    line: int
    column: int


class Place(Struct, frozen=True):
    """A span in a named file of the snapshot, with its position for messages."""

    path: str
    span: Span
    position: Position

    def __str__(self) -> str:
        """`path:line:column`, as compilers print it."""
        return f"{self.path}:{self.position.line}:{self.position.column}"


class Newline(enum.Enum):
    """The newline style of a file."""

    LF = b"\n"
    CRLF = b"\r\n"
    MIXED = b""

    @property
    def bytes(self) -> bytes:
        """What to write for one newline; a mixed file gets the plain one."""
        return self.value or b"\n"


class Source(Keyed, frozen=True, eq=False):
    r"""A path relative to the root, and the file's bytes.

    Lines end at b"\n" only, as BuildKit, Git and YAML count them.
    """

    aside = ("_lines",)

    path: str
    data: bytes
    _lines: list[int] = field(default_factory=list)

    @property
    def bom(self) -> bool:
        """Whether the file begins with a UTF-8 byte order mark."""
        return self.data.startswith(BOM)

    @property
    def newline(self) -> Newline:
        """The newline style; a file without any newline counts as LF."""
        crlf = self.data.count(b"\r\n")
        if not crlf:
            return Newline.LF
        return Newline.CRLF if crlf == self.data.count(b"\n") else Newline.MIXED

    @property
    def line_starts(self) -> list[int]:
        """Byte offsets at which lines begin, from 0; computed on first use."""
        if not self._lines:
            lengths = (len(line) + 1 for line in self.data.split(b"\n")[:-1])
            self._lines.extend(accumulate(lengths, initial=0))
        return self._lines

    def position(self, offset: int) -> Position:
        """Line and column, from 1, of a byte offset, from 0. The BOM takes no column."""
        starts = self.line_starts
        line = bisect_right(starts, offset) - 1
        begin = len(BOM) if line == 0 and self.bom else starts[line]
        return Position(line + 1, len(self.data[begin:offset].decode("utf-8", "replace")) + 1)

    def place(self, span: Span) -> Place:
        """The span as a place of this file."""
        return Place(self.path, span, self.position(span.start))

    def line_of(self, offset: int) -> Span:
        """The whole line that holds the offset, its newline included."""
        starts = self.line_starts
        line = bisect_right(starts, offset) - 1
        end = starts[line + 1] if line + 1 < len(starts) else len(self.data)
        return Span(starts[line], end)

    def slice(self, span: Span) -> bytes:
        """The bytes of the span."""
        return self.data[span.start : span.end]

    def text(self, span: Span) -> str:
        """The span decoded as UTF-8; bytes that are not UTF-8 come as surrogates."""
        return self.slice(span).decode("utf-8", "surrogateescape")
