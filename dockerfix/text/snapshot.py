"""The repository as read once: paths, and each file's bytes on first use.

Everything above works on a snapshot and never on the disk; where the bytes come from is the
business of the loader that the repo layer (or a test) hands in. Paths are relative to the
root, with `/`, without a leading `./`, and never contain `..`. A name that is not UTF-8 holds
surrogates, as `os.fsdecode` gives them.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TypeVar, cast

from dockerfix.text.groups import Groups
from dockerfix.text.overlay import Overlay
from dockerfix.text.paths import Entry, Kind, Opaque, Paths
from dockerfix.text.relative import with_folders
from dockerfix.text.source import Source

T = TypeVar("T")
G = TypeVar("G", bound=Hashable)


class UnreadableError(Exception):
    """A file that nobody can read, whatever its language: where (a path, or
    `path:line:column`), what is wrong, and what to do about it."""

    def __init__(self, where: str, what: str, action: str = "") -> None:
        super().__init__(f"{where}: {what}" + (f"; {action}" if action else ""))
        self.where = where
        self.what = what
        self.action = action


class SnapshotError(UnreadableError):
    """A file of the snapshot cannot be read."""

    def __init__(self, path: str, why: str, action: str = "") -> None:
        super().__init__(path, why, action)
        self.path = path
        self.why = why


class Snapshot(Paths):
    """Paths whose bytes are read once, on first use.

    `load(path)` gives the bytes of one file and may raise `SnapshotError`. From a disk, an entry
    is looked up on first use too, and may raise it then.
    """

    __slots__ = (
        "_data", "_groups", "_listings", "_load", "_parsed", "_root", "_versions", "kept",
        "reading",
    )  # fmt: skip

    def __init__(
        self,
        entries: Mapping[str, Entry],
        load: Callable[[str], bytes],
        opaque: Mapping[str, Opaque] | None = None,
    ) -> None:
        super().__init__(entries, opaque)
        self._load = load
        self._root = self
        """The snapshot that changes were first made to."""
        self._versions: dict[str, Snapshot] = {}
        """For each path that changed since then, the snapshot in which it did so last."""
        self._listings: dict[str, Snapshot] = {}
        """The same for folders in which a path came or went, and for such paths."""
        self._groups = Groups(self)
        self.kept: dict[Hashable, object] = {}
        """What facts keep for the snapshots that changes make of this one, which share it."""
        self._data: dict[str, bytes] = {}
        self.reading = ""
        """The file that was read or derived from last, for who wants to know what takes long."""
        self._parsed: dict[tuple[object, str], object] = {}

    @classmethod
    def of(cls, files: Mapping[str, bytes | str]) -> Snapshot:
        """A snapshot held in memory, for tests and for what a patch would leave."""
        data = {
            path: text.encode() if isinstance(text, str) else text for path, text in files.items()
        }
        entries = {path: Entry(Kind.FILE, size=len(content)) for path, content in data.items()}
        return cls(entries, data.__getitem__)

    def read(self, path: str) -> bytes:
        """The bytes of a file, remembered; raises `SnapshotError` when it is absent or
        unreadable."""
        if path in self._data:
            return self._data[path]
        holder = self._holder(path)
        if holder is not self:
            return holder.read(path)
        return self._data.setdefault(path, self._fetch(path))

    def peek(self, path: str) -> bytes:
        """As `read`, but not remembered: for a search through many files, whose bytes would
        otherwise stay in memory."""
        if path in self._data:
            return self._data[path]
        holder = self._holder(path)
        return holder.peek(path) if holder is not self else self._fetch(path)

    def source(self, path: str) -> Source:
        """The file as a source, the same one when asked again: it counts its lines once."""
        holder = self._holder(path)
        if holder is not self:
            return holder.source(path)
        known = (Source, path)
        if known not in self._parsed:
            self._parsed[known] = Source(path, self.read(path))
        return cast("Source", self._parsed[known])

    def text(self, path: str) -> str:
        """The file as UTF-8 without its BOM; raises `SnapshotError` with the place of the
        first byte that is not UTF-8."""
        data = self.read(path)
        try:
            return data.decode("utf-8").removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            line, column = Source(path, data).position(error.start)
            raise SnapshotError(
                f"{path}:{line}:{column}", "not UTF-8", "save the file as UTF-8"
            ) from None

    def digest(self, path: str) -> str:
        """The sha256 of the file's bytes, in hexadecimal."""
        import hashlib  # loads OpenSSL: only a write needs it

        return hashlib.sha256(self.read(path)).hexdigest()

    def derive(self, path: str, make: Callable[[Source], T]) -> T:
        """`make(source)` computed once for this file and this function, then remembered."""
        holder = self._holder(path)
        if holder is not self:
            return holder.derive(path, make)
        key = (make, path)
        if key not in self._parsed:
            self.reading = path
            self._parsed[key] = make(self.source(path))
        return self._parsed[key]  # type: ignore[return-value]  # the key holds `make`, so this is its T

    def version(self, path: str) -> object:
        """What stands at a path: the same object for two snapshots means the same entry and
        bytes, or that nothing is there in either."""
        return self._versions.get(path, self._root)

    def listing(self, folder: str) -> object:
        """Which paths lie in a folder at any depth, or are it: the same object for two
        snapshots means the same paths."""
        return self._listings.get(folder, self._root)

    def groups(
        self,
        key: Callable[[Snapshot, str], G | None],
        among: Callable[[Snapshot], Iterable[str]] | None = None,
    ) -> Mapping[G, list[str]]:
        """The paths by what `key(snapshot, path)` says of each, sorted; those of which it says
        None are left out.

        `key` looks at nothing but the path, its entry and its bytes: it is asked once for each,
        and again for what a change touches. `among` gives the only paths of a snapshot of which
        `key` says anything, where that is cheaper than to ask of all.
        """
        return self._groups.by(key, among)

    def with_changes(self, changes: Mapping[str, bytes | None]) -> Snapshot:
        """The snapshot after writing or (None) deleting files; modes of kept files stay.

        Costs as much as the changes since the first snapshot, not as the repository: whatever
        did not change is asked of the snapshot that holds it, what was derived from it included.
        """
        written = {path: data for path, data in changes.items() if data is not None}
        added = {path: self._written(path, len(data)) for path, data in written.items()}
        removed = frozenset(path for path, data in changes.items() if data is None)
        entries = Overlay.over(self.entries, added, removed)
        after = Snapshot(entries, self._load, self.opaque)
        after.kept = self.kept
        after._data = written
        after._root = self._root
        after._groups = Groups(after, self._groups, frozenset(changes))
        after._versions = {**self._versions, **dict.fromkeys(changes, after)}
        after._listings = dict(self._listings)
        after._sorted = list(self.paths)
        for path in changes:
            if (path in removed) == (path in self.entries):
                after._listings |= dict.fromkeys(with_folders(path), after)
                if path in removed:
                    del after._sorted[bisect_left(after._sorted, path)]
                else:
                    insort(after._sorted, path)
        return after

    def _holder(self, path: str) -> Snapshot:
        """The snapshot that read a file last: the one that changed it, or the first one."""
        return self._versions.get(path, self._root) if path in self.entries else self

    def _written(self, path: str, size: int) -> Entry:
        """The entry of a file that a change writes."""
        mode = self.entries[path].mode if path in self.entries else 0o644
        return Entry(Kind.FILE, mode, size)

    def _fetch(self, path: str) -> bytes:
        if path in self.entries:
            self.reading = path
            return self._load(path)
        why = self.why_unknown(path)
        if why is not None:
            raise SnapshotError(
                path, f"not read: it lies in a folder left out, because {why.value}"
            )
        raise SnapshotError(path, "no such file in the repository")
