"""Programs in Go that tell their own version, which `go build` takes from tags.

Since Go 1.24 `go build` sets the main module's version in the program from the tag or commit of
the repository (release notes of Go 1.24, "Go command"), and `debug.ReadBuildInfo` gives it to the
program. In a clone of one commit it is a pseudo-version on no tag. Knows Go; knows no jobs.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from dockerfix.api import Snapshot, SnapshotError

_SINCE = (1, 24)


def asks_version(snapshot: Snapshot) -> str:
    """The first Go file that asks for the version, where a module wants a Go that sets it; empty
    for none."""
    modules = [path for path in snapshot.paths if posixpath.basename(path) == "go.mod"]
    if not any(_sets_version(_text(snapshot, path)) for path in modules):
        return ""
    files = (p for p in snapshot.paths if p.endswith(".go") and not p.endswith("_test.go"))
    return next((path for path in files if "ReadBuildInfo(" in _text(snapshot, path)), "")


def writes_version(words: Sequence[str]) -> bool:
    """Whether a command builds a program of the repository with a version in it; what
    `go install PATH@VERSION` builds comes from elsewhere."""
    rest = [word for word in words[1:] if not word.startswith("-")]
    built = posixpath.basename(words[0]) == "go" and rest[:1] in (["build"], ["install"])
    return built and "-buildvcs=false" not in words and not any("@" in word for word in rest)


def _sets_version(module: str) -> bool:
    """Whether a go.mod asks for a Go of 1.24 or later."""
    for line in module.splitlines():
        words = line.split()
        if words[:1] in (["go"], ["toolchain"]) and len(words) > 1:
            numbers = words[1].removeprefix("go").split(".")[:2]
            if all(n.isdecimal() for n in numbers) and tuple(map(int, numbers)) >= _SINCE:
                return True
    return False


def _text(snapshot: Snapshot, path: str) -> str:
    try:
        return snapshot.read(path).decode("utf-8", "replace")
    except SnapshotError:
        return ""
