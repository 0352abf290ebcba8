"""Computing expressions of a bake file: conditions, functions, loops over lists and maps.

Follows "Expressions", "Functions" and "Standard library functions" of the Bake reference. A
variable of one text or number may be set by whoever calls bake: its name stays in a text
(`${NAME}`), and what would turn on it is not known, unless its default is `assumed`. Knows
expressions; knows no targets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

if TYPE_CHECKING:
    from tree_sitter import Node

_DEPTH = 24
_MOST = 20_000
"""Expressions that are computed for one value."""


class NotComputedError(Exception):
    """What an expression gives cannot be known by reading."""


class Function(Struct, frozen=True):
    """A function that a bake file declares."""

    parameters: tuple[str, ...]
    result: Node
    rest: str = ""


class Declared(Struct, frozen=True):
    """The variables and functions of a bake file, by name; variables by their default's node."""

    variables: Mapping[str, Node]
    functions: Mapping[str, Function]


class Values(Struct, frozen=True):
    """Computes expressions. `bound` are names of loops, parameters and axes of a matrix."""

    declared: Declared
    bound: Mapping[str, object] = field(default_factory=dict)
    assumed: bool = False
    depth: int = 0
    spent: list[int] = field(default_factory=lambda: [0])

    def restarted(self, bound: Mapping[str, object] | None = None) -> Values:
        """For the next block, or row of its matrix, with the names that it has."""
        return replace(self, bound=bound or {}, spent=[0])

    def within(self, more: Mapping[str, object]) -> Values:
        """The same with more names."""
        return replace(self, bound={**self.bound, **more}, depth=self.depth + 1)

    def of(self, node: Node) -> object:
        """What an expression gives; raises `NotComputedError`."""
        self.spent[0] += 1
        if self.depth > _DEPTH or self.spent[0] > _MOST:
            raise NotComputedError
        read = _KINDS.get(node.type)
        if read is None:
            raise NotComputedError
        return read(self, node)

    def variable(self, name: str) -> object:
        """What a name holds: a list or map by its default, a text or number by its name."""
        if name in self.bound:
            return self.bound[name]
        node = self.declared.variables.get(name)
        if node is None:
            raise NotComputedError
        value = replace(self, bound={}, depth=self.depth + 1).of(node)
        if isinstance(value, list | dict) or self.assumed:
            return value
        return "${" + name + "}"

    def call(self, name: str, given: list[object]) -> object:
        """What a function gives."""
        own = self.declared.functions.get(name)
        if own is None:
            function = _LIBRARY.get(name)
            if function is None:
                raise NotComputedError
            try:
                return function(*map(closed, given))
            except (TypeError, ValueError, KeyError, IndexError, re.error):
                raise NotComputedError from None
        size = len(own.parameters)
        if len(given) < size or (len(given) > size and not own.rest):
            raise NotComputedError
        bound: dict[str, object] = dict(zip(own.parameters, given, strict=False))
        if own.rest:
            bound[own.rest] = given[size:]
        return replace(self, bound=bound, depth=self.depth + 1).of(own.result)


def closed(value: object) -> object:
    """A value that whoever calls bake cannot change; raises `NotComputedError` for another."""
    parts: Sequence[object] = ()
    if isinstance(value, dict):
        parts = [*value, *value.values()]
    elif isinstance(value, list):
        parts = value
    elif isinstance(value, str) and "${" in value:
        raise NotComputedError
    for part in parts:
        closed(part)
    return value


