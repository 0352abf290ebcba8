"""Keys that mappings of a workflow gain: gathered, so that each place is edited once.

Knows YAML's layout and the lists of a matrix; knows nothing of what the keys mean.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockerfix.rewrite.wanted import Edits, Refused
from dockerfix.rewrite.yaml_edits import (
    add_key,
    column,
    dash_indent,
    inserted_line,
    key_line,
    line_end,
    quoted,
)
from dockerfix.syntax.yaml.tree import Mapping, Node, Scalar
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence
from dockerfix.text import Edit, Span

Keys = list[tuple[str, str]]
"""Names with texts that are YAML already; a text may hold further lines."""


class AddedKeys:
    """What mappings and lists of `include:` gain."""

    def __init__(self) -> None:
        self._mappings: dict[tuple[str, Span], tuple[Mapping, Keys]] = {}
        self._values: dict[tuple[str, Span], tuple[Mapping, str, Scalar, Keys]] = {}

    def add(self, mapping: Mapping, name: str, text: str) -> None:
        """One more key of a mapping; once, where several ways lead to it. Raises `Refused` where
        they bring different texts."""
        key = (mapping.file.source.path, mapping.span)
        _append(mapping, self._mappings.setdefault(key, (mapping, []))[1], name, text)

    def include(self, matrix: Mapping, axis: str, value: Scalar, name: str, text: str) -> None:
        """One more key of the rows that have a value."""
        key = (matrix.file.source.path, value.span)
        _append(matrix, self._values.setdefault(key, (matrix, axis, value, []))[3], name, text)

    def edits(self) -> Edits:
        """All edits; raises `Refused`."""
        found: Edits = []
        for (path, _), (mapping, keys) in self._mappings.items():
            found.append((path, _with_keys(mapping, keys)))
        by_matrix: dict[tuple[str, Span], list[tuple[Mapping, str, Scalar, Keys]]] = {}
        for (path, _), value in self._values.items():
            by_matrix.setdefault((path, value[0].span), []).append(value)
        return found + [(path, _included(values)) for (path, _), values in by_matrix.items()]


def _append(mapping: Mapping, keys: Keys, name: str, text: str) -> None:
    """Add a key that is not there yet."""
    held = dict(keys).get(name)
    if held is None:
        keys.append((name, text))
    elif held != text:
        place = mapping.file.source.place(mapping.span)
        raise Refused(place, f"{name} would get two values here", "Build the images in one way.")


def text_in(mapping: Mapping | None, text: str) -> str:
    """A text as a value of a mapping: in the quotes of the value before it, or where it would end
    a value between braces. None is a mapping that is new."""
    last = mapping.entries[-1].value if mapping is not None and mapping.entries else None
    style = last.style if isinstance(last, Scalar) and last.style in ("'", '"') else ""
    if mapping is not None and mapping.flow and any(sign in text for sign in "{}[],"):
        style = style or '"'
    if "\n" in text:
        return quoted(text, '"').replace("\n", r"\n")
    return quoted(text, style)


def _with_keys(mapping: Mapping, keys: Keys) -> Edit:
    """Several keys behind the last one, in one edit."""
    (first, text), *more = keys
    if mapping.flow:
        joint = ", "
    else:
        joint = "\n" + " " * column(mapping.file.source, mapping.entries[-1].key.span.start)
    return add_key(mapping, first, joint.join([text, *(key_line(*key) for key in more)]))


def _included(values: Sequence[tuple[Mapping, str, Scalar, Keys]]) -> Edit:
    """More items of `include:`, which stands behind the lists of the matrix."""
    matrix, include = values[0][0], values[0][0].entry("include")
    source = matrix.file.source
    if matrix.flow or (include is not None and _is_flow(include.value)):
        what = "its matrix stands between braces"
        raise Refused(source.place(matrix.span), what, "add the values to its rows by hand")
    last = include or matrix.entries[-1]
    head = " " * column(source, last.key.span.start)
    indent = head + " " * dash_indent(matrix.file)
    lines = [f"{head}include:"] if include is None else []
    if include is not None and isinstance(include.value, YamlSequence):
        text = source.text(source.line_of(include.value.items[-1].span.start))
        indent = text[: len(text) - len(text.lstrip())]
    for _, axis, value, keys in values:
        lines.append(f"{indent}- {axis}: {source.text(value.span)}")
        lines += [f"{indent}  {name}: {text}" for name, text in keys]
    return inserted_line(source, line_end(source, last.span.end), "\n".join(lines))


def _is_flow(node: Node) -> bool:
    return not isinstance(node, YamlSequence) or node.flow or any(node.aliased)
