"""The repository as read once: paths, and each file's bytes on first use.

Everything above works on a snapshot and never on the disk; where the bytes come from is the
business of the loader that the repo layer (or a test) hands in. Paths are relative to the
root, with `/`, without a leading `./`, and never contain `..`.
"""

from __future__ import annotations

import enum
import hashlib
import posixpath
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from dockerfix.text.source import Source

T = TypeVar("T")


class SnapshotError(Exception):
    """A file of the snapshot cannot be read: where, why, and what to do about it."""

    def __init__(self, path: str, why: str, action: str = "") -> None:
        super().__init__(f"{path}: {why}" + (f"; {action}" if action else ""))
        self.path = path
        self.why = why
        self.action = action


class Kind(enum.Enum):
    """What a path is."""

    FILE = "file"
    SYMLINK = "symlink"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path: its kind, its permission bits (`0o644`), its size in bytes, and for a
    symbolic link what it points to, as written."""

    kind: Kind
    mode: int = 0o644
    size: int = 0
    link: str = ""


class Snapshot:
    """A fixed list of paths whose bytes are read once, on first use.

    `entries` maps every file and symbolic link to its entry. Folders have no entry; a path
    is a folder when an entry lies below it. `load(path)` gives the bytes of one file and may
    raise `SnapshotError`. `opaque` names folders that exist but were not walked (`.git`,
    `node_modules`, `target`): what lies in them is unknown, not absent.
    """

    __slots__ = ("_data", "_load", "_parsed", "_sorted", "entries", "opaque")

    def __init__(
        self,
        entries: Mapping[str, Entry],
        load: Callable[[str], bytes],
        opaque: frozenset[str] = frozenset(),
    ) -> None:
        self.entries = entries
        self.opaque = opaque
        self._load = load
        self._data: dict[str, bytes] = {}
        self._sorted: list[str] | None = None
        self._parsed: dict[tuple[object, str], object] = {}

    @classmethod
    def of(cls, files: Mapping[str, bytes | str]) -> Snapshot:
        """A snapshot held in memory, for tests and for what a patch would leave."""
        data = {
            path: text.encode() if isinstance(text, str) else text for path, text in files.items()
        }
        entries = {path: Entry(Kind.FILE, size=len(content)) for path, content in data.items()}
        return cls(entries, data.__getitem__)

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
        """Whether any file lies below `path`; the root (`""` or `.`) always is a folder."""
        if path in ("", "."):
            return True
        return next(self.below(path), None) is not None or path in self.opaque

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

    def read(self, path: str) -> bytes:
        """The bytes of a file; raises `SnapshotError` when it is absent or unreadable."""
        if path not in self._data:
            if path not in self.entries:
                raise SnapshotError(path, "no such file in the repository")
            self._data[path] = self._load(path)
        return self._data[path]

    def source(self, path: str) -> Source:
        """The file as a source."""
        return Source(path, self.read(path))

    def text(self, path: str) -> str:
        """The file as UTF-8 without its BOM; raises `SnapshotError` with the place of the
        first byte that is not UTF-8."""
        data = self.read(path)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line, column = Source(path, data).position(error.start)
            raise SnapshotError(
                f"{path}:{line}:{column}", "not UTF-8", "save the file as UTF-8"
            ) from None

    def digest(self, path: str) -> str:
        """The sha256 of the file's bytes, in hexadecimal."""
        return hashlib.sha256(self.read(path)).hexdigest()

    def derive(self, path: str, make: Callable[[Source], T]) -> T:
        """`make(source)` computed once for this file and this function, then remembered."""
        key = (make, path)
        if key not in self._parsed:
            self._parsed[key] = make(self.source(path))
        return self._parsed[key]  # type: ignore[return-value]  # the key holds `make`, so this is its T

    def with_changes(self, changes: Mapping[str, bytes | None]) -> Snapshot:
        """The snapshot after writing or (None) deleting files; modes of kept files stay."""
        entries = dict(self.entries)
        written: dict[str, bytes] = {}
        for path, data in changes.items():
            old = entries.pop(path, None)
            if data is None:
                continue
            entries[path] = Entry(Kind.FILE, old.mode if old else 0o644, len(data))
            written[path] = data

        def load(path: str) -> bytes:
            return written[path] if path in written else self.read(path)

        return Snapshot(entries, load, self.opaque)


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


def relative_path(path: str, folder: str) -> str:
    """`path` as it must be written seen from `folder` (both relative to the root)."""
    return posixpath.relpath(path or ".", folder or ".")
