"""Writing changes: all or nothing (invariant 7 of ARCHITECTURE.md).

Knows how to check what stands on the disk and in which order to touch it. The journal (its
module says where it is) makes the order recoverable: a process killed between any two steps
leaves a tree that `recover` brings to all-before or all-after.

One dockerfix writes below a root at a time: it holds a lock on the root's folder, which the
system releases when the process ends, however it ends.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from dockerfix.repo import disk
from dockerfix.repo.errors import (
    ChangedError,
    DiskFullError,
    LockedError,
    ReadOnlyError,
    RecoveryError,
    UncommittedError,
    UnsafePathError,
    UnversionedError,
    WriteError,
)
from dockerfix.repo.git import uncommitted, unversioned
from dockerfix.repo.journal import (
    Action,
    Journal,
    Outcome,
    PathChange,
    RecoveryReport,
    State,
    journal_folder,
    settle,
)
from dockerfix.repo.safe_path import check_path, lstat
from dockerfix.text import Kind, Snapshot

__all__ = ["Outcome", "RecoveryReport", "recover", "uncommitted", "write_changes"]


def write_changes(
    root: Path, snapshot: Snapshot, changes: Mapping[str, bytes | None], *, force: bool
) -> None:
    """Write new bytes to paths (relative to the root), or delete them (None).

    Either every change is on the disk when this returns, or it raises and every file is as
    it was. Modes and owners of files that exist are kept; new folders are made, and folders
    that a deletion leaves empty are removed. `force` writes over what Git could not bring back:
    uncommitted changes, and files outside of any work tree.

    Raises a `WriteError` whose type says why: `UnsafePathError`, `ChangedError`,
    `UncommittedError`, `UnversionedError`, `GitUnavailableError`, `ReadOnlyError`, `DiskFullError`,
    `LockedError`; `RecoveryError` when going back failed too, and the next run must settle
    it; `SnapshotError` for a file that cannot be compared. `KeyboardInterrupt` passes
    through; once writing has begun, its text says whether everything or nothing was written.
    """
    top = root.resolve()
    wanted = {
        path: data
        for path, data in sorted(changes.items())
        if data is None or path not in snapshot or snapshot.read(path) != data
    }
    if not wanted:
        return
    with _locked(top):
        _settle(top)
        steps = tuple(
            _checked(top, snapshot, number, path, data)
            for number, (path, data) in enumerate(wanted.items())
        )
        folders = _new_folders(top, steps)
        if not force:
            _check_history(top, wanted)
        _Write(Journal(top, os.urandom(4).hex(), folders, steps), snapshot, wanted).run()


def recover(root: Path) -> RecoveryReport | None:
    """Settle a write that was interrupted below this root; None when there is none.

    To be called before the snapshot is read. Raises `LockedError` when that write is still
    under way, and `RecoveryError` when it cannot be settled without losing something.
    """
    top = root.resolve()
    if not os.path.lexists(journal_folder(top)):
        return None
    with _locked(top):
        return _settle(top)


def _check_history(top: Path, paths: Iterable[str]) -> None:
    """Refuse what Git could not bring back; raises a `WriteError`."""
    if alone := tuple(unversioned(top, paths)):
        raise UnversionedError(alone)
    if dirty := tuple(uncommitted(top, paths)):
        raise UncommittedError(dirty)


class _Write:
    """One write under way. The lock is held and everything was checked."""

    def __init__(
        self, journal: Journal, snapshot: Snapshot, changes: Mapping[str, bytes | None]
    ) -> None:
        self.journal = journal
        self.snapshot = snapshot
        self.changes = changes
        self.done = False

    def run(self) -> None:
        try:
            self._go_on_or_back()
        except KeyboardInterrupt:
            what = "everything was written" if self.done else "nothing was written"
            raise KeyboardInterrupt(what) from None

    def _go_on_or_back(self) -> None:
        try:
            self._prepare()
            self._place()
            self._finish()
        except BaseException as error:
            with _uninterrupted():
                self._settle_after(error)
            if not self.done or isinstance(error, KeyboardInterrupt):
                raise

    def _prepare(self) -> None:
        """Write every new file beside its place. No file of the tree is touched."""
        with _blaming(journal_folder(self.journal.top).relative_to(self.journal.top).as_posix()):
            self.journal.begin()
        for path in self.journal.folders:
            with _blaming(path):
                (self.journal.top / path).mkdir(exist_ok=True)
        for step in self.journal.steps:
            data = self.changes[step.path]
            if data is not None:
                with _blaming(step.path):
                    like = lstat(self.journal.target(step))
                    disk.write_new(self.journal.new(step), data, like)

    def _place(self) -> None:
        """Put the new files in their places, and keep the old ones beside them."""
        with _blaming(str(self.journal.top)):
            self.journal.advance(State.PREPARE, State.UNDO)
        for step in self.journal.steps:
            with _blaming(step.path):
                self._place_one(step)

    def _place_one(self, step: PathChange) -> None:
        target, old, new = (
            of(step) for of in (self.journal.target, self.journal.old, self.journal.new)
        )
        match step.action:
            case Action.CREATE:
                disk.place_new(new, target)
            case Action.REPLACE:
                disk.put_aside(target, old)
                self._compare(step)
                new.replace(target)
            case Action.DELETE:
                target.rename(old)
                self._compare(step)

    def _compare(self, step: PathChange) -> None:
        """The last look at a file, when it is already kept: nobody can change it unseen."""
        if disk.digest(self.journal.old(step)) != self.snapshot.digest(step.path):
            raise _changed(step.path)

    def _finish(self) -> None:
        with _blaming(str(self.journal.top)):
            self.journal.advance(State.UNDO, State.DONE)
        self.done = True
        _settle(self.journal.top)

    def _settle_after(self, error: BaseException) -> None:
        """Go back, or on if the disk has the last state; the journal knows which."""
        try:
            report = settle(self.journal.top)
        except (OSError, WriteError) as second:
            state = "written" if self.done else "partly written"
            raise RecoveryError(
                str(self.journal.top),
                f"the changes are {state}, and tidying up failed: {second} (after: {error})",
                "run dockerfix again: it first settles an interrupted write",
            ) from error
        if report is not None:
            self.done = report.outcome is Outcome.AFTER


def _checked(
    top: Path, snapshot: Snapshot, number: int, path: str, data: bytes | None
) -> PathChange:
    """The step for one change; raises a `WriteError` when it must not be made."""
    import hashlib  # loads OpenSSL: only a write needs it

    with _blaming(path):
        check_path(top, path)
        status = lstat(top / path)
        if path in snapshot:
            _check_unchanged(top, snapshot, path, status)
        elif data is None:
            raise UnsafePathError(path, "does not exist and so cannot be deleted")
        elif status is not None:
            raise _appeared(snapshot, path)
    if data is None:
        return PathChange(number, path, Action.DELETE)
    action = Action.REPLACE if path in snapshot else Action.CREATE
    return PathChange(number, path, action, hashlib.sha256(data).hexdigest())


def _check_unchanged(
    top: Path, snapshot: Snapshot, path: str, status: os.stat_result | None
) -> None:
    if status is None:
        raise _changed(path)
    if snapshot.entries[path].kind is Kind.SYMLINK:
        raise UnsafePathError(path, "is a symbolic link", "name the file that it points to instead")
    if not stat.S_ISREG(status.st_mode) or disk.digest(top / path) != snapshot.digest(path):
        raise _changed(path)


def _new_folders(top: Path, steps: tuple[PathChange, ...]) -> tuple[str, ...]:
    """Folders to make, outermost first; raises when one of those that exist is read-only."""
    missing: set[str] = set()
    for step in steps:
        with _blaming(step.path):
            for parent in PurePosixPath(step.path).parents:
                if lstat(top / parent) is not None:
                    _check_writable(top / parent, step.path)
                    break
                missing.add(parent.as_posix())
    return tuple(sorted(missing))


def _check_writable(folder: Path, path: str) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ReadOnlyError(
            path,
            f"the folder {folder} is read-only; nothing was written",
            "make it writable, or apply the printed patch elsewhere",
        )


def _changed(path: str) -> ChangedError:
    return ChangedError(
        path, "changed while dockerfix was running; nothing was written", "run it again"
    )


def _appeared(snapshot: Snapshot, path: str) -> WriteError:
    why = snapshot.why_unknown(path)
    if why is not None:
        return UnsafePathError(
            path, f"exists, but was left out, because {why.value}", "choose another name"
        )
    return ChangedError(
        path, "appeared while dockerfix was running; nothing was written", "run it again"
    )


@contextmanager
def _blaming(path: str) -> Iterator[None]:
    """Turn an `OSError` into the `WriteError` that says what it means for a path."""
    try:
        yield
    except OSError as error:
        raise _meaning(path, error) from error


def _meaning(path: str, error: OSError) -> WriteError:
    reason = error.strerror or str(error)
    what = f"cannot be written: {reason[:1].lower()}{reason[1:]}; nothing was written"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return DiskFullError(path, what, "make room and run dockerfix again")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return ReadOnlyError(
                path, what, "make file and folder writable, or apply the printed patch elsewhere"
            )
        case errno.EEXIST | errno.ENOENT:
            return _changed(path)
    return WriteError(path, what, "settle that and run dockerfix again")


def _settle(top: Path) -> RecoveryReport | None:
    try:
        return settle(top)
    except OSError as error:
        raise RecoveryError(
            str(error.filename or top),
            f"an interrupted run of dockerfix cannot be settled: {error.strerror}",
            "settle that and run dockerfix again",
        ) from error


@contextmanager
def _locked(top: Path) -> Iterator[None]:
    """Hold the only right to write below a root; raises `LockedError`."""
    with _blaming(str(top)):
        descriptor = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise LockedError(
            str(top),
            "another dockerfix is writing here; nothing was written",
            "wait until it has ended and run this again",
        ) from None
    except OSError as error:
        os.close(descriptor)
        raise WriteError(
            str(top),
            f"cannot be locked on this file system: {error.strerror}; nothing was written",
            "print the patch and apply it with git apply",
        ) from None
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put Control-C off until the block has ended."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or handler is None:
        yield  # Python raises KeyboardInterrupt in the main thread only
        return
    pending: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: pending.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if pending:
        signal.raise_signal(signal.SIGINT)
