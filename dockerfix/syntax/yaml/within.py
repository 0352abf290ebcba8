"""Which scalar of a YAML file holds a place. Knows the tree; knows no schema."""

from __future__ import annotations

from dockerfix.syntax.yaml.tree import Mapping, Node, Scalar, Sequence
from dockerfix.text import Span


def scalar_at(node: Node | None, span: Span) -> Scalar | None:
    """The scalar below a node that holds a span of bytes, keys among them; None for none."""
    if isinstance(node, Scalar):
        return node if node.span.contains(span) else None
    if isinstance(node, Sequence):
        inside: tuple[Node, ...] = node.items
    elif isinstance(node, Mapping):
        own = (entry for entry in node.entries if not entry.aliased)
        inside = tuple(part for entry in own for part in (entry.key, entry.value))
    else:
        return None
    for part in inside:
        if part.span.contains(span):
            return scalar_at(part, span)
    return None
