"""Which paths of the context BuildKit asks its client for.

The paths that a build names are sent, and what their symbolic links lead to; nothing else is,
unless the root itself is among them. Follows fsutil's `FollowLinks`. Knows paths and a tree.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from dockerfix.facts.trees import globs
from dockerfix.facts.trees.tree import Folder, LinkFromContext, Node, child


def followed(root: Folder, asked: Iterable[str]) -> list[str] | None:
    """Patterns of ignore-file kind for what is sent, relative to the context; None when all is.

    `asked` are absolute paths, wildcards among them. An empty list: nothing is sent.
    """
    walk = _Walk(root)
    for path in sorted(asked):
        walk.add(path)
    found = sorted(walk.found)
    if "." in found:
        return None
    kept: list[str] = []
    for path in found:
        if not kept or not path.startswith(kept[-1] + "/"):
            kept.append(path)
    return kept


class _Walk:
    def __init__(self, root: Folder) -> None:
        self.root = root
        self.found: set[str] = set()

    def add(self, path: str) -> None:
        """Note a path and what the links in it lead to."""
        parts = posixpath.normpath("/" + path.lstrip("/"))[1:].split("/")
        current = ""
        for n, part in enumerate(parts):
            current = posixpath.join(current, part) or "."
            targets = self.targets(current)
            last = n == len(parts) - 1
            if not targets and not last:
                continue
            if current in self.found:
                return
            self.found.add(current)
            for target in targets:
                self.add(posixpath.join(target, *parts[n + 1 :]))
            return

    def targets(self, path: str) -> list[str]:
        """Where the links lead that a path, perhaps with a wildcard at its end, stands for."""
        head, name = posixpath.split(path)
        folder: Node | None = self.root
        for part in head.split("/") if head else ():
            folder = child(folder, part)
        if not isinstance(folder, Folder):
            return []
        names = [name]
        if globs.has_wildcard(name):
            names = [other for other in sorted(folder.children) if _matches(name, other)]
        links = [folder.children.get(other) for other in names]
        return [
            posixpath.join("/", head, link.target)
            for link in links
            if isinstance(link, LinkFromContext)
        ]


def _matches(pattern: str, name: str) -> bool:
    try:
        return globs.match(pattern, name)
    except globs.BadPatternError:
        return False
