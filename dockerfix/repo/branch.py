"""A series of patches as commits on a new branch, without touching the work tree.

Commits are made with Git's own plumbing on an index of their own. Knows Git; knows nothing of
what a patch is about.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from dockerfix.repo.errors import GitUnavailableError


def author(root: Path) -> str:
    """`NAME <ADDRESS>` as Git would put it on a commit; a plain one where Git knows none."""
    try:
        said = _git(root, "var", "GIT_AUTHOR_IDENT").decode("utf-8", "replace")
    except GitUnavailableError:
        return "dockerfix <dockerfix@localhost>"
    return said[: said.rindex(">") + 1]


def commit_series(root: Path, branch: str, patches: Iterable[tuple[bytes, str]]) -> str:
    """Make `branch` at HEAD and put one commit on it for each patch with its message.

    Gives the name of the last commit. Raises `GitUnavailableError` when there is no Git
    repository, the branch exists already, or a patch does not apply to HEAD: then the files
    that it touches have changes that are in no commit. On an error there is no new branch.
    """
    _git(root, "check-ref-format", "--branch", branch)
    head = _git(root, "rev-parse", "--verify", "HEAD^{commit}").decode().strip()
    if _knows(root, f"refs/heads/{branch}"):
        raise GitUnavailableError(branch, "is a branch already", "name another one")
    prefix = _git(root, "rev-parse", "--show-prefix").decode().strip()
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _git(root, "read-tree", head, more=index)
        commit = head
        for patch, message in patches:
            place = [f"--directory={prefix}"] if prefix else []
            _git(root, "apply", "--cached", *place, "-", given=patch, more=index)
            tree = _git(root, "write-tree", more=index).decode().strip()
            words = ("commit-tree", tree, "-p", commit, "-F", "-")
            text = message.encode("utf-8", "surrogateescape")
            commit = _git(root, *words, given=text).decode().strip()
    _git(root, "update-ref", f"refs/heads/{branch}", commit, "0" * 40)
    return commit


def _knows(root: Path, ref: str) -> bool:
    try:
        _git(root, "rev-parse", "--verify", "--quiet", ref)
    except GitUnavailableError:
        return False
    return True


def _git(
    root: Path, *words: str, given: bytes | None = None, more: dict[str, str] | None = None
) -> bytes:
    """What git prints; raises `GitUnavailableError` with the first line of what it said."""
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=root,
            env=os.environ | {"LC_ALL": "C"} | (more or {}),
            input=given if given is not None else b"",
            capture_output=True,
            check=False,
        )
    except OSError as error:
        what = f"git cannot be run ({error.strerror})"
        raise GitUnavailableError(str(root), what, "install git") from None
    if done.returncode != 0:
        said = os.fsdecode(done.stderr).strip().splitlines()
        what = f"git {words[0]}: {said[0] if said else 'failed'}"
        raise GitUnavailableError(str(root), what, "commit or stash open changes, then run again")
    return done.stdout
