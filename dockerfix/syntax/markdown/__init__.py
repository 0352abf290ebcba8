"""Documents: the code of Markdown and of reStructuredText, blocks and inline, and headings.

Markdown is read by markdown-it-py, CommonMark's own rules; its line numbers lead back to the
bytes. Knows where code and headings stand; knows nothing of what they say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from dockerfix.text import Source, Span

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_INLINE = re.compile(rb"(?<!`)(`{1,2})(?!`)([^`\n]+)\1(?!`)")
_LONE_RETURN = re.compile(r"\r(?!\n)")


def code(source: Source) -> Iterator[Span]:
    """Spans of code, in the order of the document: what is inside of fences, indented blocks,
    and inline code without its backquotes.

    `source` must be UTF-8. A path that ends in `.rst` is reStructuredText, any other Markdown.
    """
    yield from (_restructured(source) if source.path.endswith(".rst") else _markdown(source))


class Heading(NamedTuple):
    """A heading: the offset of its first byte, its level from 1, and its text as written."""

    at: int
    level: int
    text: str


@lru_cache(maxsize=8)
def headings(source: Source) -> tuple[Heading, ...]:
    """The headings of a document, in their order; none for one that is not UTF-8."""
    try:
        tokens = _tokens(source)
    except UnicodeDecodeError:
        return ()
    return tuple(
        Heading(source.line_starts[token.map[0]], int(token.tag[1:]), inline.content)
        for token, inline in pairwise(tokens)
        if token.type == "heading_open" and token.map is not None
    )


def _tokens(source: Source) -> list[Token]:
    # Other than a Source, CommonMark ends a line at a lone carriage return.
    return _reader().parse(_LONE_RETURN.sub(" ", source.data.decode()))


def _markdown(source: Source) -> Iterator[Span]:
    starts = [*source.line_starts, len(source.data)]
    for token in _tokens(source):
        if token.map is None:
            continue
        first, last = (starts[min(line, len(starts) - 1)] for line in token.map)
        if token.type == "fence":
            yield _inside(source, first, last, token.markup.encode())
        elif token.type == "code_block":
            yield Span(first, last)
        elif token.type == "inline":
            yield from _inline(source, Span(first, last))


@lru_cache(maxsize=1)
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").disable("inline")  # inline code is found in the bytes


def _inside(source: Source, first: int, last: int, fence: bytes) -> Span:
    """The lines between a fence and its end, which a document may leave out."""
    start = source.line_of(first).end
    closing = source.line_of(max(last - 1, start)) if last > start else Span(last, last)
    bare = source.slice(closing).strip().lstrip(b"> \t")
    closed = len(bare) >= len(fence) and not bare.strip(fence[:1])
    return Span(start, closing.start if closed and closing.start >= start else max(last, start))


def _inline(source: Source, span: Span) -> Iterator[Span]:
    for match in _INLINE.finditer(source.data, span.start, span.end):
        yield Span(*match.span(2))


def _restructured(source: Source) -> Iterator[Span]:
    """Runs of indented lines behind a blank one, and inline literals."""
    indented = -1
    blank_before = True
    for start, end in pairwise([*source.line_starts, len(source.data)]):
        line = source.data[start:end]
        bare, deep = line.strip(), line[:1] in (b" ", b"\t")
        if indented >= 0 and bare and not deep:
            yield Span(indented, start)
            indented = -1
        if deep and bare and blank_before and indented < 0:
            indented = start
        elif not deep:
            yield from _inline(source, Span(start, end))
        blank_before = not bare
    if indented >= 0:
        yield Span(indented, len(source.data))
