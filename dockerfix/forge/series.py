"""What is to be published, as data: commits on a branch, a merge request, a note.

Knows bytes and texts; knows no network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from msgspec import Struct

TRAILER = "Dockerfix-Series: "
"""Begins the last line of the last commit's message: the branch's head is dockerfix's own."""
MARKER = "<!-- dockerfix: this note is rewritten at each run -->"
"""The first line of the note that is edited in place."""


class Commit(Struct, frozen=True):
    """One commit. `changes` maps paths from the repository's top to their new bytes (None:
    deleted), `before` the same paths to what they held (None: not there)."""

    message: str
    changes: Mapping[str, bytes | None]
    before: Mapping[str, bytes | None]


class Wanted(Struct, frozen=True):
    """A series and where it goes. `project` is `GROUP/NAME`; an empty `target` is the
    project's default branch."""

    project: str
    target: str
    branch: str
    title: str
    description: str
    note: str
    commits: tuple[Commit, ...]


class Published(Struct, frozen=True):
    """Where the merge request is, and what this run did, one line each."""

    url: str
    did: tuple[str, ...]


def digest(commits: Sequence[Commit]) -> str:
    """A name for the very changes and messages of a series."""
    found = hashlib.sha256()
    for commit in commits:
        parts = [commit.message.encode("utf-8", "surrogateescape")]
        for path, data in sorted(commit.changes.items()):
            parts += [path.encode("utf-8", "surrogateescape"), b"-" if data is None else b"+"]
            parts.append(data or b"")
        for part in parts:
            found.update(b"%d:" % len(part) + part)
    return found.hexdigest()[:32]
