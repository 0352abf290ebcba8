"""A connection to GitLab through python-gitlab: one method for each request that is needed.

Follows GitLab's REST API, version 4. Reading is tried again after a passing fault; writing never
is, since a request that failed may have been carried out. Knows requests; decides nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from dockerfix.forge.errors import ForgeError, of_status

_AGAIN: dict[str, Any] = {"retry_transient_errors": True, "max_retries": 3}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SAID = 200


class GitLab:
    """One project of a GitLab server, as a token may see it. Raises `ForgeError` alone."""

    def __init__(self, url: str, token: str, project: str, timeout: float = 30.0) -> None:
        try:
            import gitlab
        except ImportError:
            raise ForgeError(
                "python-gitlab is not installed", "pip install 'dockerfix[gitlab]'"
            ) from None
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise ForgeError(f"{url} would send the token in clear text", "name an https address")
        self._token = token
        self._gitlab = gitlab
        self._client = gitlab.Gitlab(
            url, private_token=token, timeout=timeout, user_agent="dockerfix"
        )
        self._project: Any = self._client.projects.get(project, lazy=True)
        self.name = project

    @contextmanager
    def _asking(self, doing: str) -> Iterator[None]:
        """Turns whatever goes wrong into a `ForgeError` without the token."""
        import requests

        try:
            yield
        except self._gitlab.exceptions.GitlabError as error:
            said = str(error.error_message or "").replace(self._token, "[token]")[:_SAID]
            raise of_status(doing, error.response_code, said) from None
        except requests.RequestException as error:
            raise of_status(doing, None, type(error).__name__) from None

    def scopes(self) -> tuple[str, ...] | None:
        """The scopes of the token; None when it is of a kind that cannot be asked."""
        try:
            with self._asking("asking for the token's scopes"):
                token: Any = self._client.personal_access_tokens.get("self", **_AGAIN)
        except ForgeError as error:
            if error.status in (403, 404):
                return None
            raise
        return tuple(token.scopes)

    def user(self) -> int:
        """The id of the token's user."""
        with self._asking("asking who the token belongs to"):
            found: Any = self._client.http_get("/user", **_AGAIN)
        return int(found["id"])

    def default_branch(self) -> str:
        """The project's default branch."""
        with self._asking(f"looking for the project {self.name}"):
            found: Any = self._client.projects.get(self.name, **_AGAIN)
        return str(found.default_branch)

    def head(self, branch: str) -> tuple[str, str, tuple[str, ...]] | None:
        """The last commit of a branch: its id, message and parents; None for no branch."""
        try:
            with self._asking(f"looking for the branch {branch}"):
                found: Any = self._project.branches.get(branch, **_AGAIN)
        except ForgeError as error:
            if error.status == 404:
                return None
            raise
        commit = found.commit
        return commit["id"], commit.get("message", ""), tuple(commit.get("parent_ids") or ())

    def file(self, path: str, ref: str) -> tuple[bytes, str] | None:
        """A file's bytes at a commit and the commit that changed it last; None for no file."""
        try:
            with self._asking(f"reading {path}"):
                found: Any = self._project.files.get(path, ref=ref, **_AGAIN)
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
        with self._asking(f"making a commit on {branch}"):
            found: Any = self._project.commits.create(data)
        return str(found.id)

    def delete_branch(self, branch: str) -> None:
        """Remove a branch."""
        with self._asking(f"removing the branch {branch}"):
            self._project.branches.delete(branch)

    def merge_request(self, branch: str, target: str) -> Any:
        """The open merge request of a branch; None for none."""
        with self._asking("looking for the merge request"):
            found = self._project.mergerequests.list(
                source_branch=branch, target_branch=target, state="opened", get_all=True, **_AGAIN
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
        with self._asking("opening the merge request"):
            return self._project.mergerequests.create(data)

    def notes(self, merge_request: Any, user: int, marker: str) -> list[Any]:
        """The user's notes of a merge request that begin with the marker, oldest first."""
        with self._asking("reading the notes"):
            found = merge_request.notes.list(
                sort="asc", order_by="created_at", get_all=True, **_AGAIN
            )
        return [
            note
            for note in found
            if not note.system and note.author["id"] == user and note.body.startswith(marker)
        ]

    def write_note(self, merge_request: Any, body: str) -> None:
        """Add a note."""
        with self._asking("writing the note"):
            merge_request.notes.create({"body": body})

    def edit_note(self, note: Any, body: str) -> None:
        """Change a note's text."""
        note.body = body
        with self._asking("writing the note"):
            note.save()
