"""What happens while a verification runs, for whoever shows it. Knows no terminal."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from dockerfix.traces.steps import Step, Steps


class Phase(Struct, frozen=True):
    """Something begins: `text` says what, for a person."""

    text: str


class Progress(Struct, frozen=True):
    """A build went on: `step` ended just now, or nothing did (None).

    `what` names what is built; `steps` holds everything that the builder has told so far.
    """

    what: str
    steps: Steps
    step: Step | None = None


Event = Phase | Progress
Watch = Callable[[Event], None]


def unwatched(event: Event) -> None:
    """Nobody looks."""
