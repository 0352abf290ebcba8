"""The journal of a write: what is under way, so that whoever comes next can settle it.

Knows the names under which new and old files wait, and how to go back or forward from any
state; does not know where the changes come from.

The journal is one file in a folder of its own: `.git/dockerfix` when the root has a `.git`
folder, else `.dockerfix-journal` in the root. Both file and folder are gone when no write is
under way. The file's name is its state:

- `prepare.json`: new files are being written beside their targets (`.dockerfix-*.new`); no
  file of the tree was touched. Settled by removing them: all is as before.
- `undo.json`: new files take their places; every file replaced or deleted is kept beside its
  place (`.dockerfix-*.old`). Settled by putting these back: all is as before.
- `done.json`: everything stands in its place, on the disk. Settled by removing what was kept:
  all is as after.

Each state follows from the one before by one rename, so a process killed at any point, or a
machine that loses its power, leaves one of them.
"""

from __future__ import annotations

import contextlib
import enum
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, assert_never

from dockerfix.repo import disk
from dockerfix.repo.errors import RecoveryError
from dockerfix.repo.names import JOURNAL_NAME
from dockerfix.repo.safe_path import check_path
from dockerfix.text.units import counted

_VERSION: Final = 1
_UNFINISHED: Final = "journal.tmp"


class State(enum.Enum):
    """How far a write has come; the value is the journal's file name."""

    PREPARE = "prepare.json"
    UNDO = "undo.json"
    DONE = "done.json"


class Action(enum.Enum):
    """What happens to one path."""

    REPLACE = "replace"
    CREATE = "create"
    DELETE = "delete"


class Outcome(enum.Enum):
    """What recovery made of an interrupted write."""

    BEFORE = "undone: every file is as it was before"
    AFTER = "completed: every file is as it was to be"


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """An interrupted write was settled; `paths` are the files that it was about."""

    outcome: Outcome
    paths: tuple[str, ...]

    def __str__(self) -> str:
        """One sentence for the person."""
        files = counted(len(self.paths), "file")
        return f"an interrupted run of dockerfix on {files} was {self.outcome.value}"


@dataclass(frozen=True, slots=True)
class PathChange:
    """One path of a write (relative to the root), what happens to it, and the sha256 of its
    new bytes (hexadecimal; empty for a deletion). `number` counts from 0."""

    number: int
    path: str
    action: Action
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Journal:
    """A write: its steps, and the folders that it makes, outermost first."""

    top: Path
    token: str
    folders: tuple[str, ...]
    steps: tuple[PathChange, ...]

    def target(self, step: PathChange) -> Path:
        """Where the step's file stands."""
        return self.top / step.path

    def new(self, step: PathChange) -> Path:
        """Where its new bytes wait, in the same folder."""
        return self._beside(step, "new")

    def old(self, step: PathChange) -> Path:
        """Where the file that it replaces or deletes is kept, in the same folder."""
        return self._beside(step, "old")

    def _beside(self, step: PathChange, suffix: str) -> Path:
        # Not made from the file's own name, which may be as long as names can be.
        name = f".dockerfix-{self.token}-{step.number}.{suffix}"
        return self.target(step).parent / name

    def begin(self) -> None:
        """Enter the journal, in state PREPARE. Raises `OSError`."""
        import json

        folder = journal_folder(self.top)
        folder.mkdir(exist_ok=True)
        disk.sync_folder(folder.parent)
        record = {
            "version": _VERSION,
            "token": self.token,
            "folders": self.folders,
            "steps": [asdict(step) | {"action": step.action.value} for step in self.steps],
        }
        disk.write_new(folder / _UNFINISHED, json.dumps(record, indent=1).encode("ascii"))
        (folder / _UNFINISHED).rename(folder / State.PREPARE.value)
        disk.sync_folder(folder)

    def advance(self, old: State, new: State) -> None:
        """Enter the next state, once everything before it lasts. Raises `OSError`."""
        self.sync()
        folder = journal_folder(self.top)
        (folder / old.value).rename(folder / new.value)
        disk.sync_folder(folder)

    def sync(self) -> None:
        """Make all names that the write touches last."""
        touched = {(self.top / path).parent for path in self.folders}
        touched |= {self.target(step).parent for step in self.steps}
        for folder in sorted(touched):
            with contextlib.suppress(FileNotFoundError):
                disk.sync_folder(folder)


def journal_folder(top: Path) -> Path:
    """Where the journal of a root is; it need not exist."""
    git = top / ".git"
    return git / "dockerfix" if git.is_dir() else top / JOURNAL_NAME


