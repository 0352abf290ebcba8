"""A verification as a person watches it: one living line on a terminal, plain lines elsewhere.

Knows streams and events of the verify layer; everything goes to standard error.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dockerfix.cli.output import tell
from dockerfix.verify.watch import Event, Phase, Progress, Watch, unwatched

if TYPE_CHECKING:
    from rich.text import Text

    from dockerfix.traces.steps import Step

_SLOW = 1.0
"""Steps below this many seconds get no line of their own."""


@contextlib.contextmanager
def watching(*, quiet: bool) -> Iterator[Watch]:
    """Something that shows events, for as long as the context lasts."""
    if quiet:
        yield unwatched
    elif sys.stderr is not None and sys.stderr.isatty():
        with _living() as watch:
            yield watch
    else:
        yield PlainWatch(tell)


class PlainWatch:
    """A line for each phase and for each step that took its time."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.write = write
        self.start = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, Phase):
            self.line(event.text)
        elif event.step is not None and event.step.seconds >= _SLOW:
            self.line(f"{event.what}: {_counted(event)}, {_ended(event.step)}")

    def line(self, text: str) -> None:
        """One line with the seconds since the start."""
        self.write(f"{time.monotonic() - self.start:7.1f} s  {text}\n")


class LivingWatch:
    """What happens now, in a form that rich draws again and again."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.write = write
        self.phase = ""
        self.since = time.monotonic()
        self.progress: Progress | None = None

    def __call__(self, event: Event) -> None:
        """Take over one event."""
        if isinstance(event, Phase):
            self.phase, self.since, self.progress = event.text, time.monotonic(), None
        else:
            self.progress = event
            if event.step is not None and event.step.seconds >= _SLOW:
                self.write(f"{event.what}: {_ended(event.step)}")

    def __rich__(self) -> Text:
        """The line as it is now."""
        from rich.text import Text

        spent = time.monotonic() - self.since
        shown = Text(no_wrap=True, overflow="ellipsis")
        shown.append(f"{spent:5.0f} s  ", style="cyan")
        shown.append(self.phase or "starting")
        if self.progress is not None:
            running = self.progress.steps.running
            shown.append(f"\n         {_counted(self.progress)}", style="bold")
            shown.append(f"  {running.name}" if running is not None else "", style="dim")
        return shown


@contextlib.contextmanager
def _living() -> Iterator[Watch]:
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    watch = LivingWatch(lambda line: console.print(line, markup=False, style="dim"))
    with Live(console=console, refresh_per_second=4, transient=True, get_renderable=watch.__rich__):
        yield watch


def _counted(progress: Progress) -> str:
    """How many steps are done and how many are left, as far as the builder has told."""
    done, count = progress.steps.done, len(progress.steps.instructions)
    return f"{done} of {count} steps, {count - done} left" if count else "preparing"


def _ended(step: Step) -> str:
    how = "cached" if step.cached else f"{step.seconds:.1f} s"
    return f"{how}  {step.name}"
