"""Paths as texts: relative to the root, to a folder, and inside of one.

Knows no repository: whether something stands at a path is asked of a snapshot.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator


def normalise_path(path: str) -> str | None:
    """`./a//b/../c` as `a/c`; the root as `""`; None when it leaves the root or is absolute."""
    if path.startswith("/"):
        return None
    normal = posixpath.normpath(path) if path else "."
    if normal == "..":
        return None
    return None if normal.startswith("../") else "" if normal == "." else normal


def join_path(folder: str, path: str) -> str | None:
    """`path`, written relative to `folder`, relative to the root; None when it leaves it."""
    return normalise_path(posixpath.join(folder, path) if folder else path)


def is_within(path: str, folder: str) -> bool:
    """Whether a path is the folder, or lies in it; both relative to the root, `""`."""
    return not folder or path == folder or path.startswith(f"{folder}/")


def inner_path(path: str, folder: str) -> str:
    """A path as seen from a folder that holds it (both relative to the root, `""`); empty for the
    folder itself."""
    return path[len(folder) + 1 :] if folder else path


def relative_path(path: str, folder: str) -> str:
    """`path` as it must be written seen from `folder` (both relative to the root)."""
    return posixpath.relpath(path or ".", folder or ".")


def with_folders(path: str) -> Iterator[str]:
    """A path, and the folders that it lies in, the root `""` last."""
    yield path
    while path:
        path = posixpath.dirname(path)
        yield path
