"""Text derived from a source, with the way back.

A YAML block scalar without its indentation, a shell command whose continuation lines are
joined: the text that a parser must see is not a slice of the file. A `MappedText` is made of
pieces that say where each run of it came from, so that a span of the text becomes a span of
the file. Knows no language.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dockerfix.text.source import Span


@dataclass(frozen=True, slots=True)
class Piece:
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

    __slots__ = ("_byte_starts", "_encoded", "_pieces", "_starts", "text")

    def __init__(self, pieces: Iterable[Piece]) -> None:
        kept = tuple(piece for piece in pieces if piece.text)
        self._pieces = kept
        self.text = "".join(piece.text for piece in kept)
        self._encoded: bytes | None = None
        self._starts = _running(len(piece.text) for piece in kept)
        self._byte_starts: list[int] | None = None

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
        if not self._pieces:
            return Span(0, 0)
        first = self._source_offset(start, at_end=False)
        return Span(first, first) if start == end else Span(first, self._source_offset(end, True))

    def byte_span(self, start: int, end: int) -> Span:
        """The same for byte offsets into `encoded`, as tree-sitter counts them."""
        if self._byte_starts is None:
            self._byte_starts = _running(
                len(piece.text.encode("utf-8", "surrogateescape")) for piece in self._pieces
            )
        return self.span(self._character(start), self._character(end))

    def is_literal(self, start: int, end: int) -> bool:
        """Whether `text[start:end]` stands in the source exactly so, in one run.

        Only then may the span be replaced by text of the same kind without re-quoting.
        """
        if start == end:
            return True
        first = bisect_right(self._starts, start) - 1
        last = bisect_right(self._starts, end - 1) - 1
        run = self._pieces[first : last + 1]
        adjacent = all(a.span.end == b.span.start for a, b in pairwise(run))
        return adjacent and all(piece.literal for piece in run)

    def _character(self, offset: int) -> int:
        starts = self._byte_starts or [0]
        index = max(bisect_right(starts, offset) - 1, 0)
        if index >= len(self._pieces):
            return len(self.text)
        encoded = self._pieces[index].text.encode("utf-8", "surrogateescape")
        inside = encoded[: offset - starts[index]].decode("utf-8", "surrogateescape")
        return self._starts[index] + len(inside)

    def _source_offset(self, offset: int, at_end: bool) -> int:
        """The source offset of a character offset; an end belongs to the piece before it."""
        probe = offset - 1 if at_end else offset
        index = min(bisect_right(self._starts, probe) - 1, len(self._pieces) - 1)
        piece = self._pieces[index]
        inside = offset - self._starts[index]
        if not piece.literal:
            return piece.span.end if inside > 0 else piece.span.start
        inside_bytes = piece.text[:inside].encode("utf-8", "surrogateescape")
        return piece.span.start + len(inside_bytes)


def _running(lengths: Iterable[int]) -> list[int]:
    starts, at = [], 0
    for length in lengths:
        starts.append(at)
        at += length
    return starts
