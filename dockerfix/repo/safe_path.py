"""Whether a path may be written below a root. Knows names and symbolic links, not contents."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path, PurePosixPath

from dockerfix.repo.errors import UnsafePathError
from dockerfix.text import normalise_path


def check_path(top: Path, path: str) -> None:
    """Raise `UnsafePathError` unless `path` names something in the tree below `top`.

    Refused: what is absolute or has `..`, `.` or empty parts; Git's own folder; a parent
    that is a symbolic link (wherever it leads: the file has another name then) or no folder.
    Parents that do not exist yet are fine.
    """
    if not path or normalise_path(path) != path or "\0" in path:
        raise UnsafePathError(
            path or "''", "not a path below the root", "write it relative to the root, without .."
        )
    if any(part.lower() == ".git" for part in PurePosixPath(path).parts):
        raise UnsafePathError(path, "lies in Git's own folder", "choose another place")
    for parent in reversed(PurePosixPath(path).parents[:-1]):
        status = lstat(top / parent)
        if status is None:
            return
        if stat.S_ISLNK(status.st_mode):
            raise UnsafePathError(
                path, f"{parent} is a symbolic link", "name the file by the folder it really is in"
            )
        if not stat.S_ISDIR(status.st_mode):
            raise UnsafePathError(path, f"{parent} is not a folder", "choose another place")


def lstat(path: Path) -> os.stat_result | None:
    """The status of a path, a symbolic link's its own; None when nothing is there."""
    try:
        return path.lstat()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        raise
