"""Which cargo workspace a call is about.

Knows manifests and where Dockerfiles stand; reads no Dockerfile.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from dockerfix.api import Facts, Finding, UnreadableError, Workspace, is_within, join_path
from dockerfix_transforms.merge_rust.read.candidates import candidates
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.inputs import read_file

_PLAIN_PATH = re.compile(r"[\w.+/-]+")


class NoWorkspaceError(Exception):
    """The argument leads to no cargo workspace: the finding says where one was looked for."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding


def check_arguments(facts: Facts, workspace: Workspace, folders: Sequence[str], into: str) -> None:
    """One workspace at a time, and a merged file inside of the repository."""
    for folder in folders[1:]:
        other = at_or_above(facts, folder)
        if other is None or other.folder != workspace.folder:
            raise NoWorkspaceError(
                Finding.at(
                    None,
                    name="several-workspaces",
                    what=f"{folder} does not belong to the workspace {workspace.folder or '.'}",
                    why="merge-rust merges the Dockerfiles of one cargo workspace",
                    do="call it once for each workspace",
                )
            )
    if into and not _PLAIN_PATH.fullmatch(into):
        raise NoWorkspaceError(
            Finding.at(
                None,
                name="into",
                what=f"--into {into} would need quotes where it is used",
                why="a shell, YAML, HCL and Makefiles each quote in their own way",
                do="use letters, digits and the signs . _ - + / only",
            )
        )
    if "/" in into and join_path("", into) is None:
        raise NoWorkspaceError(
            Finding.at(
                None,
                name="into",
                what=f"--into {into} lies outside of the repository",
                why="a patch only changes the repository",
                do="give a name, or a path relative to the repository's root",
            )
        )


def find_workspace(facts: Facts, start: str, given: Sequence[str]) -> Workspace:
    """The workspace at or above a folder, or the one that a given Dockerfile's builds use."""
    contexts = [b.context for b in facts.builds.builds if b.dockerfile in given and b.context]
    for folder in (start, *contexts):
        found = at_or_above(facts, folder)
        if found is not None:
            return found
    below = workspaces_below(facts, start)
    calls = {folder: folder or "." for folder in below}
    if not calls:
        built = _built_from(facts, start)
        calls = {folder: " ".join(paths) for folder, paths in built.items()}
    if len(calls) == 1 and (workspace := facts.workspace(next(iter(calls)))) is not None:
        return workspace
    raise NoWorkspaceError(_no_workspace(start, list(calls.values())))


def _built_from(facts: Facts, start: str) -> dict[str, list[str]]:
    """The workspaces elsewhere that Dockerfiles below a folder build, each with these files;
    those of which there are several, if any."""
    found: dict[str, list[str]] = {}
    for folder in workspaces_below(facts, ""):
        workspace = facts.workspace(folder)
        if workspace is None:
            continue
        for path in candidates(facts, folder, ()):
            read = read_file(facts, workspace, path, "") if is_within(path, start) else None
            if isinstance(read, InputFile):
                found.setdefault(folder, []).append(path)
    return {folder: paths for folder, paths in found.items() if len(paths) > 1} or found


def _no_workspace(start: str, paths: Sequence[str]) -> Finding:
    """Nothing to merge at a folder, or too many workspaces at once."""
    if len(paths) > 1:
        calls = ", ".join(f"`dockerfix merge-rust {path}`" for path in paths)
        return Finding.at(
            None,
            name="several-workspaces",
            what=f"{start or '.'} holds Dockerfiles of {len(paths)} cargo workspaces",
            why="merge-rust merges the Dockerfiles of one cargo workspace",
            do=f"run it once for each: {calls}",
        )
    return Finding.at(
        None,
        name="no-workspace",
        what=f"{start or '.'} holds no cargo workspace whose Dockerfiles run cargo",
        why="merge-rust merges the Dockerfiles of one cargo workspace",
        do="name its folder, or one of its Dockerfiles",
    )


def scopes(facts: Facts, paths: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The paths of each call that covers `paths`: a folder above several workspaces is one
    call for each of them."""
    found: list[tuple[str, ...]] = []
    together: list[str] = []
    for path in paths:
        if path in facts.snapshot or at_or_above(facts, path) is not None:
            together.append(path)
        else:
            found += [(folder,) for folder in workspaces_below(facts, path)]
    return (*([tuple(together)] if together else []), *found)


def workspaces_below(facts: Facts, folder: str) -> list[str]:
    """The folders of the outermost workspaces at or below a folder in which Dockerfiles run
    cargo, sorted; one whose manifest cannot be read is among them, so that it is reported."""
    found: list[str] = []
    members: set[str] = set()
    for path in sorted(facts.snapshot.paths, key=lambda path: path.count("/")):
        parent, name = posixpath.split(path)
        if name != "Cargo.toml" or not is_within(parent, folder) or parent in members:
            continue
        if any(is_within(parent, outer) for outer in found):
            continue
        try:
            workspace = facts.workspace(parent)
        except UnreadableError:
            workspace = None
        else:
            if workspace is None:
                continue
            members.update(package.folder for package in workspace.packages)
        if candidates(facts, parent, ()):
            found.append(parent)
    return sorted(found)


def at_or_above(facts: Facts, folder: str) -> Workspace | None:
    """The outermost workspace at or above the folder that has it as a member, as cargo looks
    for it; a package of its own else."""
    package: Workspace | None = None
    current = folder
    while True:
        found = facts.workspace(current)
        if found is not None:
            if len(found.packages) > 1 or found.virtual:
                return found
            package = package or found
        if not current:
            return package
        current = posixpath.dirname(current)
