"""Commands in documents: code that names a build tool, as a shell would get it.

Knows prompts and placeholders; where code stands is the business of `syntax.markdown`.
"""

from __future__ import annotations

import re

from dockerfix.facts.past import tells_of_the_past
from dockerfix.syntax.markdown import code
from dockerfix.text import MappedText, Piece, Source, Span

_PROMPT = re.compile(rb"[ \t]*+(?:[\w.-]+@[^$#>\n]*)?(?:\$|#(?= (?:docker|podman))|>) ")
_BLANK = re.compile(r"<[A-Za-z][\w .:/-]*>")
_TOOLS = (b"docker", b"podman", b"buildah", b"nerdctl", b"make ")


def commands(source: Source) -> tuple[MappedText, ...]:
    """The texts of a document that name a build tool, without prompts; `<name>` as a
    variable. A file that is not UTF-8 has none, and nobody runs what a section tells of the
    past."""
    try:
        source.data.decode()
    except UnicodeDecodeError:
        return ()
    spans = (span for span in code(source) if any(t in source.slice(span) for t in _TOOLS))
    return tuple(
        _without_blanks(_without_prompts(source, span))
        for span in spans
        if not tells_of_the_past(source, span.start)
    )


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
