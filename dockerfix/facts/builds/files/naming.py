"""Which files of a kind name a build tool: most name none, and nothing else is made of them.

What a search found holds for the snapshots that changes make of this one, but for the changed
files. Knows names in bytes; reads no language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from dockerfix.facts.builds.files.candidates import Candidate, candidate
from dockerfix.text import Kind, Snapshot, SnapshotError

_SCRIPT = b".sh"


def by_kind(snapshot: Snapshot) -> Mapping[Candidate, list[str]]:
    """The paths of the files that may hold call sites, by how they are read."""
    return snapshot.groups(_kind)


def naming(snapshot: Snapshot, kind: Candidate, needles: tuple[bytes, ...]) -> list[str]:
    """The files of a kind that hold one of `needles`, and those that cannot be read, by path."""
    scripts = tuple(needle for needle in needles if needle.endswith(_SCRIPT))
    key = _Naming(kind, tuple(needle for needle in needles if needle not in scripts), scripts)
    return snapshot.groups(key, key.candidates).get(True, [])


def _kind(snapshot: Snapshot, path: str) -> Candidate | None:
    kind = candidate(path)
    # Programs are the most, and what a file is costs a look at the disk: who reads them asks.
    if kind is None or kind is Candidate.PROGRAM:
        return kind
    return None if snapshot.entries[path].kind is Kind.SYMLINK else kind


class _Naming(Struct, frozen=True):
    """A key for `Snapshot.groups`. The names of `scripts`, of which there may be hundreds, are
    searched for only where any script is named."""

    kind: Candidate
    needles: tuple[bytes, ...]
    scripts: tuple[bytes, ...]

    def __call__(self, snapshot: Snapshot, path: str) -> bool | None:
        if _kind(snapshot, path) is not self.kind:
            return None
        try:
            data = snapshot.peek(path)
        except SnapshotError:
            return True  # who reads it says so
        for needle in self.needles:
            if needle in data:
                return True
        for script in self.scripts if _SCRIPT in data else ():
            if script in data:
                return True
        return None

    def candidates(self, snapshot: Snapshot) -> Iterable[str]:
        return by_kind(snapshot).get(self.kind, ())
