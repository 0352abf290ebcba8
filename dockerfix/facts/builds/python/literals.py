"""Literals of a Python module with the way back to their bytes, and the constants that name them.

Knows string literals and their escapes; puts no texts together.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from dockerfix.text import Piece, Place, Source, Span

if TYPE_CHECKING:
    import libcst as cst
    from libcst.metadata import CodeSpan
from dockerfix.facts.builds.python.constants import constants

_ESCAPE = re.compile(
    r"\\(?:\r?\n|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|N\{[^}]*\}|.)",
    re.DOTALL,
)


class Literals:
    """The literals and constants of one module."""

    def __init__(
        self, source: Source, module: cst.Module, spans: Mapping[cst.CSTNode, CodeSpan]
    ) -> None:
        self.source = source
        self.module = module
        self.spans = spans
        self.shift = 3 if source.bom else 0
        self.constants = constants(module)

    def span(self, node: cst.CSTNode) -> Span:
        """The bytes of a node."""
        found = self.spans[node]
        return Span(found.start + self.shift, found.start + found.length + self.shift)

    def place(self, node: cst.CSTNode) -> Place:
        """The place of a node."""
        return self.source.place(self.span(node))

    def code(self, node: cst.CSTNode) -> str:
        """The source of a node."""
        return self.source.text(self.span(node))

    def constant(self, node: cst.BaseExpression) -> cst.BaseExpression:
        """What a name stands for that the module assigns once and never changes."""
        import libcst as cst

        found = self.constants.get(node.value) if isinstance(node, cst.Name) else None
        return found if found is not None else node

    def is_constant(self, node: cst.BaseExpression) -> bool:
        """Whether the node is the value of such a name: it is read where the name is used."""
        return any(value is node for value in self.constants.values())

    def simple(self, node: cst.SimpleString) -> Iterator[Piece]:
        """A literal; an escape maps as a whole."""
        span = self.span(node)
        head = len(node.prefix) + len(node.quote)
        inner = Span(span.start + head, span.end - len(node.quote))
        if "r" in node.prefix.lower():
            yield Piece(self.source.text(inner), inner)
        else:
            yield from self.escaped(self.source.text(inner), inner.start)

    def escaped(self, text: str, start: int) -> Iterator[Piece]:
        """A text with escapes; `start` is its first byte. An escape maps as a whole."""
        at = 0

        def run(low: int, high: int) -> Span:
            first = start + len(text[:low].encode("utf-8", "surrogateescape"))
            size = len(text[low:high].encode("utf-8", "surrogateescape"))
            return Span(first, first + size)

        for match in _ESCAPE.finditer(text):
            yield Piece(text[at : match.start()], run(at, match.start()))
            yield Piece(_character(match[0]), run(*match.span()), literal=False)
            at = match.end()
        yield Piece(text[at:], run(at, len(text)))

    def inner_place(self, node: cst.BaseExpression) -> Place:
        """The place of an expression; of a literal what stands between its quotes."""
        import libcst as cst

        span = self.span(node)
        if isinstance(node, cst.SimpleString):
            head = len(node.prefix) + len(node.quote)
            span = Span(span.start + head, span.end - len(node.quote))
        return self.source.place(span)


def _character(escape: str) -> str:
    if escape.endswith("\n"):
        return ""
    try:
        return str(ast.literal_eval(f'"{escape}"')) if escape != '\\"' else '"'
    except (SyntaxError, ValueError):
        return escape
