"""Scalars of YAML in every style, from their value back to their bytes.

Follows "YAML 1.2", chapters 7 and 8 on folding, escapes and block scalars. Knows scalars;
knows no nodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dockerfix.text import MappedText, Piece, Span


def scalar_text(data: bytes, span: Span, style: str, text: str) -> MappedText:
    """The value `text` of a scalar that stands at `span`, with the way back to its bytes.

    `style` is one of `'`, `"`, `|`, `>` or empty for plain. What cannot be followed byte by
    byte maps as a whole.
    """
    for pieces in _readings(data, span, style):
        mapped = MappedText(pieces)
        if mapped.text == text:
            return mapped
        if style in ("|", ">") and mapped.text.rstrip("\n") == text.rstrip("\n"):
            return MappedText(_fit(mapped.pieces, text, span.end))
    return MappedText([Piece(text, span, literal=False)])


def _readings(data: bytes, span: Span, style: str) -> Iterator[Iterator[Piece]]:
    """What the pieces can be: one reading, but for a block scalar with an explicit
    indentation, which counts from a parent that is not known here."""
    if style in ("|", ">"):
        block = _Block(data, span)
        make = _literal if style == "|" else _folded
        for indent in block.indents():
            yield make(data, block.lines, indent)
    elif style == "":
        yield _flow(data, span.start, span.end)
    elif style in ("'", '"'):
        make_quoted = _single if style == "'" else _double
        yield make_quoted(data, span.start + 1, span.end - 1)


def _fit(pieces: Iterable[Piece], text: str, end: int) -> Iterator[Piece]:
    """Cut the pieces to the length of `text`, or add newlines: block scalars differ in their
    final newlines only."""
    room = len(text)
    for piece in pieces:
        if room <= 0:
            return
        if len(piece.text) <= room:
            yield piece
        else:
            kept = piece.text[:room]
            size = len(kept.encode("utf-8", "surrogateescape"))
            yield Piece(kept, Span(piece.span.start, piece.span.start + size), piece.literal)
        room -= len(piece.text)
    if room > 0:
        yield Piece("\n" * room, Span(end, end), literal=False)


def _run(data: bytes, start: int, end: int) -> Piece:
    return Piece(data[start:end].decode("utf-8", "surrogateescape"), Span(start, end))


_FOLD = rb"(?P<fold>[ \t]*\r?\n(?:[ \t]*\r?\n)*[ \t]*)"
_PLAIN = re.compile(_FOLD)
_SINGLE = re.compile(_FOLD + rb"|(?P<quote>'')")
_DOUBLE = re.compile(
    rb"(?P<joint>\\\r?\n(?:[ \t]*\r?\n)*[ \t]*)|(?P<escape>\\(?:x..|u.{4}|U.{8}|.))|" + _FOLD,
    re.DOTALL,
)
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f",
    "r": "\r", "e": "\x1b", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip


def _flow(
    data: bytes, start: int, end: int, pattern: re.Pattern[bytes] = _PLAIN
) -> Iterator[Piece]:
    """Runs of a plain or quoted scalar. A newline folds to a blank, n blank lines to n
    newlines; a quote or an escape stands for one character."""
    at = start
    for match in pattern.finditer(data, start, end):
        yield _run(data, at, match.start())
        text = _folded_break(match[0]) if match.lastgroup == "fold" else _unescaped(match[0])
        yield Piece(text, Span(*match.span()), literal=False)
        at = match.end()
    yield _run(data, at, end)


def _folded_break(found: bytes) -> str:
    newlines = found.count(b"\n")
    return " " if newlines == 1 else "\n" * (newlines - 1)


def _unescaped(found: bytes) -> str:
    if found == b"''":
        return "'"
    letter = found[1:2].decode("latin-1")
    if letter in "\r\n":
        return "\n" * (found.count(b"\n") - 1)
    if letter in "xuU":
        try:
            return chr(int(found[2:], 16))
        except ValueError:
            return "?"
    return _ESCAPES.get(letter, letter)


def _single(data: bytes, start: int, end: int) -> Iterator[Piece]:
    return _flow(data, start, end, _SINGLE)


def _double(data: bytes, start: int, end: int) -> Iterator[Piece]:
    return _flow(data, start, end, _DOUBLE)


class _Block:
    """A block scalar's header and the spans of its lines, without newlines."""

    def __init__(self, data: bytes, span: Span) -> None:
        self.data = data
        header_end = data.find(b"\n", span.start, span.end) + 1 or span.end
        header = data[span.start : header_end].split(b"#")[0]
        self.explicit = any(digit in header for digit in b"123456789")
        self.lines: list[Span] = []
        at = header_end
        while at < span.end:
            stop = data.find(b"\n", at, span.end)
            stop = stop if stop >= 0 else span.end
            cut = data[stop - 1 : stop] == b"\r" and stop > at
            self.lines.append(Span(at, stop - cut))
            at = stop + 1

    def indents(self) -> Iterable[int]:
        """Possible indentations of the content: that of the first line with text, or with an
        explicit indicator any smaller one."""
        for start, end in self.lines:
            line = self.data[start:end]
            if line.strip():
                first = len(line) - len(line.lstrip(b" "))
                return range(first, -1, -1) if self.explicit else (first,)
        return (0,)


def _literal(data: bytes, lines: list[Span], indent: int) -> Iterator[Piece]:
    for start, end in lines:
        yield _run(data, min(start + indent, end), end)
        newline_end = data.find(b"\n", end) + 1 or end
        yield Piece("\n", Span(end, newline_end), literal=newline_end - end == 1)


def _folded(data: bytes, lines: list[Span], indent: int) -> Iterator[Piece]:
    """A newline between two lines of text folds to a blank; it stays where a line is blank
    or indented more."""
    for number, (start, end) in enumerate(lines):
        begin = min(start + indent, end)
        yield _run(data, begin, end)
        newline = Span(end, data.find(b"\n", end) + 1 or end)
        if number + 1 == len(lines):
            yield Piece("\n", newline, literal=False)
            return
        following = data[lines[number + 1].start + indent : lines[number + 1].end]
        more = following[:1] in (b" ", b"\t") or data[begin : begin + 1] in (b" ", b"\t")
        if more or not data[begin:end].strip():
            yield Piece("\n", newline, literal=False)
        elif following.strip():
            yield Piece(" ", newline, literal=False)
