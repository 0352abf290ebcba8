"""Whether what an image runs is still the same: it is started for a moment on both sides.

An image can hold every file and be empty all the same: cargo-chef leaves `fn main(){}` binaries
in the target folder, and a container of one ends with 0 at once. Knows how two starts are
compared; starting is the engine's business.
"""

from __future__ import annotations

import enum
import posixpath

from msgspec import Struct

_SHELLS = frozenset({"sh", "bash", "ash", "dash", "busybox", "env"})
"""Programs whose `--version` says nothing of what the image is for."""


class Ending(enum.Enum):
    """How a start ended; `value` is how a person reads it."""

    RUNNING = "still running"
    EXITED = "ended"
    FAILED = "could not be started"


class Start(Struct, frozen=True):
    """One start of a container: how it ended, its exit code (0 while it runs), and the lines
    that it printed first."""

    ending: Ending
    code: int = 0
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        """`ended with 0, first line "..."`."""
        ended = f"ended with {self.code}" if self.ending is Ending.EXITED else self.ending.value
        return f'{ended}, first line "{self.lines[0]}"' if self.lines else f"{ended}, no output"


class StartCheck(Struct, frozen=True):
    """One command started in both images, and what came of it.

    `same` is the verdict; `remark` is worth telling all the same.
    """

    command: tuple[str, ...]
    before: Start
    after: Start
    same: bool
    remark: str = ""


def version_command(command: tuple[str, ...]) -> tuple[str, ...] | None:
    """What asks the program that an image runs for its version; None for a shell."""
    if not command or posixpath.basename(command[0]) in _SHELLS:
        return None
    return (command[0], "--version")


def answers(start: Start) -> bool:
    """Whether the program answered to `--version`."""
    return start.ending is Ending.EXITED and start.code == 0 and bool(start.lines)


def compare_versions(command: tuple[str, ...], before: Start, after: Start) -> StartCheck:
    """Two answers to `--version`: they must be the same text."""
    return StartCheck(command, before, after, before == after)


def compare_starts(command: tuple[str, ...], before: Start, after: Start) -> StartCheck:
    """Two starts of what the image runs.

    They must end alike, and one that printed something must print something again. Lines may
    differ by times, numbers and order, so that other first lines are only remarked.
    """
    alike = (before.ending, before.code) == (after.ending, after.code)
    speaks = bool(before.lines) == bool(after.lines)
    remark = ""
    if alike and speaks and _shape(before) != _shape(after):
        remark = "its first line of output differs, which does not count"
    return StartCheck(command, before, after, alike and speaks, remark)


def _shape(start: Start) -> str:
    """The first line, each run of digits as one sign."""
    line = start.lines[0] if start.lines else ""
    shape: list[str] = []
    for char in line:
        sign = "#" if char.isdigit() else char
        if sign != "#" or shape[-1:] != ["#"]:
            shape.append(sign)
    return "".join(shape)
