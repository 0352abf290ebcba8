"""The scope of one call: which files are merged into which, and why others are not.

Knows the command's arguments; reads files through `read`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from dockerfix.api import Facts, Finding, Severity, Span
from dockerfix_transforms.merge_go.modules import (
    check_into,
    find_module,
    mentions_go,
)
from dockerfix_transforms.merge_go.read import read_file
from dockerfix_transforms.merge_rust.read.candidates import candidates
from dockerfix_transforms.merge_rust.scope.agreement import agree, leave_hidden
from dockerfix_transforms.merge_rust.scope.call import NothingThereError, gather, named
from dockerfix_transforms.merge_rust.scope.names import Home, merged_path
from dockerfix_transforms.merge_rust.scope.scope import Scope

__all__ = ["NothingThereError", "read_scope"]


def read_scope(facts: Facts, paths: Sequence[str], into: str) -> Scope:
    """The scope of one call. Raises `NoModuleError`, and `NothingThereError` when no path is
    there any more."""
    given, folders, start = named(facts, paths)
    folder = find_module(facts, start, given).folder
    check_into(into)
    listed = candidates(facts, folder, given, folders, mentions_go)
    home = Home(folder, tuple(_with_sources(facts, listed)))
    scope = Scope(home, merged_path(home, listed, into), into, frozenset(given))
    for path in gather(scope, listed, lambda path: read_file(facts, folder, path, scope.into)):
        if path in given:
            scope.findings.append(_without_go(facts, path))
    agree(facts, scope)
    leave_hidden(scope)
    return scope


def _with_sources(facts: Facts, listed: Sequence[str]) -> Iterator[str]:
    """The folders of Dockerfiles in which Go's sources lie too."""
    for folder in {posixpath.dirname(path) for path in listed}:
        if any(path.endswith(".go") for path in facts.snapshot.below(folder)):
            yield folder


def _without_go(facts: Facts, path: str) -> Finding:
    """A file that was named and compiles in a way that is not read."""
    return Finding.at(
        facts.snapshot.source(path).place(Span(0, 0)),
        severity=Severity.NOTE,
        name="no-go-build",
        what=f"{path} runs no `go build` for its last image; it stays as it is",
        why="What make and scripts compile is not read.",
        do="Call `go build` in the RUN itself.",
        subject=path,
    )
