"""A verification as a person watches it: one living line on a terminal, plain lines elsewhere.

Knows streams and events of the verify layer; everything goes to standard error.
"""

from __future__ import annotations

import contextlib
import sys
import threading
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
_SILENCE = 15.0
"""Seconds after which a line says what still runs."""


@contextlib.contextmanager
def watching(*, quiet: bool) -> Iterator[Watch]:
    """Something that shows events, for as long as the context lasts."""
    if quiet:
        yield unwatched
    elif sys.stderr is not None and sys.stderr.isatty():
        with _living() as watch:
            yield watch
    else:
        watch = PlainWatch(tell)
        with watch.alive(_SILENCE):
            yield watch


class PlainWatch:
    """A line for each phase and for each step that took its time, and one whenever nothing
    was said for a while, so that no CI system takes the job for dead."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.write = write
        self.start = self.since = self.said = time.monotonic()
        self.running = "starting"

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, Phase):
            self.running, self.since = event.text, time.monotonic()
            self.line(event.text)
            return
        step = event.steps.running
        running = f"{event.what}: {_counted(event)}" + (f", {step.name}" if step else "")
        if running != self.running:
            self.running, self.since = running, time.monotonic()
        if event.step is not None and event.step.seconds >= _SLOW:
            self.line(f"{event.what}: {_counted(event)}, {_ended(event.step)}")

    def line(self, text: str) -> None:
        """One line with the seconds since the start."""
        self.said = time.monotonic()
        self.write(f"{self.said - self.start:7.1f} s  {text}\n")

    @contextlib.contextmanager
    def alive(self, silence: float) -> Iterator[None]:
        """Say what runs and for how long after so many seconds without a line."""
        ended = threading.Event()

        def remind() -> None:
            while not ended.wait(silence / 10):
                now = time.monotonic()
                if now - self.said >= silence:
                    self.line(f"{self.running} (for {now - self.since:.0f} s)")

        thread = threading.Thread(target=remind, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


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
