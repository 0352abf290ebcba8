"""Texts and words of Python expressions, with the way back to the bytes of their literals.

Knows string literals, f-strings, constants of a module and the idioms that name the
program's own folder; runs nothing.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from dockerfix.facts.builds.words import OPAQUE, ROOTS, UNKNOWN, remaining
from dockerfix.facts.model import Value
from dockerfix.text import MappedText, Piece, Place, Source, Span

if TYPE_CHECKING:
    import libcst as cst
    from libcst.metadata import CodeSpan

_ROOT = "${" + ROOTS[-1] + "}"
_ESCAPE = re.compile(
    r"\\(?:\r?\n|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|N\{[^}]*\}|.)",
    re.DOTALL,
)
_STEPS = 5_000
"""Expressions that one file may need; names that multiply one another stop here."""
_MUTATORS = frozenset({"append", "extend", "insert", "remove", "pop", "clear"})


def dotted(node: cst.BaseExpression) -> str:
    """`a.b.c` of an attribute chain; calls on the way are left out of it."""
    import libcst as cst

    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        return f"{dotted(node.value)}.{node.attr.value}"
    return dotted(node.func) if isinstance(node, cst.Call) else ""


class Texts:
    """Expressions of one module as texts and words."""

    def __init__(
        self, source: Source, module: cst.Module, spans: Mapping[cst.CSTNode, CodeSpan]
    ) -> None:
        self.source = source
        self.module = module
        self.spans = spans
        self.shift = 3 if source.bom else 0
        self.constants = _constants(module)
        self.steps = 0

    def span(self, node: cst.CSTNode) -> Span:
        """The bytes of a node."""
        found = self.spans[node]
        return Span(found.start + self.shift, found.start + found.length + self.shift)

    def place(self, node: cst.CSTNode) -> Place:
        """The place of a node."""
        return self.source.place(self.span(node))

    def constant(self, node: cst.BaseExpression) -> cst.BaseExpression:
        """What a name stands for that the module assigns once and never changes."""
        import libcst as cst

        found = self.constants.get(node.value) if isinstance(node, cst.Name) else None
        return found if found is not None else node

    def is_constant(self, node: cst.BaseExpression) -> bool:
        """Whether the node is the value of such a name: it is read where the name is used."""
        return any(value is node for value in self.constants.values())

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
            origin, carrier = self._inner_place(value), node.value
        text = self.text(value)
        if text is None:
            name = dotted(node) if isinstance(node, cst.Name | cst.Attribute) else OPAQUE
            unknown = "${" + (name.replace(".", "_") or OPAQUE) + "}"
            return Value(self.code(node), unknown, remaining(unknown), (), self.place(node))
        own = value is node
        written = text.text if own else self.code(node)
        place = self._inner_place(value) if own else self.place(node)
        mapped = text if own and text.text else None
        return Value(written, text.text, remaining(text.text), (), place, origin, carrier, mapped)

    def code(self, node: cst.CSTNode) -> str:
        """The source of a node."""
        return self.source.text(self.span(node))

    def _inner_place(self, node: cst.BaseExpression) -> Place:
        import libcst as cst

        span = self.span(node)
        if isinstance(node, cst.SimpleString):
            head = len(node.prefix) + len(node.quote)
            span = Span(span.start + head, span.end - len(node.quote))
        return self.source.place(span)

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
            return list(self._simple(node))
        if isinstance(node, cst.FormattedString):
            return list(self._formatted(node))
        if isinstance(node, cst.ConcatenatedString):
            return [*(self._pieces(node.left) or ()), *(self._pieces(node.right) or ())]
        own = self._own_folder(node)
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

    def _own_folder(self, node: cst.BaseExpression) -> str | None:
        """`Path(__file__).parent` and its kin, as a path below the root."""
        path = self._file_path(node)
        if path is None:
            return None
        return f"{_ROOT}/{path}" if path else _ROOT

    def _file_path(self, node: cst.BaseExpression) -> str | None:
        import libcst as cst

        if isinstance(node, cst.Name):
            if node.value == "__file__":
                return self.source.path
            value = self.constant(node)
            return self._file_path(value) if value is not node else None
        if isinstance(node, cst.Attribute) and node.attr.value == "parent":
            inner = self._file_path(node.value)
            return posixpath.dirname(inner) if inner is not None else None
        if isinstance(node, cst.Subscript):
            return self._parents(node)
        if not isinstance(node, cst.Call):
            return None
        if isinstance(node.func, cst.Attribute) and node.func.attr.value in ("resolve", "absolute"):
            return self._file_path(node.func.value)
        name = dotted(node.func).rpartition(".")[2]
        inner = self._file_path(node.args[0].value) if node.args else None
        if name == "dirname" and inner is not None:
            return posixpath.dirname(inner)
        return inner if name in ("Path", "abspath", "realpath", "str") else None

    def _parents(self, node: cst.Subscript) -> str | None:
        """`Path(__file__).parents[1]`."""
        import libcst as cst

        base = node.value
        index = node.slice[0].slice if node.slice else None
        if not (isinstance(base, cst.Attribute) and base.attr.value == "parents"):
            return None
        if not (isinstance(index, cst.Index) and isinstance(index.value, cst.Integer)):
            return None
        path = self._file_path(base.value)
        for _ in range(int(index.value.value) + 1):
            path = posixpath.dirname(path) if path is not None else None
        return path

    def _simple(self, node: cst.SimpleString) -> Iterator[Piece]:
        """A literal; an escape maps as a whole."""
        span = self.span(node)
        head = len(node.prefix) + len(node.quote)
        inner = Span(span.start + head, span.end - len(node.quote))
        if "r" in node.prefix.lower():
            yield Piece(self.source.text(inner), inner)
        else:
            yield from self._escaped(self.source.text(inner), inner.start)

    def _escaped(self, text: str, start: int) -> Iterator[Piece]:
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
                    yield from self._escaped(raw, span.start)


def _character(escape: str) -> str:
    if escape.endswith("\n"):
        return ""
    try:
        return str(ast.literal_eval(f'"{escape}"')) if escape != '\\"' else '"'
    except (SyntaxError, ValueError):
        return escape


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


def _constants(module: cst.Module) -> dict[str, cst.BaseExpression]:
    """Names that the file assigns exactly once, wherever, and does not change in place."""
    import libcst as cst

    values: dict[str, cst.BaseExpression] = {}
    touched: set[str] = set()
    queue: list[cst.CSTNode] = [module]
    while queue:
        node = queue.pop()
        queue += node.children
        if isinstance(node, cst.Assign):
            for target in node.targets:
                _assigned(target.target, node.value, values, touched)
        elif isinstance(node, cst.AnnAssign) and node.value is not None:
            _assigned(node.target, node.value, values, touched)
        elif isinstance(node, cst.AugAssign | cst.For | cst.CompFor | cst.NamedExpr):
            touched.update(_names(node.target))
        elif isinstance(node, cst.Param):
            touched.add(node.name.value)
        elif isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
            touched.update(_names(node.func.value) if node.func.attr.value in _MUTATORS else ())
    kept = {name: value for name, value in values.items() if name not in touched}
    return {name: value for name, value in kept.items() if not _reaches(name, value, kept)}


def _reaches(name: str, value: cst.CSTNode, values: Mapping[str, cst.BaseExpression]) -> bool:
    """Whether a name's value leads back to it (`path = path + "x"`)."""
    seen: set[str] = set()
    queue = _names(value)
    while queue:
        other = queue.pop()
        if other == name:
            return True
        if other not in seen and other in values:
            queue |= _names(values[other])
        seen.add(other)
    return False


def _assigned(
    target: cst.BaseExpression,
    value: cst.BaseExpression,
    values: dict[str, cst.BaseExpression],
    touched: set[str],
) -> None:
    import libcst as cst

    if isinstance(target, cst.Name) and target.value not in values:
        values[target.value] = value
    else:
        touched.update(_names(target))


def _names(target: cst.CSTNode) -> set[str]:
    import libcst as cst

    if isinstance(target, cst.Name):
        return {target.value}
    if isinstance(target, cst.Subscript | cst.Attribute):
        return _names(target.value)
    return {name for child in target.children for name in _names(child)}
