"""The files of a merge: the merged one comes, the old ones and their ignore files go.

Knows paths and bytes; decides nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Sequence

from dockerfix.api import Draft, Edit, Snapshot, Span
from dockerfix_transforms.merge_rust.scope.scope import Scope


def write_merged(work: Draft, scope: Scope, snapshot: Snapshot, data: bytes) -> None:
    """The merged file, which may take the place of one of its inputs."""
    into = scope.into
    if into not in snapshot:
        work.created[into] = data
        return
    old = snapshot.read(into)
    if old != data:
        work.edits.append((into, Edit(Span(0, len(old)), data)))


def old_files(scope: Scope, kept: Collection[str]) -> list[str]:
    """The inputs that are neither the merged file nor kept."""
    return [f.path for f in scope.files if f.path != scope.into and f.path not in kept]


def moved_ignores(scope: Scope, snapshot: Snapshot) -> dict[str, str]:
    """What stands for the ignore files of the inputs' own names once these are gone."""
    old = [f"{file.path}.dockerignore" for file in scope.files if file.path != scope.into]
    there = [path for path in old if path in snapshot]
    usual = posixpath.join(scope.context, ".dockerignore")
    same = usual in snapshot and scope.ignore == snapshot.read(usual)
    new = usual if same else f"{scope.into}.dockerignore"
    return dict.fromkeys(there, new)


def delete_old(work: Draft, scope: Scope, snapshot: Snapshot, gone: Sequence[str]) -> None:
    """These inputs go, each with the ignore file of its own name."""
    work.deleted += gone
    ignores = [f"{file.path}.dockerignore" for file in scope.files]
    there = [path for path in ignores if path in snapshot]
    new = f"{scope.into}.dockerignore"
    ignore = scope.ignore
    if ignore is None and there and new not in snapshot:
        # An ignore file of the Dockerfile's own name moves along with it.
        ignore = snapshot.read(there[0])
    if ignore is not None:
        _write_ignore(work, scope, snapshot, new, ignore)
    work.deleted += [
        path for path in there if path != new and path.removesuffix(".dockerignore") in gone
    ]


def _write_ignore(work: Draft, scope: Scope, snapshot: Snapshot, path: str, ignore: bytes) -> None:
    """The merged file's own ignore file, unless that of the context says the same."""
    usual = posixpath.join(scope.context, ".dockerignore")
    if path in snapshot:
        old = snapshot.read(path)
        if old != ignore:
            work.edits.append((path, Edit(Span(0, len(old)), ignore)))
    elif ignore != (snapshot.read(usual) if usual in snapshot else b""):
        work.created[path] = ignore
