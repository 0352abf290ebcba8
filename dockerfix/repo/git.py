"""What Git says of files that are about to be written. The only place that runs git.

Git is asked and never told: it takes no lock and starts no hook or monitor.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from dockerfix.repo.errors import GitUnavailableError
from dockerfix.repo.root import work_tree_top

_READ_ONLY = ("--no-optional-locks", "--literal-pathspecs", "-c", "core.fsmonitor=false")
_REDIRECTIONS = frozenset(("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"))
"""What a hook sets in the environment: it would answer for another work tree."""
_STATUS = ("status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignored", "--")


def uncommitted(root: Path, paths: Iterable[str]) -> list[str]:
    """Those of `paths` (relative to the root) whose content on the disk is in no commit.

    That is: changed, staged only, untracked or ignored. A path that neither Git nor the disk
    knows is fine, and so is everything outside of a Git work tree. Each path is judged by
    the work tree that holds it, submodules by their own. Raises `GitUnavailableError` when
    there is a work tree and git is not installed or refuses to answer.
    """
    groups: dict[Path, list[str]] = {}
    top = root.resolve()
    for path in sorted(paths):
        tree = work_tree_top(_existing(top, path))
        if tree is not None:
            groups.setdefault(tree, []).append(path)
    dirty: set[str] = set()
    for tree, members in groups.items():
        inside = {os.path.relpath(top / path, tree): path for path in members}
        entries = _status(tree, tuple(inside))
        dirty |= {path for name, path in inside.items() if _covered(name, entries)}
    return sorted(dirty)


def unversioned(root: Path, paths: Iterable[str]) -> list[str]:
    """Those of `paths` (relative to the root) that exist and lie in no Git work tree."""
    top = root.resolve()
    there = (path for path in sorted(paths) if os.path.lexists(top / path))
    return [path for path in there if work_tree_top(_existing(top, path)) is None]


def _existing(top: Path, path: str) -> Path:
    """The nearest folder above a path that exists: a new file's folder may be new too."""
    return next(folder for folder in (top / path).parents if folder.is_dir())


def _covered(name: str, entries: Sequence[str]) -> bool:
    """Git names an untracked or ignored folder instead of what lies in it."""
    return any(name == entry or (entry[-1] == "/" and name.startswith(entry)) for entry in entries)


def _status(tree: Path, names: Sequence[str]) -> list[str]:
    import subprocess

    environment = {k: v for k, v in os.environ.items() if k not in _REDIRECTIONS}
    try:
        done = subprocess.run(
            ["git", *_READ_ONLY, *_STATUS, *names],
            cwd=tree,
            env=environment | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise GitUnavailableError(
            str(tree),
            "is a Git work tree, but git cannot be run, so uncommitted changes cannot be seen "
            f"({error.strerror})",
            "install git, or write all the same with --force",
        ) from None
    if done.returncode != 0:
        said = os.fsdecode(done.stderr).strip().splitlines()
        raise GitUnavailableError(
            str(tree),
            f"git cannot say what is committed: {said[0] if said else 'it failed'}",
            "settle that, or write all the same with --force",
        )
    return _entries(os.fsdecode(done.stdout))


def _entries(output: str) -> list[str]:
    """Paths of a `git status --porcelain=v1 -z`: `XY path`, and for a rename or copy its
    source as a field of its own."""
    fields = iter(output.split("\0"))
    found: list[str] = []
    for field in fields:
        if not field:
            continue
        found.append(field[3:])
        if "R" in field[:2] or "C" in field[:2]:
            found.append(next(fields, ""))
    return [path for path in found if path]
