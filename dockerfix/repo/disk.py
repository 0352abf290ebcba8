"""Steps on the disk: each happens whole or raises `OSError`.

Knows files and folders by their full path; knows nothing of transactions. POSIX.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import Final

NEW_FILE_MODE: Final = 0o666
"""Before the umask, as Git and every editor create files."""

_NO_LINKS = frozenset(
    (errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
)


def write_new(path: Path, data: bytes, like: os.stat_result | None = None) -> None:
    """Create a file that must not exist, with the mode and owner of `like` if given. Returns
    when the disk has the bytes."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, NEW_FILE_MODE if like is None else 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if like is not None:
            _imitate(descriptor, like)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _imitate(descriptor: int, like: os.stat_result) -> None:
    own = os.fstat(descriptor)
    if (own.st_uid, own.st_gid) != (like.st_uid, like.st_gid):
        # Only a privileged user may give a file away; Git keeps no owner either.
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, like.st_uid, like.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(like.st_mode))  # after the owner: that clears set-id bits


def put_aside(path: Path, aside: Path) -> None:
    """Give the file at `path` a second name, so that replacing it loses nothing.

    Where the file system has no hard links, or does not let this user make one, the file is
    renamed: then there is a moment without a file at `path`.
    """
    try:
        aside.hardlink_to(path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        path.rename(aside)


def place_new(temporary: Path, path: Path) -> None:
    """Give a finished temporary file its name; raises `FileExistsError` when that is taken."""
    try:
        path.hardlink_to(temporary)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        temporary.rename(path)
    else:
        temporary.unlink()


def put_back(aside: Path, path: Path) -> None:
    """Undo `put_aside`, whatever stands at `path` now."""
    aside.replace(path)
    aside.unlink(missing_ok=True)  # rename does nothing when both names are one file


def remove_empty_folder(path: Path) -> bool:
    """Delete a folder if it is empty; whether it is gone."""
    try:
        path.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def sync_folder(path: Path) -> None:
    """Make the names in a folder last. File systems that cannot are passed over."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def same_file(left: Path, right: Path) -> bool:
    """Whether two names are one file; False when either is not there."""
    try:
        return os.path.samestat(left.lstat(), right.lstat())
    except FileNotFoundError:
        return False


def digest(path: Path) -> str | None:
    """The sha256 of a file's bytes, in hexadecimal; None when nothing is there. Raises
    `OSError` for a symbolic link."""
    import hashlib  # loads OpenSSL: only a write needs it

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
