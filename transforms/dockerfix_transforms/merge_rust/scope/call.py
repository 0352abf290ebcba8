"""The scope of one call: which files are merged into which, and why others are not.

Knows the command's arguments; reads files through `inputs`. A file that cannot go along with
the others is left out with a finding.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from dockerfix.api import Facts, Finding
from dockerfix_transforms.merge_rust.read.candidates import candidates
from dockerfix_transforms.merge_rust.read.inputs import read_file
from dockerfix_transforms.merge_rust.scope.agreement import agree, leave_hidden
from dockerfix_transforms.merge_rust.scope.names import Home, is_merged, is_plain, merged_path
from dockerfix_transforms.merge_rust.scope.others import hides_cargo, not_of, without_cargo
from dockerfix_transforms.merge_rust.scope.scope import Scope
from dockerfix_transforms.merge_rust.scope.workspaces import check_arguments, find_workspace


class NothingThereError(Exception):
    """None of the paths is there: what to say instead of a merge."""


def read_scope(facts: Facts, paths: Sequence[str], into: str) -> Scope:
    """The scope of one call; raises `NoWorkspaceError`, and `NothingThereError` when no path
    is there any more."""
    given = [path for path in paths if path in facts.snapshot]
    folders = [p for p in paths if p in ("", ".") or facts.snapshot.is_folder(p)]
    if not given and not folders:
        raise NothingThereError(f"{', '.join(paths)}: gone already, nothing to merge")
    start = folders[0] if folders else posixpath.dirname(given[0])
    workspace = find_workspace(facts, start, given)
    check_arguments(facts, workspace, folders, into)
    listed = candidates(facts, workspace.folder, given, folders)
    home = Home(workspace.folder, tuple(package.folder for package in workspace.packages))
    scope = Scope(home, merged_path(home, listed, into), into, frozenset(given))
    scope.workspace = workspace
    for path in listed:
        itself = not is_plain(path) if path == scope.into else is_merged(path, into)
        if itself and len(listed) > 1 and (path == scope.into or path not in given):
            continue  # the merged file, kept beside its inputs
        found = read_file(facts, workspace, path, scope.into)
        if isinstance(found, Finding):
            scope.findings.append(found)
        elif found is not None:
            scope.files.append(found)
        elif path in given or hides_cargo(facts, path):
            scope.findings.append(not_of(facts, workspace, path, path in given))
    agree(facts, scope)
    leave_hidden(scope)
    if not given:
        scope.findings += without_cargo(facts, workspace, listed, scope.into)
    return scope
