"""Where text files name a path, whatever language they are written in."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from dockerfix.text import Place, Snapshot, SnapshotError, Source, Span

_MAX_BYTES = 1_000_000


def mentions(snapshot: Snapshot, names: tuple[str, ...]) -> Iterator[tuple[Place, str]]:
    """Where text files name one of `names` as a whole path (not as a part of a longer one).

    Source code in the workspace's own languages is searched too; binary and large files are
    not. Yields the place and the name.
    """
    needles = [name.encode() for name in names]
    for path in snapshot.paths:
        if snapshot.entries[path].size > _MAX_BYTES or _generated(path):
            continue
        try:
            data = snapshot.read(path)
        except SnapshotError:
            continue
        if b"\0" in data[:1024]:
            continue
        for needle in needles:
            for at in _whole(data, needle):
                span = Span(at, at + len(needle))
                yield Source(path, data).place(span), needle.decode()


def _generated(path: str) -> bool:
    patterns = ("*.lock", "*-lock.json", "*-lock.yaml", "*.svg", "*.map", "*.min.js", "*.sum")
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def _whole(data: bytes, needle: bytes) -> Iterator[int]:
    word = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
    at = data.find(needle)
    while at >= 0:
        end = at + len(needle)
        before = data[at - 1 : at]
        after = data[end : end + 1]
        joined = after == b"." and data[end + 1 : end + 2] in [bytes([c]) for c in word]
        if before not in [bytes([c]) for c in word] and not (
            after and (after in [bytes([c]) for c in word] or joined)
        ):
            yield at
        at = data.find(needle, at + 1)
