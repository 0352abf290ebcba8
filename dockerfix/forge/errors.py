"""What can go wrong with a forge, as words for a person. Never holds a token."""

from __future__ import annotations

_STATUS = {
    401: ("the token is not accepted", "make a new token with the scope `api`"),
    403: ("the token may not do this", "it needs the scope `api` and the role Developer or higher"),
    404: ("there is no such thing, or the token may not see it", "look at --project and --url"),
    409: ("somebody else has changed this at the same time", "run again"),
    429: ("GitLab asks to wait, again and again", "run again later"),
}


class ForgeError(Exception):
    """Publishing stopped: `what` is wrong, `action` says what to do."""

    def __init__(self, what: str, action: str = "", status: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.action = action
        self.status = status


def of_status(doing: str, status: int | None, said: str) -> ForgeError:
    """The error of an answer of GitLab; `said` is what the answer says."""
    detail = f" ({said})" if said else ""
    if status in _STATUS:
        what, action = _STATUS[status]
        return ForgeError(f"{doing}: {what}{detail}", action, status)
    if status is not None and status >= 500:
        return ForgeError(f"{doing}: GitLab answers {status}{detail}", "run again later", status)
    answer = f"GitLab answers {status}" if status is not None else "GitLab does not answer"
    return ForgeError(f"{doing}: {answer}{detail}", "look at --url, and run again", status)
