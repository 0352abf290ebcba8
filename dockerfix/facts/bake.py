"""Bake files: targets with what they inherit, on tree-sitter's HCL grammar.

Follows the Bake file reference: `group`, `target`, `inherits`, `variable` with a default;
paths count from the folder in which bake is called. Functions and matrices are not followed:
such a target is reported. Knows HCL; knows nothing of who calls it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from dockerfix.text import Place, Source, Span

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

Plain = str | list[str] | dict[str, str] | None
"""A string with `${NAME}` for variables, a list, a map, or None for what is not followed."""


@dataclass(frozen=True, slots=True)
class BakeTarget:
    """A target: its attributes (inherited ones included), where the block stands, and where
    the values stand that are written in the block itself."""

    name: str
    attributes: Mapping[str, Plain]
    place: Place
    places: Mapping[str, Place]


@dataclass(frozen=True, slots=True)
class BakeFile:
    """A bake file's targets and groups, and the names of the variables that it declares."""

    path: str
    targets: Mapping[str, BakeTarget]
    groups: Mapping[str, tuple[str, ...]]
    variables: Mapping[str, Plain]
    broken: tuple[Place, ...]

    def selected(self, names: tuple[str, ...]) -> tuple[BakeTarget, ...]:
        """The targets that a call names, groups unfolded; the group `default` for none."""
        queue = list(names or ("default",))
        found: dict[str, BakeTarget] = {}
        seen: set[str] = set()
        while queue:
            name = queue.pop(0)
            if name in seen:
                continue
            seen.add(name)
            if name in self.groups:
                queue = [*self.groups[name], *queue]
            elif name in self.targets:
                found[name] = self.targets[name]
        return tuple(found.values())


def parse_bake(source: Source) -> BakeFile:
    """The targets of an HCL bake file. Never raises; see `BakeFile.broken`."""
    root = _parser().parse(source.data).root_node
    targets: dict[str, BakeTarget] = {}
    groups: dict[str, tuple[str, ...]] = {}
    variables: dict[str, Plain] = {}
    broken = [source.place(_span(node)) for node in _errors(root)]
    for block in _blocks(root):
        kind, name, attributes, places = _block(source, block)
        if kind == "target":
            targets[name] = BakeTarget(name, attributes, source.place(_span(block)), places)
        elif kind == "group":
            listed = attributes.get("targets")
            groups[name] = tuple(listed) if isinstance(listed, list) else ()
        elif kind == "variable":
            variables[name] = attributes.get("default", "")
    resolved = {name: _inherit(target, targets, ()) for name, target in targets.items()}
    return BakeFile(source.path, resolved, groups, variables, tuple(broken))


def _inherit(
    target: BakeTarget, targets: Mapping[str, BakeTarget], seen: tuple[str, ...]
) -> BakeTarget:
    merged: dict[str, Plain] = {}
    parents = target.attributes.get("inherits")
    for parent in parents if isinstance(parents, list) else ():
        if parent in targets and parent not in seen:
            below = _inherit(targets[parent], targets, (*seen, target.name))
            merged = _over(merged, below.attributes)
    return BakeTarget(target.name, _over(merged, target.attributes), target.place, target.places)


def _over(below: Mapping[str, Plain], above: Mapping[str, Plain]) -> dict[str, Plain]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = (
            {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return merged


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_hcl

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language()))


def _span(node: Node) -> Span:
    return Span(node.start_byte, node.end_byte)


def _errors(node: Node) -> Iterator[Node]:
    if node.type == "ERROR" or node.is_missing:
        yield node
    elif node.has_error:
        for child in node.children:
            yield from _errors(child)


def _blocks(root: Node) -> Iterator[Node]:
    for body in root.named_children:
        for block in body.named_children:
            if block.type == "block":
                yield block


def _block(source: Source, block: Node) -> tuple[str, str, dict[str, Plain], dict[str, Place]]:
    words: list[str] = []
    attributes: dict[str, Plain] = {}
    places: dict[str, Place] = {}
    for child in block.named_children:
        if child.type == "identifier":
            words.append(_text(source, child))
        elif child.type == "string_lit":
            words.append(_text(source, child).strip('"'))
        elif child.type == "body":
            for item in child.named_children:
                if item.type == "attribute":
                    name, value = item.named_children[0], item.named_children[-1]
                    attributes[_text(source, name)] = _value(source, value)
                    places[_text(source, name)] = source.place(_span(value))
    kind = words[0] if words else ""
    return kind, words[1] if len(words) > 1 else "", attributes, places


def _text(source: Source, node: Node) -> str:
    return source.text(_span(node))


def _value(source: Source, node: Node) -> Plain:
    kind = node.type
    if kind in ("expression", "literal_value", "collection_value", "template_expr"):
        inner = [c for c in node.named_children if c.type != "comment"]
        return _value(source, inner[0]) if len(inner) == 1 else _opaque(source, node)
    if kind in ("string_lit", "quoted_template"):
        return _string(source, node)
    if kind in ("numeric_lit", "bool_lit"):
        return _text(source, node)
    if kind == "null_lit":
        return None
    if kind == "variable_expr":
        return "${" + _text(source, node) + "}"
    if kind == "tuple":
        items = [_value(source, c) for c in node.named_children if c.type == "expression"]
        return [item for item in items if isinstance(item, str)]
    if kind == "object":
        return _object(source, node)
    return _opaque(source, node)


def _opaque(source: Source, node: Node) -> str:
    """Conditions and functions: kept as one unknown, with the text for messages."""
    return "${" + " ".join(_text(source, node).split()) + "}"


def _object(source: Source, node: Node) -> dict[str, str]:
    found: dict[str, str] = {}
    for element in node.named_children:
        if element.type != "object_elem":
            continue
        key, value = element.named_children[0], element.named_children[-1]
        name = _text(source, key).strip('"')
        read = _value(source, value)
        found[name] = read if isinstance(read, str) else ""
    return found


def _string(source: Source, node: Node) -> str:
    out: list[str] = []
    for child in node.named_children:
        if child.type == "template_literal":
            out.append(_text(source, child).replace("$${", "${").replace('\\"', '"'))
        elif child.type == "template_interpolation":
            inner = next((c for c in child.named_children if c.type == "expression"), None)
            out.append("${" + (_text(source, inner).strip() if inner is not None else "") + "}")
    return "".join(out)
