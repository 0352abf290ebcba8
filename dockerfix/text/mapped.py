"""Text derived from a source, with the way back.

A YAML block scalar without its indentation, a shell command whose continuation lines are
joined: the text that a parser must see is not a slice of the file. A `MappedText` is made of
pieces that say where each run of it came from, so that a span of the text becomes a span of
the file. Knows no language.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from dockerfix.text.source import Span


class Piece(Struct, frozen=True):
    """A run of derived text.

    `text` is what the parser sees; `span` are the source bytes that it stands for. A piece
    is literal when the text is exactly those bytes decoded as UTF-8; any other piece (a
    folded newline, an unescaped quote) maps as a whole.
    """

    text: str
    span: Span
    literal: bool = True


class MappedText:
    """Derived text with the spans it came from. Immutable.

    Offsets into `text` are characters from 0; offsets into `encoded` (UTF-8, for parsers
    that count bytes) are bytes from 0; results are byte spans of the source.
    """

    __slots__ = ("_base", "_encoded", "_pieces", "_run", "_starts", "_wide", "text")

    def __init__(self, pieces: Iterable[Piece]) -> None:
        kept = tuple(piece for piece in pieces if piece.text)
        self._pieces = kept
        self.text = kept[0].text if len(kept) == 1 else "".join(piece.text for piece in kept)
        self._run = kept[0].span.start if len(kept) == 1 and kept[0].literal else None
        """Where the text begins in the source, if it stands there in one run."""
        self._base = _base(kept)
        self._encoded: bytes | None = None
        self._starts = _running(len(piece.text) for piece in kept)
        self._wide: _Wide | None = None

    @classmethod
    def whole(cls, data: bytes, span: Span | None = None) -> MappedText:
        """The source, or one span of it, as it stands."""
        span = span or Span(0, len(data))
        return cls([Piece(data[span.start : span.end].decode("utf-8", "surrogateescape"), span)])

    @property
    def pieces(self) -> Sequence[Piece]:
        """The runs of the text in order."""
        return self._pieces

    @property
    def encoded(self) -> bytes:
        """The text as UTF-8; made on first use."""
        if self._encoded is None:
            self._encoded = self.text.encode("utf-8", "surrogateescape")
        return self._encoded

    def span(self, start: int, end: int) -> Span:
        """The source bytes of `text[start:end]` (characters); raises `ValueError` outside."""
        if not 0 <= start <= end <= len(self.text):
            raise ValueError(f"span {start}-{end} outside of a text of {len(self.text)}")
        if self._base is not None:
            return Span(self._base + start, self._base + end)
        if self._run is not None:
            byte = self._widths.byte
            return Span(self._run + byte(start), self._run + byte(end))
        if not self._pieces:
            return Span(0, 0)
        first = self._source_offset(start, at_end=False)
        return Span(first, first) if start == end else Span(first, self._source_offset(end, True))

    def byte_span(self, start: int, end: int) -> Span:
        """The same for byte offsets into `encoded`, as tree-sitter counts them."""
        return self.span(self.character(start), self.character(end))

    def character(self, offset: int) -> int:
        """The character of `text` that begins at a byte offset of `encoded`."""
        return self._widths.character(offset)

    def slice(self, start: int, end: int) -> MappedText:
        """`text[start:end]` with its own way back."""
        if self._base is not None:
            low, high = max(start, 0), min(end, len(self.text))
            return MappedText([Piece(self.text[low:high], self.span(low, max(low, high)))])
        found: list[Piece] = []
        for index in range(max(bisect_right(self._starts, start) - 1, 0), len(self._pieces)):
            piece, at = self._pieces[index], self._starts[index]
            if at >= end:
                break
            low, high = max(start, at), min(end, at + len(piece.text))
            if low < high:
                span = self.span(low, high) if piece.literal else piece.span
                found.append(Piece(self.text[low:high], span, piece.literal))
        return MappedText(found)

    @property
    def _widths(self) -> _Wide:
        if self._wide is None:
            self._wide = _Wide(self.text)
        return self._wide

    def is_literal(self, start: int, end: int) -> bool:
        """Whether `text[start:end]` stands in the source exactly so, in one run.

        Only then may the span be replaced by text of the same kind without re-quoting.
        """
        if start == end or self._run is not None:
            return True
        first = bisect_right(self._starts, start) - 1
        last = bisect_right(self._starts, end - 1) - 1
        run = self._pieces[first : last + 1]
        adjacent = all(a.span.end == b.span.start for a, b in pairwise(run))
        return adjacent and all(piece.literal for piece in run)

    def _source_offset(self, offset: int, at_end: bool) -> int:
        """The source offset of a character offset; an end belongs to the piece before it."""
        probe = offset - 1 if at_end else offset
        index = min(bisect_right(self._starts, probe) - 1, len(self._pieces) - 1)
        piece = self._pieces[index]
        begin = self._starts[index]
        if not piece.literal:
            at_end = at_end or offset >= begin + len(piece.text)
            return piece.span.end if at_end else piece.span.start
        return piece.span.start + self._widths.byte(offset) - self._widths.byte(begin)


def _base(pieces: Sequence[Piece]) -> int | None:
    """Where the text begins in the source, if it stands there in one run and each character
    takes one byte: then positions need no look-up. None else."""
    if len(pieces) != 1 or not pieces[0].literal:
        return None
    start, end = pieces[0].span
    return start if len(pieces[0].text) == end - start else None


class _Wide:
    """Character offsets of a text against byte offsets of its UTF-8 form.

    Remembers the characters that take several bytes, so that a look-up costs a bisection
    and a text in ASCII nothing.
    """

    __slots__ = ("_bytes", "_characters", "_extra")

    def __init__(self, text: str) -> None:
        self._characters: list[int] = []
        self._bytes: list[int] = []
        self._extra = [0]
        if text.isascii():
            return
        for at, char in enumerate(text):
            if char > "\x7f":
                # A surrogate stands for one byte that is no UTF-8.
                more = len(char.encode("utf-8", "surrogateescape")) - 1
                self._characters.append(at)
                self._bytes.append(at + self._extra[-1])
                self._extra.append(self._extra[-1] + more)

    def byte(self, character: int) -> int:
        """The byte offset at which a character begins."""
        return character + self._extra[bisect_left(self._characters, character)]

    def character(self, byte: int) -> int:
        """The character that begins at a byte offset, or holds it."""
        before = bisect_left(self._bytes, byte)
        if not before:
            return byte
        return max(byte - self._extra[before], self._characters[before - 1])


def _running(lengths: Iterable[int]) -> list[int]:
    starts, at = [], 0
    for length in lengths:
        starts.append(at)
        at += length
    return starts
