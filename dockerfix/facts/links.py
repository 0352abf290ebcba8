"""Symbolic links to files: who reads the link reads the file, by a name of its own.

Knows links and paths; reads no bytes.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator

from dockerfix.text import Kind, Snapshot, SnapshotError, join_path

_LONGEST = 40
"""Links one behind the other that Linux follows."""


def links_to(snapshot: Snapshot, wanted: Collection[str]) -> Iterator[tuple[str, str]]:
    """The symbolic links that lead to one of the wanted files, each with that file, whether it
    is there or not."""
    for link in snapshot.paths if wanted else ():
        found = _end(snapshot, link)
        if found is not None and found != link and found in wanted:
            yield link, found


def _end(snapshot: Snapshot, path: str) -> str | None:
    """Where a path leads; None where it leaves the repository."""
    at: str | None = path
    for _ in range(_LONGEST):
        if at is None or at not in snapshot:
            return at
        try:
            entry = snapshot.entries[at]
        except SnapshotError:
            return None
        if entry.kind is not Kind.SYMLINK:
            return at
        at = None if entry.link.startswith("/") else join_path(posixpath.dirname(at), entry.link)
    return None