def text(value: object) -> str:
    """A value inside a text; raises `NotComputedError` for what is no text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise NotComputedError


def _terms(node: Node) -> list[list[Node]]:
    """The terms of an expression, each with what selects a part of it behind it."""
    found: list[list[Node]] = []
    for child in node.named_children:
        if child.type in ("get_attr", "index", "splat") and found:
            found[-1].append(child)
        elif child.type != "comment":
            found.append([child])
    return found


def _term(values: Values, term: list[Node]) -> object:
    value = values.of(term[0])
    for selector in term[1:]:
        value = _selected(values, value, selector)
    return value


def _inner(values: Values, node: Node) -> object:
    """An expression of one term."""
    terms = _terms(node)
    if len(terms) != 1:
        raise NotComputedError
    return _term(values, terms[0])


def _selected(values: Values, value: object, node: Node) -> object:
    if node.type == "get_attr" and isinstance(value, dict):
        key: object = _source(node.named_children[0])
    elif node.type in ("index", "new_index"):
        inner = node.named_children[0]
        if inner.type == "new_index":
            return _selected(values, value, inner)
        key = closed(values.of(inner))
    else:
        raise NotComputedError
    if isinstance(value, dict):
        key = text(key)
        if key in value:
            return value[key]
    elif isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value):
        return value[key]
    raise NotComputedError


def _string(values: Values, node: Node) -> str:
    return "".join(_pieces(values, node))


def _pieces(values: Values, node: Node) -> Iterator[str]:
    for child in node.named_children:
        if child.type == "template_literal":
            yield _source(child).replace('\\"', '"').replace("\\\\", "\\").replace("\\n", "\n")
        elif child.type == "template_interpolation":
            inner = [part for part in child.named_children if part.type == "expression"]
            yield "".join(text(values.of(part)) for part in inner)
        elif child.type not in ("quoted_template_start", "quoted_template_end"):
            raise NotComputedError


def _number(_: Values, node: Node) -> object:
    written = _source(node)
    return int(written) if written.isdecimal() else float(written)


def _list(values: Values, node: Node) -> object:
    return [values.of(child) for child in node.named_children if child.type == "expression"]


def _map(values: Values, node: Node) -> object:
    found: dict[str, object] = {}
    for element in node.named_children:
        if element.type == "object_elem":
            key, value = element.named_children[0], element.named_children[-1]
            found[_key(values, key)] = values.of(value)
    return found


def _key(values: Values, node: Node) -> str:
    """The key of a map; a bare name is one, whatever variable has it too."""
    inner = node.named_children[0] if len(node.named_children) == 1 else node
    if inner.type == "variable_expr":
        return _source(inner)
    return text(values.of(node))


def _condition(values: Values, node: Node) -> object:
    test, yes, no = [child for child in node.named_children if child.type == "expression"]
    decided = closed(values.of(test))
    if not isinstance(decided, bool):
        raise NotComputedError
    return values.of(yes if decided else no)


def _operation(values: Values, node: Node) -> object:
    inner = node.named_children[0]
    sign = next((_source(c) for c in inner.children if not c.is_named), "")
    parts = _terms(inner)
    sides = [_term(values, part) for part in parts[:1]]
    if sign in ("&&", "||"):
        first = closed(sides[0])
        if not isinstance(first, bool):
            raise NotComputedError
        return first if first is (sign == "||") else closed(_term(values, parts[1]))
    sides += [_term(values, part) for part in parts[1:]]
    function = _OPERATIONS.get((sign, len(sides)))
    if function is None:
        raise NotComputedError
    try:
        return function(*map(closed, sides))
    except TypeError:
        raise NotComputedError from None


def _loop(values: Values, node: Node) -> object:
    inner = node.named_children[0]
    intro = next(child for child in inner.named_children if child.type == "for_intro")
    names = [_source(child) for child in intro.named_children if child.type == "identifier"]
    over = values.of(intro.named_children[-1])
    bodies = [child for child in inner.named_children if child.type == "expression"]
    tests = [child for child in inner.named_children if child.type == "for_cond"]
    rows: list[tuple[object, object]] = []
    if isinstance(over, dict):
        rows = list(over.items())
    elif isinstance(over, list):
        rows = list(enumerate(over))
    else:
        raise NotComputedError
    made: list[list[object]] = []
    for row in rows:
        bound = dict(zip(names, row if len(names) > 1 else row[1:], strict=False))
        within = values.within(bound)
        kept = all(closed(within.of(test.named_children[0])) is True for test in tests)
        made += [[within.of(body) for body in bodies]] if kept else []
    if inner.type == "for_object_expr":
        return {text(closed(key)): value for key, value in made}
    return [row[0] for row in made]


def _called(values: Values, node: Node) -> object:
    name = _source(node.named_children[0])
    listed = [child for child in node.named_children if child.type == "function_arguments"]
    return values.call(name, [values.of(n) for part in listed for n in part.named_children])


def _source(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "surrogateescape")


_KINDS: Mapping[str, Callable[[Values, Node], object]] = {
    "expression": _inner, "literal_value": _inner, "collection_value": _inner,
    "template_expr": _inner, "string_lit": _string, "quoted_template": _string,
    "numeric_lit": _number, "bool_lit": lambda _, node: _source(node) == "true",
    "null_lit": lambda _, node: None, "tuple": _list, "object": _map,
    "variable_expr": lambda values, node: values.variable(_source(node)),
    "function_call": _called, "conditional": _condition, "operation": _operation,
    "for_expr": _loop,
}  # fmt: skip


def _number_of(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return value


_OPERATIONS: Mapping[tuple[str, int], Callable[..., object]] = {
    ("==", 2): lambda a, b: a == b,
    ("!=", 2): lambda a, b: a != b,
    ("<", 2): lambda a, b: _number_of(a) < _number_of(b),
    (">", 2): lambda a, b: _number_of(a) > _number_of(b),
    ("<=", 2): lambda a, b: _number_of(a) <= _number_of(b),
    (">=", 2): lambda a, b: _number_of(a) >= _number_of(b),
    ("+", 2): lambda a, b: _number_of(a) + _number_of(b),
    ("-", 2): lambda a, b: _number_of(a) - _number_of(b),
    ("-", 1): lambda a: -_number_of(a),
    ("!", 1): lambda a: not a,
}


def _strings(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError
    return value


def _flat(value: object) -> Iterator[object]:
    for item in value if isinstance(value, list) else ():
        yield from _flat(item) if isinstance(item, list) else (item,)


def _distinct(items: list[object]) -> list[object]:
    return [item for at, item in enumerate(items) if item not in items[:at]]


_LIBRARY: Mapping[str, Callable[..., object]] = {
    "equal": lambda a, b: a == b,
    "notequal": lambda a, b: a != b,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": lambda a: not a,
    "concat": lambda *lists: [item for one in lists for item in one],
    "merge": lambda *maps: {key: value for one in maps for key, value in one.items()},
    "compact": lambda items: [item for item in items if item],
    "distinct": _distinct,
    "flatten": lambda items: list(_flat(items)),
    "keys": lambda a: sorted(a.keys()),
    "values": lambda a: [a[key] for key in sorted(a)],
    "length": len,
    "contains": lambda items, item: item in items if isinstance(items, list) else None,
    "lookup": lambda a, key, default: a.get(text(key), default),
    "element": lambda items, at: items[at % len(items)],
    "join": lambda sign, *lists: sign.join(i for one in lists for i in _strings(one)),
    "split": lambda sign, whole: whole.split(sign),
    "replace": lambda whole, old, new: whole.replace(old, new),
    "lower": lambda a: a.lower(),
    "upper": lambda a: a.upper(),
    "trim": lambda a, signs: a.strip(signs),
    "trimspace": lambda a: a.strip(),
    "trimprefix": lambda a, head: a.removeprefix(head),
    "trimsuffix": lambda a, tail: a.removesuffix(tail),
    "reverse": lambda a: a[::-1],
    "slice": lambda items, start, end: items[start:end],
    "substr": lambda a, start, size: a[start:] if size < 0 else a[start : start + size],
}
