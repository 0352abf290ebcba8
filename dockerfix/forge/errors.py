"""What can go wrong with a forge, as words for a person. Never holds a token."""

from __future__ import annotations

from msgspec import Struct


class Rights(Struct, frozen=True):
    """What a token must be allowed to do: any of these scopes, the least first, and the lowest
    role of its user in the project."""

    scopes: tuple[str, ...]
    role: str


READ = Rights(("read_api", "api"), "Reporter")
PUBLISH = Rights(("api",), "Developer")

_STATUS = {
    401: ("the token is not accepted", "make a new token with the scope `{scope}`"),
    403: (
        "the token may not do this",
        "it needs the scope `{scope}` and the role {role} or higher",
    ),
    404: ("there is no such thing, or the token may not see it", "look at --project and --url"),
    409: ("somebody else has changed this at the same time", "run again"),
    429: ("GitLab asks to wait, again and again", "run again later"),
}


class ForgeError(Exception):
    """GitLab was of no help: `what` is wrong, `action` says what to do."""

    def __init__(self, what: str, action: str = "", status: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.action = action
        self.status = status


def of_status(doing: str, status: int | None, said: str, rights: Rights = PUBLISH) -> ForgeError:
    """The error of an answer of GitLab; `said` is what the answer says, `rights` what the token
    needs."""
    detail = f" ({said})" if said else ""
    if status in _STATUS:
        what, action = _STATUS[status]
        action = action.format(scope=rights.scopes[0], role=rights.role)
        return ForgeError(f"{doing}: {what}{detail}", action, status)
    if status is not None and status >= 500:
        return ForgeError(f"{doing}: GitLab answers {status}{detail}", "run again later", status)
    answer = f"GitLab answers {status}" if status is not None else "GitLab does not answer"
    return ForgeError(f"{doing}: {answer}{detail}", "look at --url, and run again", status)
