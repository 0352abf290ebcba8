"""Inputs of included files: `spec: inputs` with defaults, filled in for `$[[ inputs.name ]]`.

Follows "CI/CD inputs": a file may be included several times, each time with other values. An
input without a value, and one behind a function, stays as written: it is unknown. Knows nodes
and their texts; knows no keys of jobs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from msgspec.structs import replace

from dockerfix.syntax.yaml.tree import Entry, Node, Scalar, Sequence, YamlFile
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.text import MappedText, Piece

Inputs = Mapping[str, Node]

_INPUT = re.compile(r"\$\[\[\s*inputs\.([\w-]+)\s*\]\]")


class FilledScalar(Scalar, frozen=True):
    """A scalar with inputs filled in; `written` is its text before."""

    written: str
    inputs: tuple[tuple[str, str], ...]

    @property
    def mapped(self) -> MappedText:
        """The filled text; what came from an input maps to where the input is named."""
        plain = Scalar(self.file, self.written, self.style, self.span, self.tag).mapped
        values = dict(self.inputs)
        pieces: list[Piece] = []
        at = 0
        for match in _INPUT.finditer(plain.text):
            if match[1] in values:
                pieces += plain.slice(at, match.start()).pieces
                pieces.append(Piece(values[match[1]], plain.span(*match.span()), literal=False))
                at = match.end()
        return MappedText([*pieces, *plain.slice(at, len(plain.text)).pieces])


def declared_inputs(file: YamlFile) -> dict[str, Node]:
    """The defaults of a file's `spec: inputs` header."""
    found: dict[str, Node] = {}
    for document in file.documents[:-1]:
        spec = document.get("spec") if isinstance(document, YamlMapping) else None
        inputs = spec.get("inputs") if isinstance(spec, YamlMapping) else None
        for name, node in inputs.resolved.items() if isinstance(inputs, YamlMapping) else ():
            default = node.get("default") if isinstance(node, YamlMapping) else None
            if default is not None:
                found[name] = default
    return found


def filled(root: YamlMapping, inputs: Inputs) -> YamlMapping:
    """A file's keys with the inputs filled in; itself without inputs."""
    return cast(YamlMapping, _fill(root, inputs)) if inputs else root


def _fill(node: Node, inputs: Inputs) -> Node:
    if isinstance(node, Scalar):
        return _scalar(node, inputs)
    if isinstance(node, Sequence):
        items = tuple(_fill(item, inputs) for item in node.items)
        return replace(node, items=items) if items != node.items else node
    entries = tuple(_entry(entry, inputs) for entry in node.entries)
    same = all(new is old for new, old in zip(entries, node.entries, strict=True))
    return node if same else node.with_entries(entries)


def _entry(entry: Entry, inputs: Inputs) -> Entry:
    key, value = _scalar(entry.key, inputs), _fill(entry.value, inputs)
    if key is entry.key and value is entry.value:
        return entry
    return Entry(key if isinstance(key, Scalar) else entry.key, value, entry.aliased)


def _scalar(scalar: Scalar, inputs: Inputs) -> Node:
    """A text with inputs; a scalar that is one input alone takes its list or mapping."""
    if "$[[" not in scalar.text:
        return scalar
    whole = _INPUT.fullmatch(scalar.text.strip())
    given = inputs.get(whole[1]) if whole else None
    if given is not None and not isinstance(given, Scalar):
        return given
    values = {name: node.text for name, node in inputs.items() if isinstance(node, Scalar)}
    text = _INPUT.sub(lambda match: values.get(match[1], match[0]), scalar.text)
    if text == scalar.text:
        return scalar
    pairs = tuple(values.items())
    return FilledScalar(
        scalar.file, text, scalar.style, scalar.span, scalar.tag, scalar.text, pairs
    )
