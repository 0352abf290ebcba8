"""Publishes a series: a branch with its commits, one merge request, one note.

All or nothing: the commits are made on a branch of their own, and the last one moves the series'
branch in one request. A branch whose head dockerfix did not make is never moved; a file that the
target holds otherwise than the work tree stops everything. A second run with the same series
changes nothing.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from dockerfix.forge.errors import ForgeError
from dockerfix.forge.gitlab import GitLab
from dockerfix.forge.series import MARKER, TRAILER, Commit, Published, Wanted, digest
from dockerfix.text.units import counted

_LONGEST = 1_000_000
"""Characters of the longest note."""


def publish(forge: GitLab, wanted: Wanted) -> Published:
    """Open or update the merge request of a series; raises `ForgeError`."""
    forge.check_scope()
    user = forge.user()
    target = wanted.target or forge.default_branch()
    base = forge.head(target)
    if base is None:
        raise ForgeError(f"there is no branch {target}", "look at --target")
    if wanted.branch == target:
        raise ForgeError("a series cannot go to its own target branch", "look at --branch")
    did = _branch(forge, wanted, base[0])
    merge_request, opened = _merge_request(forge, wanted, target)
    did += opened
    did += _note(forge, merge_request, user, f"{MARKER}\n\n{wanted.note}"[:_LONGEST])
    return Published(str(merge_request.web_url), tuple(did))


def _branch(forge: GitLab, wanted: Wanted, base: str) -> list[str]:
    """Bring the branch to the series, unless it is there already."""
    name = digest(wanted.commits)
    here = forge.head(wanted.branch)
    if here is not None:
        trailer = next((x for x in here[1].splitlines() if x.startswith(TRAILER)), "")
        if not trailer:
            raise ForgeError(
                f"the last commit of {wanted.branch} is not one of dockerfix's",
                "merge or move what was pushed there, or name another branch with --branch",
            )
        if trailer == f"{TRAILER}{name}":
            return [f"{wanted.branch} holds this series already"]
    _Push(forge, wanted, base, here[0] if here is not None else "", name).run()
    count = len(wanted.commits)
    commits = counted(count, "commit")
    return [f"{wanted.branch}: {commits}{'' if here is None else ' in place of the old ones'}"]


class _Push:
    """One move of the series' branch. Private to `publish`."""

    def __init__(self, forge: GitLab, wanted: Wanted, base: str, old: str, name: str) -> None:
        self.forge, self.wanted = forge, wanted
        self.base, self.old = base, old
        first, *others = reversed(wanted.commits)
        text = f"{first.message.rstrip()}\n\n{TRAILER}{name}\n"
        self.last = Commit(text, first.changes, first.before)
        self.others = list(reversed(others))
        self.apart = f"{wanted.branch}-{secrets.token_hex(4)}"

    def run(self) -> None:
        """Make all commits; on any failure the branch is as it was."""
        known = dict(self._guarded())
        start = self.base
        made = False
        try:
            for commit in self.others:
                made = True
                start = self.forge.commit(
                    self.apart,
                    start,
                    commit.message,
                    _actions(commit, known),
                    force=start != self.base,
                )
                known |= dict.fromkeys(commit.changes, start)
            self._move(start, known)
        finally:
            if made:
                # Whatever happened, the branch apart is of no use any more.
                with contextlib.suppress(ForgeError):
                    self.forge.delete_branch(self.apart)

    def _move(self, start: str, known: Mapping[str, str]) -> None:
        """The last commit, which moves the branch."""
        branch = self.wanted.branch
        now = self.forge.head(branch)
        if (now[0] if now is not None else "") != self.old:
            raise ForgeError(f"{branch} has moved while this ran", "run again")
        try:
            self.forge.commit(
                branch, start, self.last.message, _actions(self.last, known), force=bool(self.old)
            )
        except ForgeError as error:
            if error.status is not None and error.status < 500:
                raise
            # GitLab may have made the commit and lost its answer.
            now = self.forge.head(branch)
            if now is None or now[0] == self.old or now[1].strip() != self.last.message.strip():
                raise

    def _guarded(self) -> Iterator[tuple[str, str]]:
        """The commit that changed each file last on the target; raises `ForgeError` where the
        target has another file than the series was planned on."""
        seen: set[str] = set()
        for commit in (*self.others, self.last):
            for path in commit.changes:
                if path in seen:
                    continue
                seen.add(path)
                found = self.forge.file(path, self.base)
                if (found[0] if found is not None else None) != commit.before.get(path):
                    raise ForgeError(
                        f"{path} is not the same on the target branch as here",
                        "bring your work tree up to date with the target branch, and run again",
                    )
                if found is not None:
                    yield path, found[1]


def _actions(commit: Commit, known: Mapping[str, str]) -> list[dict[str, Any]]:
    """The actions of the commits API; `known` names the last commit of each file."""
    found: list[dict[str, Any]] = []
    for path, data in sorted(commit.changes.items()):
        there = commit.before.get(path) is not None
        action: dict[str, Any] = {"file_path": path}
        if there and path in known:
            action["last_commit_id"] = known[path]
        if data is None:
            found.append({**action, "action": "delete"})
            continue
        content = base64.b64encode(data).decode()
        verb = "update" if there else "create"
        found.append({**action, "action": verb, "content": content, "encoding": "base64"})
    return found


def _merge_request(forge: GitLab, wanted: Wanted, target: str) -> tuple[Any, list[str]]:
    """The open merge request, opened now if need be. A person's title and text stay."""
    found = forge.merge_request(wanted.branch, target)
    if found is not None:
        return found, []
    try:
        return forge.open_merge_request(wanted.branch, target, wanted.title, wanted.description), [
            "opened the merge request"
        ]
    except ForgeError as error:
        # A second run at the same time was faster, or the answer was lost.
        found = forge.merge_request(wanted.branch, target)
        if found is None:
            raise error from None
        return found, []


def _note(forge: GitLab, merge_request: Any, user: int, body: str) -> list[str]:
    """Write the note, or edit the one that is there."""
    notes = forge.notes(merge_request, user, MARKER)
    if not notes:
        forge.write_note(merge_request, body)
        return ["wrote the note"]
    if notes[0].body.strip() == body.strip():
        return []
    forge.edit_note(notes[0], body)
    return ["rewrote the note"]
