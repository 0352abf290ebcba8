"""An instruction as bytes: where it stands, what belongs to it, and the line that BuildKit reads.

Knows continuations and comments inside of them; knows nothing of words.
"""

from __future__ import annotations

from functools import cached_property

from dockerfix.syntax.dockerfile import scan, words
from dockerfix.syntax.dockerfile.nodes import Comment
from dockerfix.text import MappedText, Piece, Source, Span


class LogicalLine:
    """The bytes of one instruction, and the line that they make."""

    def __init__(
        self,
        source: Source,
        item: scan.Scanned,
        comments: tuple[Comment, ...],
        escape: bytes,
    ) -> None:
        self.source = source
        self.comments = comments
        self.keyword = item.keyword
        self.span = Span(item.start, item.end)
        self._item = item
        self._escape = escape

    @cached_property
    def _layout(self) -> scan.Layout:
        return self._item.lines or scan.layout(self.source.data, self._item, self._escape)

    @cached_property
    def _command(self) -> words.Command:
        return words.split_command(self.line, 0, self.escape)

    @property
    def owned(self) -> Span:
        """The span with the comments above that travel with the instruction."""
        return Span(self.comments[0].span.start, self.span.end) if self.comments else self.span

    @cached_property
    def code(self) -> Span:
        """From the keyword to the last byte of the instruction, heredocs included and the
        final newline left out."""
        start = self._layout.code[0][0]
        return Span(start, start + len(self.source.data[start : self.span.end].rstrip(b"\r\n")))

    @cached_property
    def inner_comments(self) -> tuple[Comment, ...]:
        """Comment lines inside the continuation, which BuildKit drops."""
        spans = [Span(start, end) for start, end in self._layout.comments]
        return tuple(Comment(span, self.source.text(span).strip()) for span in spans)

    @property
    def blank_continuations(self) -> tuple[Span, ...]:
        """Blank lines inside the continuation, which BuildKit joins with a warning."""
        return tuple(Span(start, end) for start, end in self._layout.blanks)

    @cached_property
    def mapped(self) -> MappedText:
        """The logical line with the way back to the file."""
        spans = [Span(start, end) for start, end in self._layout.code]
        return MappedText(Piece(self.source.text(span), span) for span in spans)

    @cached_property
    def arguments_mapped(self) -> MappedText:
        """The part of the logical line after keyword and flags, with the way back."""
        return self.mapped.slice(self._command.arguments, self._command.end)

    @property
    def line(self) -> str:
        """The logical line as BuildKit sees it, heredoc bodies left out."""
        return self.mapped.text

    @property
    def escape(self) -> str:
        """The escape character in force."""
        return self._escape.decode()

    @property
    def arguments(self) -> str:
        """The text after keyword and flags."""
        return self.line[self._command.arguments : self._command.end]
