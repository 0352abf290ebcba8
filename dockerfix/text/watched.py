"""A snapshot that notes what is asked of it.

What was made of a snapshot is still right for another one where everything that was looked at
is the same. Knows paths and listings; knows nothing of what is made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from dockerfix.text.paths import Entry
from dockerfix.text.snapshot import Snapshot
from dockerfix.text.source import Source

T = TypeVar("T")
G = TypeVar("G", bound=Hashable)


@dataclass(slots=True)
class Looks:
    """What was looked at: `paths` of which anything was asked (whether they exist, their
    entries, their bytes), and folders whose `listings` were."""

    paths: set[str] = field(default_factory=set)
    listings: set[str] = field(default_factory=set)

    def add(self, other: Looks) -> None:
        """Count what else was looked at."""
        self.paths |= other.paths
        self.listings |= other.listings

    def beyond(self, path: str) -> bool:
        """Whether anything but one file was looked at."""
        return bool(self.listings) or not self.paths <= {path}

    def at(self, snapshot: Snapshot) -> Seen:
        """What stood there, to be compared with what stands there in another snapshot."""
        return Seen(
            {path: snapshot.version(path) for path in self.paths},
            {folder: snapshot.listing(folder) for folder in self.listings},
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """What stood where something looked; see `Snapshot.version` and `Snapshot.listing`."""

    versions: Mapping[str, object]
    listings: Mapping[str, object]

    def beyond(self, path: str) -> bool:
        """Whether anything but one file was looked at."""
        return bool(self.listings) or not self.versions.keys() <= {path}

    def is_same(self, snapshot: Snapshot) -> bool:
        """Whether all of it stands there in a snapshot."""
        return all(snapshot.version(p) is known for p, known in self.versions.items()) and all(
            snapshot.listing(f) is known for f, known in self.listings.items()
        )


class Watched(Snapshot):
    """Another snapshot, with notes in `looks` of what is asked of it."""

    __slots__ = ("_of", "looks")

    def __init__(self, of: Snapshot) -> None:
        # Nothing of the base class is set up: everything is asked of the other snapshot.
        self._of = of
        self.looks = Looks()
        self.opaque = of.opaque
        self.entries = _Entries(of.entries, self)

    @property
    def paths(self) -> list[str]:
        """All files and symbolic links, sorted."""
        self.looks.listings.add("")
        return self._of.paths

    def __contains__(self, path: object) -> bool:
        return path in self.entries

    def is_folder(self, path: str) -> bool:
        """Whether anything lies below `path`, or may."""
        self.looks.listings.add(path)
        return self._of.is_folder(path)

    def below(self, folder: str) -> Iterator[str]:
        """Paths below a folder at any depth, sorted; `""` gives all."""
        self.looks.listings.add("" if folder == "." else folder.rstrip("/"))
        return self._of.below(folder)

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        self.looks.paths.add(path)
        return self._of.read(path)

    def peek(self, path: str) -> bytes:
        """The bytes of a file, not remembered."""
        self.looks.paths.add(path)
        return self._of.peek(path)

    def source(self, path: str) -> Source:
        """The file as a source."""
        self.looks.paths.add(path)
        return self._of.source(path)

    def derive(self, path: str, make: Callable[[Source], T]) -> T:
        """`make(source)`, remembered by the other snapshot."""
        self.looks.paths.add(path)
        return self._of.derive(path, make)

    def groups(
        self,
        key: Callable[[Snapshot, str], G | None],
        among: Callable[[Snapshot], Iterable[str]] | None = None,
    ) -> Mapping[G, list[str]]:
        """The paths by what `key` says of each, for which it looks at all of them."""
        self.looks.listings.add("")
        self.looks.paths.update(self._of.paths)
        return self._of.groups(key, among)

    def with_changes(self, changes: Mapping[str, bytes | None]) -> Snapshot:
        """The other snapshot after changes, which nobody watches."""
        return self._of.with_changes(changes)


class _Entries(Mapping[str, Entry]):
    """Entries that note for which paths they were asked."""

    __slots__ = ("_entries", "_watched")

    def __init__(self, entries: Mapping[str, Entry], watched: Watched) -> None:
        self._entries, self._watched = entries, watched

    def __contains__(self, path: object) -> bool:
        if isinstance(path, str):
            self._watched.looks.paths.add(path)
        return path in self._entries

    def __getitem__(self, path: str) -> Entry:
        self._watched.looks.paths.add(path)
        return self._entries[path]

    def __iter__(self) -> Iterator[str]:
        self._watched.looks.listings.add("")
        return iter(self._entries)

    def __len__(self) -> int:
        self._watched.looks.listings.add("")
        return len(self._entries)
