"""Which Go module, or go.work workspace, a call is about.

Knows where manifests stand and which Dockerfiles name go; reads no instruction.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from dockerfix.api import Facts, Finding, SnapshotError, is_within, join_path
from dockerfix_transforms.merge_rust.read.candidates import candidates
from dockerfix_transforms.merge_rust.scope.names import Home

_PLAIN_PATH = re.compile(r"[\w.+/-]+")


class NoModuleError(Exception):
    """The argument leads to no module: the finding says where one was looked for."""

    def __init__(self, name: str, what: str, why: str, do: str) -> None:
        super().__init__(what)
        self.finding = Finding.at(None, name=name, what=what, why=why, do=do)


def find_module(facts: Facts, start: str, given: Sequence[str]) -> Home:
    """The module at or above a folder, or the one that a given Dockerfile's builds use, or the
    only one below. Raises `NoModuleError`."""
    contexts = [b.context for b in facts.builds.builds if b.dockerfile in given and b.context]
    for folder in (start, *contexts):
        found = at_or_above(facts, folder)
        if found is not None:
            return found
    below = modules_below(facts, start)
    if len(below) == 1:
        return Home(below[0])
    why = "merge-go merges the Dockerfiles of one Go module"
    if below:
        calls = ", ".join(f"`dockerfix merge-go {folder}`" for folder in below)
        what = f"{start or '.'} holds Dockerfiles of {len(below)} Go modules"
        raise NoModuleError("several-modules", what, why, f"Run it once for each: {calls}.")
    what = f"{start or '.'} holds no Go module whose Dockerfiles run `go build`"
    raise NoModuleError("no-module", what, why, "Name its folder, or one of its Dockerfiles.")


def check_into(into: str) -> None:
    """The merged file must lie in the repository, under a name that needs no quotes."""
    if into and not _PLAIN_PATH.fullmatch(into):
        raise NoModuleError(
            "into",
            f"--into {into} would need quotes where it is used",
            "a shell, YAML, HCL and Makefiles each quote in their own way",
            "Use letters, digits and the signs . _ - + / only.",
        )
    if "/" in into and join_path("", into) is None:
        raise NoModuleError(
            "into",
            f"--into {into} lies outside of the repository",
            "a patch only changes the repository",
            "Give a name, or a path relative to the repository's root.",
        )


def at_or_above(facts: Facts, folder: str) -> Home | None:
    """The workspace around a folder, else the nearest module."""
    nearest: Home | None = None
    while True:
        if posixpath.join(folder, "go.work") in facts.snapshot:
            return Home(folder)
        if nearest is None and posixpath.join(folder, "go.mod") in facts.snapshot:
            nearest = Home(folder)
        if not folder:
            return nearest
        folder = posixpath.dirname(folder)


def modules_below(facts: Facts, folder: str) -> list[str]:
    """The folders of the modules at or below a folder that several Dockerfiles build, sorted."""
    found: set[str] = set()
    paths = (path for path in facts.snapshot.paths if posixpath.basename(path) in _MANIFESTS)
    for path in paths:
        parent = posixpath.dirname(path)
        if "vendor" in parent.split("/") or not is_within(parent, folder):
            continue
        module = at_or_above(facts, parent)
        if module is None or module.folder in found or not is_within(module.folder, folder):
            continue
        if len(candidates(facts, module.folder, (), (), mentions_go)) > 1:
            found.add(module.folder)
    return sorted(found)


_MANIFESTS = ("go.mod", "go.work")


def calls_below(facts: Facts, paths: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The paths of each call that covers `paths`: a folder above several modules is one call for
    each of them."""
    found: list[tuple[str, ...]] = []
    together = [path for path in paths if path in facts.snapshot]
    for path in paths:
        if path not in facts.snapshot:
            found += [(folder,) for folder in modules_below(facts, path)]
    return (*([tuple(together)] if together else []), *found)


def mentions_go(facts: Facts, path: str) -> bool:
    """Whether a Dockerfile names `go build`."""
    try:
        return b"go build" in facts.snapshot.read(path).replace(b"cargo build", b"")
    except SnapshotError:
        return False
