"""What a rewrite is asked for, what it answers, and how it says no.

Knows the words of builds; knows no file format.
"""

from __future__ import annotations

from dataclasses import dataclass

from dockerfix.facts.model import Build
from dockerfix.text import Edit, Place

Edits = list[tuple[str, Edit]]
"""Edits with the path of the file that each one belongs to."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a build must ask for afterwards; paths are relative to the root.

    `target` None means: the call site names none afterwards either. `context` None keeps the
    context. `arguments` are build arguments to add, with values in the syntax of a shell; None
    takes the value from the environment. `named_contexts` are named contexts to add.
    """

    dockerfile: str
    target: str | None = None
    context: str | None = None
    arguments: tuple[tuple[str, str | None], ...] = ()
    named_contexts: tuple[tuple[str, str], ...] = ()

    @property
    def flags(self) -> tuple[str, ...]:
        """What is added, as flags of `docker build`, not quoted."""
        given = (f"{name}={text}" if text is not None else name for name, text in self.arguments)
        return (
            *(f"--build-arg {text}" for text in given),
            *(f"--build-context {name}={text}" for name, text in self.named_contexts),
        )


@dataclass(frozen=True, slots=True)
class Change:
    """A build, and what it must ask for."""

    build: Build
    wanted: Wanted


class Refused(Exception):  # noqa: N818 - an outcome, not a fault
    """A call site that cannot be rewritten safely: where, what stands in the way, what to do."""

    def __init__(self, place: Place, what: str, action: str) -> None:
        super().__init__(f"{place}: {what}")
        self.place = place
        self.what = what
        self.action = action
