"""One line on each transform for `dockerfix --help`, read without importing its module.

Takes the first line of the class's docstring, else of the module's. Knows Python's syntax;
runs nothing of a plugin.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from dockerfix.engine.registry import Plugin

_MAX_HOPS = 5
"""How many re-exports (`from .merge import Merge`) are followed."""


def summary(plugin: Plugin) -> str:
    """The first line of a transform's documentation; empty when it cannot be found."""
    try:
        docstring = _docstring(plugin.module, plugin.attribute, _MAX_HOPS)
    except (OSError, SyntaxError, ValueError, ImportError):
        return ""
    return docstring.partition("\n")[0]


def _docstring(module: str, attribute: str, hops: int) -> str:
    """The docstring of a class where it is defined, else that of the module it is found in."""
    path = _path(module)
    if path is None:
        return ""
    text = path.read_bytes()
    found = _head(text, attribute)
    if found:
        return found
    tree = ast.parse(text)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == attribute:
            return ast.get_docstring(node) or ast.get_docstring(tree) or ""
        if isinstance(node, ast.ImportFrom) and hops:
            for name in node.names:
                if (name.asname or name.name) == attribute:
                    source = _absolute(node, module, path)
                    return _docstring(source, name.name, hops - 1)
    return ast.get_docstring(tree) or ""


def _head(source: bytes, name: str) -> str:
    """The docstring of a class, from its first lines alone; empty where those do not tell.

    To parse whole modules for it would be a third of the time of `dockerfix --help`.
    """
    at = max(source.find(f"\nclass {name}{end}".encode()) for end in "(:")
    begin = source.find(b'"""', at)
    end = source.find(b'"""', begin + 3)
    if -1 in (at, begin, end):
        return ""
    try:
        (node,) = ast.parse(source[at : end + 3]).body
    except (SyntaxError, ValueError):
        return ""
    return (ast.get_docstring(node) or "") if isinstance(node, ast.ClassDef) else ""


def _absolute(node: ast.ImportFrom, module: str, path: Path) -> str:
    """The module that `from ... import` names, seen from `module`."""
    if not node.level:
        return node.module or ""
    up = node.level - 1 if path.name == "__init__.py" else node.level
    base = module.split(".")[: len(module.split(".")) - up]
    return ".".join([*base, *([node.module] if node.module else [])])


def _path(module: str) -> Path | None:
    """A module's file, its parent packages found but not imported."""
    spec = _spec(module, tuple(sys.path))
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


@cache
def _spec(module: str, path: tuple[str, ...]) -> ModuleSpec | None:
    """Where a module is, for a `sys.path`; remembered, since transforms share their packages."""
    package = module.rpartition(".")[0]
    if not package:
        return PathFinder.find_spec(module, path)
    parent = _spec(package, path)
    return None if parent is None else PathFinder.find_spec(module, _folders(parent))


def _folders(spec: ModuleSpec) -> list[str]:
    """Where the modules of a package are; nowhere, for a module that is no package."""
    return [*(spec.submodule_search_locations or ())]
