"""Commands in documents: fenced and indented blocks, and code between single backquotes.

Knows Markdown and reStructuredText as far as that; follows no command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from dockerfix.text import MappedText, Piece, Source, Span

_FENCE = re.compile(rb"^(?:[ \t>]|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))*+(```+|~~~+)")
"""A fence behind indentation, quotes and list markers; possessive, so that a deeply indented
line takes one pass."""
_INLINE = re.compile(rb"(?<!`)`([^`\n]*\b(?:docker|podman|buildah|nerdctl)\b[^`\n]*)`(?!`)")
_PROMPT = re.compile(rb"[ \t]*(?:[\w.-]+@[\w.-]+[^$#>\n]*)?(?:\$|#(?= (?:docker|podman))|>) ")
_BLANK = re.compile(r"<[A-Za-z][\w .:/-]*>")
_TOOLS = (b"docker", b"podman", b"buildah", b"nerdctl", b"make ")


def commands(source: Source) -> Iterator[MappedText]:
    """The texts of a document that name a build tool, without prompts; `<name>` as a
    variable. A file that is not UTF-8 has none."""
    try:
        source.data.decode()
    except UnicodeDecodeError:
        return
    for span in _blocks(source):
        if any(tool in source.slice(span) for tool in _TOOLS):
            yield _without_blanks(_without_prompts(source, span))


def _blocks(source: Source) -> Iterator[Span]:
    """Fenced blocks, runs of indented lines behind a blank one, and inline code."""
    fence = b""
    start = indented = -1
    blank_before = True
    for offset, line in _lines(source):
        match = _FENCE.match(line)
        bare = line.strip()
        if fence:
            if len(bare) >= len(fence) and not bare.strip(fence[:1]):
                yield Span(start, offset)
                fence = b""
            continue
        deep = line.startswith((b"    ", b"\t"))
        if indented >= 0 and bare and not deep:
            yield Span(indented, offset)
            indented = -1
        if match:
            fence, start, indented = match[1], offset + len(line), -1
        elif deep and bare and blank_before and indented < 0:
            indented = offset
        elif not deep:
            for found in _INLINE.finditer(line):
                yield Span(offset + found.start(1), offset + found.end(1))
        blank_before = not bare or indented >= 0
    if fence or indented >= 0:
        yield Span(start if fence else indented, len(source.data))


def _lines(source: Source) -> Iterator[tuple[int, bytes]]:
    starts = [*source.line_starts, len(source.data)]
    for start, end in pairwise(starts):
        yield start, source.data[start:end]


def _without_prompts(source: Source, span: Span) -> list[Piece]:
    """The block without `$ ` before commands and without carriage returns."""
    pieces: list[Piece] = []
    at = span.start
    for line in source.slice(span).splitlines(keepends=True):
        match = _PROMPT.match(line)
        start, end = at + (match.end() if match else 0), at + len(line)
        if line.endswith(b"\r\n"):
            pieces.append(Piece(source.text(Span(start, end - 2)), Span(start, end - 2)))
            pieces.append(Piece("\n", Span(end - 2, end), literal=False))
        else:
            pieces.append(Piece(source.text(Span(start, end)), Span(start, end)))
        at = end
    return pieces


def _without_blanks(pieces: list[Piece]) -> MappedText:
    """`<name>`, to be filled in by the reader, as `${name}`: a shell would redirect."""
    mapped = MappedText(pieces)
    found: list[Piece] = []
    at = 0
    for match in _BLANK.finditer(mapped.text):
        found += mapped.slice(at, match.start()).pieces
        name = "${" + re.sub(r"\W", "_", match[0][1:-1]) + "}"
        found.append(Piece(name, mapped.span(*match.span()), literal=False))
        at = match.end()
    return MappedText([*found, *mapped.slice(at, len(mapped.text)).pieces]) if at else mapped
