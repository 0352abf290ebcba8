"""Requests to GitLab through python-gitlab: one method for each that is needed.

Follows GitLab's REST API, version 4. Reading is tried again after a passing fault; writing never
is, since a request that failed may have been carried out. Knows requests; decides nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from dockerfix.forge.connection import AGAIN, Connection
from dockerfix.forge.errors import ForgeError


class GitLab(Connection):
    """One project of a GitLab server, as a token may see it. Raises `ForgeError` alone."""

    def default_branch(self) -> str:
        """The project's default branch."""
        with self.asking(f"looking for the project {self.name}"):
            found: Any = self._client.projects.get(self.name, **AGAIN)
        return str(found.default_branch)

    def head(self, branch: str) -> tuple[str, str, tuple[str, ...]] | None:
        """The last commit of a branch: its id, message and parents; None for no branch."""
        try:
            with self.asking(f"looking for the branch {branch}"):
                found: Any = self.project.branches.get(branch, **AGAIN)
        except ForgeError as error:
            if error.status == 404:
                return None
            raise
        commit = found.commit
        return commit["id"], commit.get("message", ""), tuple(commit.get("parent_ids") or ())

    def file(self, path: str, ref: str) -> tuple[bytes, str] | None:
        """A file's bytes at a commit and the commit that changed it last; None for no file."""
        try:
            with self.asking(f"reading {path}"):
                found: Any = self.project.files.get(path, ref=ref, **AGAIN)
        except ForgeError as error:
            if error.status == 404:
                return None
            raise
        return base64.b64decode(found.content), str(found.last_commit_id)

    def commit(
        self, branch: str, start: str, message: str, actions: Sequence[dict[str, Any]], force: bool
    ) -> str:
        """Make one commit on `start`, as the new head of a branch; gives its id. Without
        `force` the branch must not be there."""
        data = {
            "branch": branch,
            "start_sha": start,
            "commit_message": message,
            "actions": list(actions),
            "force": force,
        }
        with self.asking(f"making a commit on {branch}"):
            found: Any = self.project.commits.create(data)
        return str(found.id)

    def delete_branch(self, branch: str) -> None:
        """Remove a branch."""
        with self.asking(f"removing the branch {branch}"):
            self.project.branches.delete(branch)

    def merge_request(self, branch: str, target: str) -> Any:
        """The open merge request of a branch; None for none."""
        with self.asking("looking for the merge request"):
            found = self.project.mergerequests.list(
                source_branch=branch, target_branch=target, state="opened", get_all=True, **AGAIN
            )
        return found[0] if found else None

    def open_merge_request(self, branch: str, target: str, title: str, description: str) -> Any:
        """Open a merge request whose branch goes away with the merge."""
        data = {
            "source_branch": branch,
            "target_branch": target,
            "title": title,
            "description": description,
            "remove_source_branch": True,
        }
        with self.asking("opening the merge request"):
            return self.project.mergerequests.create(data)

    def notes(self, merge_request: Any, user: int, marker: str) -> list[Any]:
        """The user's notes of a merge request that begin with the marker, oldest first."""
        with self.asking("reading the notes"):
            found = merge_request.notes.list(
                sort="asc", order_by="created_at", get_all=True, **AGAIN
            )
        return [
            note
            for note in found
            if not note.system and note.author["id"] == user and note.body.startswith(marker)
        ]

    def write_note(self, merge_request: Any, body: str) -> None:
        """Add a note."""
        with self.asking("writing the note"):
            merge_request.notes.create({"body": body})

    def edit_note(self, note: Any, body: str) -> None:
        """Change a note's text."""
        note.body = body
        with self.asking("writing the note"):
            note.save()
