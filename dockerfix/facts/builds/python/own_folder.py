"""The idioms by which a Python program names its own folder: `Path(__file__).parent` and its kin.

Knows paths that begin at `__file__`; knows no other text.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from dockerfix.facts.shell.words import ROOTS

if TYPE_CHECKING:
    import libcst as cst
from dockerfix.facts.builds.python.constants import dotted
from dockerfix.facts.builds.python.literals import Literals

_ROOT = "${" + ROOTS[-1] + "}"


def own_folder(literals: Literals, node: cst.BaseExpression) -> str | None:
    """`Path(__file__).parent` and its kin, as a path below the root."""
    path = _file_path(literals, node)
    if path is None:
        return None
    return f"{_ROOT}/{path}" if path else _ROOT


def _file_path(literals: Literals, node: cst.BaseExpression) -> str | None:
    import libcst as cst

    if isinstance(node, cst.Name):
        if node.value == "__file__":
            return literals.source.path
        value = literals.constant(node)
        return _file_path(literals, value) if value is not node else None
    if isinstance(node, cst.Attribute) and node.attr.value == "parent":
        inner = _file_path(literals, node.value)
        return posixpath.dirname(inner) if inner is not None else None
    if isinstance(node, cst.Subscript):
        return _parents(literals, node)
    if not isinstance(node, cst.Call):
        return None
    if isinstance(node.func, cst.Attribute) and node.func.attr.value in ("resolve", "absolute"):
        return _file_path(literals, node.func.value)
    name = dotted(node.func).rpartition(".")[2]
    inner = _file_path(literals, node.args[0].value) if node.args else None
    if name == "dirname" and inner is not None:
        return posixpath.dirname(inner)
    return inner if name in ("Path", "abspath", "realpath", "str") else None


def _parents(literals: Literals, node: cst.Subscript) -> str | None:
    """`Path(__file__).parents[1]`."""
    import libcst as cst

    base = node.value
    index = node.slice[0].slice if node.slice else None
    if not (isinstance(base, cst.Attribute) and base.attr.value == "parents"):
        return None
    if not (isinstance(index, cst.Index) and isinstance(index.value, cst.Integer)):
        return None
    path = _file_path(literals, base.value)
    for _ in range(int(index.value.value) + 1):
        path = posixpath.dirname(path) if path is not None else None
    return path
