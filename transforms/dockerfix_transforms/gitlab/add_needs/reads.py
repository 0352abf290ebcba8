"""Which files of its tree a job reads, where every command says so.

Compared with the artifacts that other jobs hand over: what none of a job's commands can read need
not be waited for. Unknown is not nothing. Knows commands; knows no order.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterable

from dockerfix.api import Artifacts, Commands, Job, Ran, Snapshot
from dockerfix_transforms.gitlab.shallow_clone.no_tree import (
    names_file,
    reads_in_text,
    takes_no_file,
)

_MANIFESTS = ("Cargo.toml", "Cargo.lock", "deny.toml", ".cargo/config.toml", ".cargo/audit.toml")
_TABLE = {
    ("cargo", "audit"): ("Cargo.lock", ".cargo/audit.toml"),
    ("cargo", "deny"): _MANIFESTS,
    ("rustup",): ("rust-toolchain", "rust-toolchain.toml"),
    ("cargo", "install"): (),
}  # fmt: skip
"""What a program with a verb reads beside what its words name: names of files, in any folder."""
_NAMED = frozenset({"hadolint", "shellcheck", "cat", "head", "tail", "wc"})
"""Programs that read the files that their words name, and no others."""


def files_read(snapshot: Snapshot, job: Job, commands: Commands) -> frozenset[str] | None:
    """The paths that a job may read, relative to the root; None where that is not known."""
    if job.keys.keys() & {"hooks", "release", "pages", "trigger", "run"} or not commands.ran:
        return None
    if commands.unfollowed or commands.compose or reads_in_text(commands):
        return None
    found: set[str] = set()
    for ran in commands.ran:
        paths = _of_command(snapshot, ran)
        if paths is None:
            return None
        found |= paths
    return frozenset(found)


def _of_command(snapshot: Snapshot, ran: Ran) -> set[str] | None:
    """The paths that one command may read."""
    if ran.words[:1] != ("cargo",) and takes_no_file(ran) and not names_file(snapshot, ran):
        return set()
    rest = [word for word in ran.words[1:] if not word.startswith(("-", "+"))]
    if ran.name in _NAMED and rest and not any(char in w for w in rest for char in "*?[$"):
        return {posixpath.normpath(word) for word in rest}
    for head, names in _TABLE.items():
        if (ran.name, *rest[: len(head) - 1]) == head and "--path" not in ran.words:
            beside = {path for path in snapshot.paths if path.endswith(names)} if names else set()
            return {*names, *beside}
    return None


def may_be_read(artifacts: Artifacts, paths: Iterable[str]) -> bool:
    """Whether artifacts hold one of the paths, by their patterns and folders. Variables of a
    dotenv report reach every command, so they count as read."""
    if artifacts.dotenv or artifacts.untracked:
        return True
    patterns = [path.strip("/") for path in artifacts.paths]
    return any(_holds(pattern, path) for pattern in patterns for path in paths)


def _holds(pattern: str, path: str) -> bool:
    """Whether a pattern of artifacts is a path, or a folder above it."""
    if "$" in pattern:
        return True
    parts = path.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return any(fnmatch.fnmatchcase(each, pattern) for each in above)
