"""The files of a merge: the merged one comes, the old ones and their ignore files go.

Knows paths and bytes; decides nothing.
"""

from __future__ import annotations

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


def delete_old(work: Draft, scope: Scope, snapshot: Snapshot, gone: Sequence[str]) -> None:
    """These inputs go, each with the ignore file of its own name."""
    work.deleted += gone
    ignores = [f"{file.path}.dockerignore" for file in scope.files]
    there = [path for path in ignores if path in snapshot]
    new = f"{scope.into}.dockerignore"
    if there and new not in snapshot:
        # An ignore file of the Dockerfile's own name moves along with it.
        work.created[new] = snapshot.read(there[0])
    work.deleted += [
        path for path in there if path != new and path.removesuffix(".dockerignore") in gone
    ]
