"""Whether go would notice a file that appears among the sources of a build context.

A file beside the sources counts when a package takes it for one of its own (`go help packages`),
when `//go:embed` may match it, or when Git would call the tree modified, which `go build` writes
into the program (`-buildvcs`). Knows a build context; knows no instruction.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator
from functools import cached_property

from dockerfix.facts.repository import Facts
from dockerfix.facts.trees.ignore import BadIgnoreError, Judge, read_ignore
from dockerfix.text import SnapshotError, is_within

_READ = (
    ".go", ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for",
    ".f90", ".s", ".S", ".sx", ".swig", ".swigcxx", ".syso", ".pgo", ".mod", ".sum", ".work", ".a",
)  # fmt: skip
_EMBED = b"//go:embed"


class GoTree:
    """The sources that a Dockerfile is built with."""

    def __init__(self, facts: Facts, context: str, dockerfile: str) -> None:
        self.facts = facts
        self.context = context
        self.dockerfile = dockerfile

    def notices(self, path: str) -> bool:
        """Whether a new file at a path, relative to the context, may change what is compiled."""
        full = posixpath.normpath(posixpath.join(self.context, path))
        snapshot = self.facts.snapshot
        if full in snapshot or path.endswith(_READ):
            return True
        if "vendor" in path.split("/") or posixpath.basename(path) == ".git":
            return True
        return any(
            is_within(path, folder) and _may_match(posixpath.relpath(path, folder or "."), pattern)
            for folder, pattern in self.embedded
        )

    @cached_property
    def has_git(self) -> bool:
        """Whether a copy of the whole context brings the repository's `.git`."""
        if self.context:
            return False
        path = self.facts.ignore_path(self.context, self.dockerfile)
        if path is None:
            return True
        try:
            rules = read_ignore(self.facts.snapshot.source(path)).rules
            return not Judge(rules).judge_path(".git").matched
        except (BadIgnoreError, SnapshotError):
            return True

    @cached_property
    def embedded(self) -> tuple[tuple[str, str], ...]:
        """All patterns of `//go:embed`, each with the folder of its file in the context."""
        return tuple(self._patterns())

    def _patterns(self) -> Iterator[tuple[str, str]]:
        for path in self.facts.snapshot.below(self.context):
            if not path.endswith(".go"):
                continue
            try:
                data = self.facts.snapshot.read(path)
            except SnapshotError:
                continue
            if _EMBED not in data:
                continue
            folder = posixpath.relpath(posixpath.dirname(path) or ".", self.context or ".")
            for line in data.split(b"\n"):
                if line.startswith(_EMBED):
                    text = line[len(_EMBED) :].decode("utf-8", "replace")
                    words = (word.strip('"`').removeprefix("all:") for word in text.split())
                    yield from (("" if folder == "." else folder, word) for word in words)


def _may_match(path: str, pattern: str) -> bool:
    """Whether a pattern of `//go:embed` could take a file in: by its first part alone, since a
    folder is embedded with all below it."""
    first, wanted = path.split("/")[0], posixpath.normpath(pattern).split("/")[0]
    return wanted == "." or fnmatch.fnmatchcase(first, wanted)
