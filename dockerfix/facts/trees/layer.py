"""Writing to a tree as BuildKit's file operations do: make folders, copy, put one layer on
another.

A port of what decides about paths in `tonistiigi/fsutil/copy` and in BuildKit's
`solver/llbsolver/file/backend.go`; owners, modes and times are left out. Knows trees; knows no
Dockerfile and no context.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from dockerfix.facts.trees.tree import (
    Elsewhere,
    Folder,
    Found,
    Leaf,
    LinkFromContext,
    Node,
    Unknown,
    look_up,
)


class CopyError(Exception):
    """A file operation that BuildKit refuses, in its words."""


class Layer:
    """A tree while it is written. Folders of other trees are shared until they change.

    A destination that the tree does not have is taken to be new, even where a base image may
    have it.
    """

    def __init__(self, root: Folder) -> None:
        self._token = object()
        self.root = root.owned(self._token)

    def make_folder(self, path: str) -> Folder:
        """The folder at a path, made with its parents where it is not there.

        Raises `CopyError` where a file stands in the way.
        """
        folder = self.root
        for name in [part for part in look_up(self.root, path).path.split("/") if part]:
            below = folder.children.get(name)
            if below is not None and not isinstance(below, Folder | Elsewhere):
                raise CopyError(f"mkdir {path}: not a directory")
            folder = self._enter(folder, name)
        return folder

    def copy(
        self,
        source: Node,
        name: str,
        destination: str,
        *,
        contents: bool = True,
        unknown: Iterable[Unknown] = (),
    ) -> None:
        """Copy one node, named `name` at its source, to a destination path.

        A folder's contents go into the destination; a file goes there, or into it when it
        is a folder or is written with a final slash. With `contents` off a folder goes into an
        existing destination as a whole. `unknown` is what else the source folder may hold.
        Raises `CopyError`.
        """
        head, tail = posixpath.split(destination)
        self.make_folder(destination if tail in ("", ".") else head)
        found = look_up(self.root, posixpath.normpath(destination))
        if isinstance(source, Folder):
            self._copy_folder(source, name, found, contents, unknown)
        elif isinstance(found.node, Folder | Elsewhere):
            # Of two things at one place of which one may be a folder, both are kept.
            self._put_into(self.make_folder(found.path), source, name, found.path)
        else:
            parent, base = posixpath.split(found.path)
            self.make_folder(parent).children[base] = source

    def check_walk(self, source: Folder, destination: str) -> None:
        """Fail where a walk through `source` looks for a folder's place below a file.

        With `--parents` BuildKit walks folders of which it takes nothing, too.
        """
        found = look_up(self.root, posixpath.normpath(destination))
        if isinstance(found.node, Folder):
            self._check_walk(source, found.node, found.path.rstrip("/"))

    def _check_walk(self, source: Folder, target: Folder, path: str) -> None:
        for name, node in source.children.items():
            there = target.children.get(name)
            if not isinstance(node, Folder) or there is None:
                continue
            if isinstance(there, Folder):
                self._check_walk(node, there, f"{path}/{name}")
            elif not isinstance(there, LinkFromContext | Elsewhere):
                inner = next((n for n, sub in node.children.items() if isinstance(sub, Folder)), "")
                if inner:
                    raise CopyError(f"lstat {path}/{name}/{inner}: not a directory")

    def unpack(self, unknown: Unknown, destination: str) -> None:
        """Let the folder at `destination` hold what cannot be listed: an archive, a repository."""
        self.make_folder(posixpath.normpath(destination)).also((unknown,))

    def put_on(self, upper: Folder) -> None:
        """Put another layer on this tree, as `--link` does: folders merge, all else replaces."""
        self._overlay(self.root, upper)

    def _copy_folder(
        self, source: Folder, name: str, found: Found, contents: bool, unknown: Iterable[Unknown]
    ) -> None:
        path = found.path
        if found.node is not None and not contents:
            path = posixpath.join(path, name)
        elif found.node is not None and not isinstance(found.node, Folder | Elsewhere):
            raise CopyError(f"cannot copy to non-directory: {path}")
        target = self.make_folder(path)
        target.also(unknown)
        self._merge(source, target, path)

    def _put_into(self, folder: Folder, leaf: Leaf, name: str, path: str) -> None:
        """Put a leaf into a folder that this layer owns."""
        if isinstance(leaf, Elsewhere):
            # It may be a folder, whose contents then go here: only the place is certain.
            folder.also((leaf,))
        elif isinstance(folder.children.get(name), Folder):
            raise CopyError(f"cannot replace to directory {path.rstrip('/')}/{name} with file")
        else:
            folder.children[name] = leaf

    def _merge(self, source: Folder, target: Folder, path: str) -> None:
        """Copy everything of one folder into another that this layer owns."""
        target.also(source.unknown)
        for name, node in source.children.items():
            there = target.children.get(name)
            if there is None:
                target.children[name] = node
            elif not isinstance(node, Folder):
                self._put_into(target, node, name, path)
            elif isinstance(there, Folder | Elsewhere):
                self._merge(node, self._enter(target, name), f"{path.rstrip('/')}/{name}")
            else:
                raise CopyError(f"cannot copy to non-directory: {path.rstrip('/')}/{name}")

    def _enter(self, folder: Folder, name: str) -> Folder:
        """The child folder, owned by this layer, made where there is none."""
        below = folder.children.get(name)
        if isinstance(below, Elsewhere):
            below = Folder(unknown=(below,))
        inner = (below if isinstance(below, Folder) else Folder()).owned(self._token)
        folder.children[name] = inner
        return inner

    def _overlay(self, target: Folder, upper: Folder) -> None:
        target.also(upper.unknown)
        for name, node in upper.children.items():
            if isinstance(node, Folder) and isinstance(target.children.get(name), Folder):
                self._overlay(self._enter(target, name), node)
            else:
                target.children[name] = node