def settle(top: Path) -> RecoveryReport | None:
    """Bring an interrupted write to its end, backward or forward; None when there is none.

    The caller holds the lock. May itself be killed at any point and be called again. Raises
    `OSError`, and `RecoveryError` when a file was changed since the interruption, so that
    going back would lose that change; nothing is touched then.
    """
    folder = journal_folder(top)
    if not os.path.lexists(folder):
        return None
    if folder.is_symlink() or not folder.is_dir():
        raise _foreign(folder, "it is not a folder")
    state = next((s for s in reversed(State) if (folder / s.value).is_file()), None)
    report = None
    if state is not None:
        journal = _load(top, folder / state.value)
        report = _settle(journal, state)
        journal.sync()
        (folder / state.value).unlink()
    (folder / _UNFINISHED).unlink(missing_ok=True)
    disk.remove_empty_folder(folder)
    return report


def _settle(journal: Journal, state: State) -> RecoveryReport:
    match state:
        case State.PREPARE:
            _discard(journal)
            outcome = Outcome.BEFORE
        case State.UNDO:
            _refuse_conflicts(journal)
            for step in journal.steps:
                _undo(journal, step)
            _discard(journal)
            outcome = Outcome.BEFORE
        case State.DONE:
            for step in journal.steps:
                journal.old(step).unlink(missing_ok=True)
                if step.action is Action.DELETE:
                    _remove_emptied(journal, step)
            outcome = Outcome.AFTER
        case _:
            assert_never(state)
    return RecoveryReport(outcome, tuple(step.path for step in journal.steps))


def _discard(journal: Journal) -> None:
    """Remove new files that wait, and folders that were made for them."""
    for step in journal.steps:
        journal.new(step).unlink(missing_ok=True)
    for path in reversed(journal.folders):
        disk.remove_empty_folder(journal.top / path)


def _undo(journal: Journal, step: PathChange) -> None:
    old, target = journal.old(step), journal.target(step)
    if step.action is Action.CREATE:
        if _is_placed(journal, step):
            target.unlink()
    elif os.path.lexists(old):
        disk.put_back(old, target)


def _is_placed(journal: Journal, step: PathChange) -> bool:
    """Whether the file that a CREATE step makes stands in its place. One that somebody else
    made there stands beside the new file, which still waits."""
    new, target = journal.new(step), journal.target(step)
    return os.path.lexists(target) and (not new.exists() or disk.same_file(new, target))


def _refuse_conflicts(journal: Journal) -> None:
    for step in journal.steps:
        if _is_conflict(journal, step):
            kept = journal.old(step)
            where = f"its old content is in {kept.relative_to(journal.top)}; "
            raise RecoveryError(
                step.path,
                "a run of dockerfix was interrupted, and the file was changed since; "
                + (where if kept.exists() else "")
                + "nothing was touched",
                "move your version away, run dockerfix again, and put back what you want to keep",
            )


def _is_conflict(journal: Journal, step: PathChange) -> bool:
    """Whether undoing a step would lose what somebody wrote since."""
    old, target = journal.old(step), journal.target(step)
    if not os.path.lexists(target):
        return False
    match step.action:
        case Action.REPLACE:
            mine = disk.same_file(old, target) or _digest(target) == step.digest
            return old.exists() and not mine
        case Action.DELETE:
            return old.exists() and _digest(target) != _digest(old)
        case Action.CREATE:
            return _is_placed(journal, step) and _digest(target) != step.digest
        case _:
            assert_never(step.action)


def _digest(path: Path) -> str | None:
    try:
        return disk.digest(path)
    except OSError:  # a link, a folder, or unreadable: not what dockerfix wrote
        return ""


def _remove_emptied(journal: Journal, step: PathChange) -> None:
    """Remove the folders that a deletion left empty, as `git apply` does."""
    for parent in PurePosixPath(step.path).parents[:-1]:
        if not disk.remove_empty_folder(journal.top / parent):
            return


def _load(top: Path, file: Path) -> Journal:
    """The journal in a file. It is input: a path that leaves the root is refused here too."""
    import json

    try:
        record = json.loads(file.read_bytes())
        journal = _journal(top, record)
    except (ValueError, KeyError, TypeError) as error:
        raise _foreign(file, f"it cannot be read ({error})") from None
    for path in (*journal.folders, *(step.path for step in journal.steps)):
        check_path(top, path)
    return journal


def _journal(top: Path, record: Mapping[str, Any]) -> Journal:
    if record["version"] != _VERSION:
        raise ValueError(f"version {record['version']}")
    token = str(record["token"])
    if not token.isalnum():
        raise ValueError("its token")
    steps = tuple(
        PathChange(number, str(item["path"]), Action(item["action"]), str(item["digest"]))
        for number, item in enumerate(record["steps"])
    )
    return Journal(top, token, tuple(str(path) for path in record["folders"]), steps)


def _foreign(path: Path, why: str) -> RecoveryError:
    return RecoveryError(
        str(path),
        f"looks like the journal of an interrupted run of dockerfix, but {why}",
        "look for files named .dockerfix-*.old beside yours, then remove it",
    )
