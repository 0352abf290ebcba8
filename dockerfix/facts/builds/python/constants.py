"""Names of a Python module that are assigned once and never changed, and dotted names.

Knows assignments; runs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import libcst as cst

_MUTATORS = frozenset({"append", "extend", "insert", "remove", "pop", "clear"})


def dotted(node: cst.BaseExpression) -> str:
    """`a.b.c` of an attribute chain; calls on the way are left out of it."""
    import libcst as cst

    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        return f"{dotted(node.value)}.{node.attr.value}"
    return dotted(node.func) if isinstance(node, cst.Call) else ""


def constants(module: cst.Module) -> dict[str, cst.BaseExpression]:
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
