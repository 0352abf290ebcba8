"""How long a command may read: what it is doing after a second, and an end after `--timeout`.

The alarm interrupts whatever runs, so that nothing in a repository, however it is made, can keep
a person or a CI job waiting. Knows time, terminals and which file is being read.
"""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from types import FrameType

    from dockerfix.text import Snapshot

_KEY = "dockerfix.cli.budget"
_CLEAR = "\r\x1b[K"
_WIDTH = 78


class OutOfTime(BaseException):
    """The budget is spent: for how long it ran, in seconds, and on which file it was.

    Not an `Exception`, so that nobody who expects faults of a plugin or a file takes it for one.
    """

    def __init__(self, seconds: float, path: str) -> None:
        where = f" while reading {path}" if path else ""
        super().__init__(f"gave up after {seconds:g} s{where}")


class Budget:
    """The time of one command, counted from its start."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.snapshot: Snapshot | None = None
        self.shown = False
        self.began = time.monotonic()
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self._tick)
            signal.setitimer(signal.ITIMER_REAL, 1.0, 1.0)

    def stop(self) -> None:
        """Let what follows take its time, and take back what was shown."""
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        if self.shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
            self.shown = False

    def _tick(self, number: int, frame: FrameType | None) -> None:
        path = self.snapshot.reading if self.snapshot is not None else ""
        if time.monotonic() - self.began >= self.seconds:
            self.stop()
            raise OutOfTime(self.seconds, path)
        if sys.stderr is not None and sys.stderr.isatty():
            text = f"reading {path}" if path else "reading the repository"
            sys.stderr.write(f"{_CLEAR}{text[:_WIDTH]}")
            sys.stderr.flush()
            self.shown = True


def _start(context: click.Context, _: click.Parameter, seconds: float) -> float:
    if not context.resilient_parsing:
        budget = Budget(seconds)
        context.meta[_KEY] = budget
        context.call_on_close(budget.stop)
    return seconds


TIMEOUT = click.Option(
    ["--timeout"],
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    expose_value=False,
    callback=_start,
    help="Give up reading after this time, and name the file.",
)


def current() -> Budget | None:
    """The budget of the command that runs, if it has one."""
    context = click.get_current_context(silent=True)
    found = context.meta.get(_KEY) if context is not None else None
    return found if isinstance(found, Budget) else None
