"""Texts and words of Python expressions, with the way back to the bytes of their literals.

Knows how texts are put together: f-strings, sums, formats, paths; runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dockerfix.facts.builds.python.constants import dotted
from dockerfix.facts.builds.python.literals import Literals
from dockerfix.facts.builds.python.own_folder import own_folder
from dockerfix.facts.model import Value
from dockerfix.facts.shell.words import OPAQUE, UNKNOWN, remaining
from dockerfix.text import MappedText, Piece

if TYPE_CHECKING:
    import libcst as cst

_STEPS = 5_000
"""Expressions that one file may need; names that multiply one another stop here."""


class Texts(Literals):
    """Expressions of one module as texts and words."""

    steps = 0
    """Expressions that were read for the file."""

    def listed(self, node: cst.BaseExpression) -> tuple[Value, ...] | None:
        """The words of a list or tuple, or of two that are added; None for anything else."""
        import libcst as cst

        if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Add):
            left, right = self.listed(node.left), self.listed(node.right)
            if left is None:
                return None
            return (*left, *(right if right is not None else (self.word(node.right, "*"),)))
        if not isinstance(node, cst.List | cst.Tuple) or not node.elements:
            return None
        return tuple(
            self.word(item.value, "*" if isinstance(item, cst.StarredElement) else "")
            for item in node.elements
        )

    def word(self, node: cst.BaseExpression, star: str = "") -> Value:
        """An expression as one word (or, with a star, as several that are not known).

        The place of a literal is what stands between its quotes.
        """
        import libcst as cst

        if star:
            return Value(star + self.code(node), "${" + (dotted(node) or OPAQUE) + "}")
        origin, carrier = None, ""
        value = self.constant(node)
        if value is not node and isinstance(node, cst.Name):
            origin, carrier = self.inner_place(value), node.value
        text = self.text(value)
        if text is None:
            name = dotted(node) if isinstance(node, cst.Name | cst.Attribute) else OPAQUE
            unknown = "${" + (name.replace(".", "_") or OPAQUE) + "}"
            return Value(self.code(node), unknown, remaining(unknown), (), self.place(node))
        own = value is node
        written = text.text if own else self.code(node)
        place = self.inner_place(value) if own else self.place(node)
        mapped = text if own and text.text else None
        return Value(written, text.text, remaining(text.text), (), place, origin, carrier, mapped)

    def text(self, node: cst.BaseExpression | None) -> MappedText | None:
        """A text with its places, unknown parts as `${NAME}`; None for what is no text."""
        if node is None:
            return None
        pieces = self._pieces(node)
        return MappedText(pieces) if pieces is not None else None

    def _pieces(self, node: cst.BaseExpression) -> list[Piece] | None:
        import libcst as cst

        self.steps += 1
        if self.steps > _STEPS:
            return None
        if isinstance(node, cst.SimpleString):
            return list(self.simple(node))
        if isinstance(node, cst.FormattedString):
            return list(self._formatted(node))
        if isinstance(node, cst.ConcatenatedString):
            return [*(self._pieces(node.left) or ()), *(self._pieces(node.right) or ())]
        own = own_folder(self, node)
        if own is not None:
            return [Piece(own, self.span(node), literal=False)]
        if isinstance(node, cst.BinaryOperation):
            return self._joined(node)
        if isinstance(node, cst.Call):
            return self._called(node)
        return None

    def _joined(self, node: cst.BinaryOperation) -> list[Piece] | None:
        """`a + b`, `"%s" % x` and `folder / "name"`."""
        import libcst as cst

        left = self._pieces(self.constant(node.left))
        right = self._pieces(self.constant(node.right))
        if isinstance(node.operator, cst.Modulo) and left is not None:
            return _blanked(left, r"%(?:\(\w+\))?[-\d.]*[a-zA-Z]")
        if isinstance(node.operator, cst.Divide):
            if left is None or right is None:
                return None
            gap = Piece("/", self.span(node.right), literal=False)
            return [*left, gap, *right]
        if not isinstance(node.operator, cst.Add) or (left is None and right is None):
            return None
        unknown = Piece(UNKNOWN, self.span(node), literal=False)
        return [*(left or [unknown]), *(right or [unknown])]

    def _called(self, node: cst.Call) -> list[Piece] | None:
        """`"...".format(...)`, `str(x)`, `os.path.join(...)`, `textwrap.dedent(...)`."""
        import libcst as cst

        func = dotted(node.func)
        args = [arg.value for arg in node.args if arg.keyword is None and not arg.star]
        if isinstance(node.func, cst.Attribute) and node.func.attr.value == "format":
            base = self._pieces(self.constant(node.func.value))
            return _blanked(base, r"\{[^{}]*\}") if base is not None else None
        if func in ("str", "textwrap.dedent", "dedent", "os.fspath", "Path") and len(args) == 1:
            return self._pieces(self.constant(args[0]))
        if func in ("os.path.join", "path.join", "join") and args:
            parts = [self._pieces(self.constant(arg)) for arg in args]
            if all(part is not None for part in parts):
                gap = Piece("/", self.span(node), literal=False)
                joined = [piece for part in parts for piece in (gap, *(part or ()))]
                return joined[1:]
        return None

    def _formatted(self, node: cst.FormattedString) -> Iterator[Piece]:
        """An f-string; an expression is its constant, or a variable."""
        import libcst as cst

        for part in node.parts:
            span = self.span(part)
            if isinstance(part, cst.FormattedStringExpression):
                known = self._pieces(self.constant(part.expression))
                name = dotted(part.expression).replace(".", "_")
                simple = isinstance(part.expression, cst.Name | cst.Attribute) and bool(name)
                text = "${" + (name if simple else OPAQUE) + "}"
                if known is not None and part.format_spec is None:
                    text = "".join(piece.text for piece in known)
                yield Piece(text, span, literal=False)
            else:
                raw = self.source.text(span)
                if "{{" in raw or "}}" in raw:
                    text = raw.replace("{{", "{").replace("}}", "}")
                    yield Piece(text, span, literal=False)
                elif "r" in node.prefix.lower():
                    yield Piece(raw, span)
                else:
                    yield from self.escaped(raw, span.start)


def _blanked(pieces: list[Piece], pattern: str) -> list[Piece]:
    """The text with what a format fills in as unknown."""
    mapped = MappedText(pieces)
    found: list[Piece] = []
    at = 0
    for match in re.finditer(pattern, mapped.text):
        found += mapped.slice(at, match.start()).pieces
        found.append(Piece(UNKNOWN, mapped.span(*match.span()), literal=False))
        at = match.end()
    return [*found, *mapped.slice(at, len(mapped.text)).pieces]
