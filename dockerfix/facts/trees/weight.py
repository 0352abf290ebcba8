"""How much a tree weighs, and where: the entries that hold most of it.

Sizes are given from outside, by path; a file whose size is not known weighs nothing. Knows
trees and numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from dockerfix.facts.trees.tree import Folder, FromContext, Node, child

_NEARLY_ALL = 0.9


class Weight(Struct, frozen=True):
    """Files, links among them, and their bytes."""

    files: int = 0
    size: int = 0

    def __add__(self, other: Weight) -> Weight:
        return Weight(self.files + other.files, self.size + other.size)


class HeavyEntry(Struct, frozen=True):
    """A file or folder (then the path ends in `/`), and how much it weighs."""

    path: str
    weight: Weight


class Scale:
    """Weighs the folders of trees, each once."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = sizes
        self._known: dict[int, tuple[Folder, Weight]] = {}

    def weigh(self, node: Node) -> Weight:
        """The weight of a file or of everything in a folder."""
        if not isinstance(node, Folder):
            if isinstance(node, FromContext):
                return Weight(1, self._sizes.get(node.path, 0))
            return Weight(1, 0)
        known = self._known.get(id(node))
        if known is None:
            files = size = 0
            for below in node.children.values():
                if isinstance(below, FromContext):  # most are, and objects cost time
                    files += 1
                    size += self._sizes.get(below.path, 0)
                else:
                    weight = self.weigh(below)
                    files += weight.files
                    size += weight.size
            known = self._known[id(node)] = (node, Weight(files, size))
        return known[1]

    def largest(self, root: Folder, count: int) -> tuple[HeavyEntry, ...]:
        """The heaviest entries, none inside of another, heaviest first.

        An entry stands at the top of the tree, or deeper where nine tenths of it are one thing.
        """
        found = [self._narrowed(name, node) for name, node in root.children.items()]
        found.sort(key=lambda entry: (-entry.weight.size, -entry.weight.files, entry.path))
        return tuple(found[:count])

    def _narrowed(self, path: str, node: Node) -> HeavyEntry:
        weight = self.weigh(node)
        while isinstance(node, Folder):
            inner = max(
                node.children.items(),
                key=lambda item: (self.weigh(item[1]).size, item[0]),
                default=None,
            )
            if inner is None or self.weigh(inner[1]).size < _NEARLY_ALL * weight.size:
                break
            if not weight.size:
                break
            path, node = f"{path}/{inner[0]}", inner[1]
            weight = self.weigh(node)
        return HeavyEntry(path + "/" * isinstance(node, Folder), weight)


def node_at(root: Folder, path: str) -> Node | None:
    """The node at a path relative to the root of a tree, links not followed."""
    node: Node | None = root
    for name in path.strip("/").split("/"):
        node = child(node, name)
    return node
