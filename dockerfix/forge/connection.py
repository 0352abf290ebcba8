"""A token's connection to one project of a GitLab server: who it is, and what may go wrong.

Reading is tried again after a passing fault. Knows no branch and no merge request.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from dockerfix.forge.errors import PUBLISH, ForgeError, Rights, of_status

AGAIN: dict[str, Any] = {"retry_transient_errors": True, "max_retries": 3}


_LOOPBACK = ("localhost", "127.0.0.1", "::1")


_SAID = 200


class Connection:
    """One project of a GitLab server, as a token may see it. Raises `ForgeError` alone."""

    def __init__(
        self,
        url: str,
        token: str,
        project: str,
        rights: Rights = PUBLISH,
        timeout: float = 30.0,
    ) -> None:
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
        self.project: Any = self._client.projects.get(project, lazy=True)
        self.name = project
        self.rights = rights

    @contextmanager
    def asking(self, doing: str) -> Iterator[None]:
        """Turns whatever goes wrong into a `ForgeError` without the token."""
        import requests

        try:
            yield
        except self._gitlab.exceptions.GitlabError as error:
            said = str(error.error_message or "").replace(self._token, "[token]")[:_SAID]
            raise of_status(doing, error.response_code, said, self.rights) from None
        except requests.RequestException as error:
            raise of_status(doing, None, type(error).__name__, self.rights) from None

    def check_scope(self) -> None:
        """Raise `ForgeError` unless a scope of the token is enough; a kind of token that cannot
        be asked for its scopes passes."""
        scopes = self._scopes()
        if scopes is not None and not set(self.rights.scopes) & set(scopes):
            raise ForgeError(
                f"the token has the scopes {', '.join(scopes)}",
                f"make one with the scope `{self.rights.scopes[0]}`",
            )

    def _scopes(self) -> tuple[str, ...] | None:
        """The scopes of the token; None when it is of a kind that cannot be asked."""
        try:
            with self.asking("asking for the token's scopes"):
                token: Any = self._client.personal_access_tokens.get("self", **AGAIN)
        except ForgeError as error:
            if error.status in (403, 404):
                return None
            raise
        return tuple(token.scopes)

    def user(self) -> int:
        """The id of the token's user."""
        with self.asking("asking who the token belongs to"):
            found: Any = self._client.http_get("/user", **AGAIN)
        return int(found["id"])
