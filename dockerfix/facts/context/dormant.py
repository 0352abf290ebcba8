"""Ignore files that no build reads, and what they would do if one did.

A folder's `.dockerignore` sleeps while the folder is copied as a part of a larger context, and
wakes up when the context shrinks to it. Knows the builds and their ignore files.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct

from dockerfix.facts.model import Build
from dockerfix.facts.repository import Facts
from dockerfix.facts.trees.ignore import (
    BadIgnoreError,
    IgnoreFile,
    IgnoreLine,
    Judge,
    read_ignore,
)

_NAME = ".dockerignore"


class DormantFile(Struct, frozen=True):
    """An ignore file that no known build reads.

    `instead` is the file that is read in its place, when it is shadowed by one. `traps` are
    its lines that would leave out what is copied today, each with one such file.
    """

    file: IgnoreFile
    instead: str | None = None
    traps: tuple[tuple[IgnoreLine, str], ...] = ()


def read_by_builds(facts: Facts, builds: Iterable[Build]) -> frozenset[str]:
    """The ignore files that the builds read."""
    found = set()
    for build in builds:
        if build.context is not None and build.dockerfile is not None:
            path = facts.ignore_path(build.context, build.dockerfile)
            found |= {path} if path is not None else set()
    return frozenset(found)


def dormant_files(
    facts: Facts, folder: str, read: Collection[str], copied: Collection[str]
) -> Iterator[DormantFile]:
    """The ignore files below a folder that are not among those that are `read`.

    `copied` are the files that builds copy; all paths are relative to the root.
    """
    for path in facts.snapshot.below(folder):
        name = posixpath.basename(path)
        if not name.endswith(_NAME) or path in read or path not in facts.snapshot:
            continue
        file = facts.snapshot.derive(path, read_ignore)
        home = posixpath.dirname(path)
        shadow = None
        if name == _NAME:
            shadow = next((p for p in sorted(read) if posixpath.dirname(p) == home), None)
        yield DormantFile(file, shadow, tuple(_traps(file, home, copied)))


def _traps(
    file: IgnoreFile, home: str, copied: Collection[str]
) -> Iterator[tuple[IgnoreLine, str]]:
    """The lines that would decide against a file that is copied, each once."""
    try:
        judge = Judge(file.rules)
    except BadIgnoreError:
        return
    prefix = f"{home}/" if home else ""
    told: set[int] = set()
    for path in sorted(copied):
        if not path.startswith(prefix):
            continue
        verdict = judge.judge_path(path[len(prefix) :])
        if not verdict.matched:
            continue
        number = max(n for n, hit in enumerate(verdict.each) if hit)
        if number not in told:
            told.add(number)
            yield file.lines[number], path
