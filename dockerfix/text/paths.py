"""The paths of a repository: which there are, what each is, and what was not looked into.

Knows names; reads no file.
"""

from __future__ import annotations

import enum
import posixpath
from bisect import bisect_left
from collections.abc import Iterator, Mapping

from msgspec import Struct


class Kind(enum.Enum):
    """What a path is."""

    FILE = "file"
    SYMLINK = "symlink"


class Opaque(enum.Enum):
    """Why a path that exists was not looked into."""

    GENERATED = "a tool fills it (dependencies, caches, build output, Git's own data)"
    EXCLUDED = "the settings or --exclude leave it out"
    LINK = "it is a symbolic link to a folder"
    CHECKOUT = "it is another checkout of the repository"
    UNREADABLE = "its permissions do not let dockerfix list it"


class Entry(Struct, frozen=True):
    """One path: its kind, its permission bits (`0o644`), its size in bytes, and for a
    symbolic link what it points to, as written."""

    kind: Kind
    mode: int = 0o644
    size: int = 0
    link: str = ""


class Paths:
    """A fixed list of paths.

    `entries` maps every file and symbolic link to its entry. Folders have no entry; a path is
    a folder when an entry lies below it. `opaque` names what exists but was not looked into
    (`.git`, `node_modules`, what the settings exclude), and why: what lies in it is unknown, not
    absent.
    """

    __slots__ = ("_sorted", "entries", "opaque")

    def __init__(
        self, entries: Mapping[str, Entry], opaque: Mapping[str, Opaque] | None = None
    ) -> None:
        self.entries = entries
        self.opaque: Mapping[str, Opaque] = opaque or {}
        self._sorted: list[str] | None = None

    @property
    def paths(self) -> list[str]:
        """All files and symbolic links, sorted."""
        if self._sorted is None:
            self._sorted = sorted(self.entries)
        return self._sorted

    def __contains__(self, path: object) -> bool:
        """Whether a file or symbolic link of that path exists."""
        return path in self.entries

    def is_folder(self, path: str) -> bool:
        """Whether anything lies below `path`, or may: an opaque path counts as a folder. The
        root (`""` or `.`) always is one."""
        if path in ("", ".") or path in self.opaque:
            return True
        if next(self.below(path), None) is not None:
            return True
        return any(opaque.startswith(f"{path}/") for opaque in self.opaque)

    def why_unknown(self, path: str) -> Opaque | None:
        """Why nothing is known of `path`: it is opaque or lies in something that is; None
        for every path that was looked for."""
        while path:
            if path in self.opaque:
                return self.opaque[path]
            path = posixpath.dirname(path)
        return None

    def below(self, folder: str) -> Iterator[str]:
        """Paths below a folder at any depth, sorted; `""` gives all."""
        if folder in ("", "."):
            yield from self.paths
            return
        prefix = folder.rstrip("/") + "/"
        paths = self.paths
        for index in range(bisect_left(paths, prefix), len(paths)):
            if not paths[index].startswith(prefix):
                return
            yield paths[index]
