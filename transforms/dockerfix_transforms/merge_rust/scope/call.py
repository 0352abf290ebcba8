"""The scope of one call: which files are merged into which, and why others are not.

Knows the command's arguments; reads files through `inputs`. A file that cannot go along with
the others is left out with a finding.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence

from dockerfix.api import Facts, Finding
from dockerfix_transforms.merge_rust.read.candidates import candidates
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.inputs import read_file
from dockerfix_transforms.merge_rust.scope.agreement import agree, leave_hidden
from dockerfix_transforms.merge_rust.scope.names import Home, is_merged, is_plain, merged_path
from dockerfix_transforms.merge_rust.scope.others import hides_cargo, not_of, without_cargo
from dockerfix_transforms.merge_rust.scope.scope import Scope
from dockerfix_transforms.merge_rust.scope.workspaces import check_arguments, find_workspace


class NothingThereError(Exception):
    """None of the paths is there: what to say instead of a merge."""


def named(facts: Facts, paths: Sequence[str]) -> tuple[list[str], list[str], str]:
    """The files and the folders among the paths of a call, and the folder to begin at. Raises
    `NothingThereError` when none of them is there."""
    given = [path for path in paths if path in facts.snapshot]
    folders = [p for p in paths if p in ("", ".") or facts.snapshot.is_folder(p)]
    if not given and not folders:
        raise NothingThereError(f"{', '.join(paths)}: gone already, nothing to merge")
    return given, folders, folders[0] if folders else posixpath.dirname(given[0])


def gather(
    scope: Scope, listed: Sequence[str], read: Callable[[str], InputFile | Finding | None]
) -> Iterator[str]:
    """Read the listed files into a scope; those of which nothing is read come out."""
    for path in listed:
        itself = not is_plain(path) if path == scope.into else is_merged(path, scope.wish)
        if itself and len(listed) > 1 and (path == scope.into or path not in scope.given):
            continue  # the merged file, kept beside its inputs
        found = read(path)
        if isinstance(found, Finding):
            scope.findings.append(found)
        elif found is not None:
            scope.files.append(found)
        else:
            yield path


def read_scope(facts: Facts, paths: Sequence[str], into: str) -> Scope:
    """The scope of one call; raises `NoWorkspaceError`, and `NothingThereError` when no path
    is there any more."""
    given, folders, start = named(facts, paths)
    workspace = find_workspace(facts, start, given)
    check_arguments(facts, workspace, folders, into)
    listed = candidates(facts, workspace.folder, given, folders)
    home = Home(workspace.folder, tuple(package.folder for package in workspace.packages))
    scope = Scope(home, merged_path(home, listed, into), into, frozenset(given))
    scope.workspace = workspace
    for path in gather(scope, listed, lambda path: read_file(facts, workspace, path, scope.into)):
        if path in given or hides_cargo(facts, path):
            scope.findings.append(not_of(facts, workspace, path, path in given))
    agree(facts, scope)
    leave_hidden(scope)
    if not given:
        scope.findings += without_cargo(facts, workspace, listed, scope.into)
    return scope
