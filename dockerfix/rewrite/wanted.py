"""What a rewrite is asked for, what it answers, and how it says no.

Knows the words of builds; knows no file format.
"""

from __future__ import annotations

from msgspec import Struct

from dockerfix.facts.finding import Finding, Severity
from dockerfix.facts.model import Build, set_outside
from dockerfix.facts.repository import Facts
from dockerfix.facts.shell.words import ROOTS
from dockerfix.text import Edit, EditConflictError, EditSet, Place, inner_path, is_within

Edits = list[tuple[str, Edit]]
"""Edits with the path of the file that each one belongs to."""


_SHOWN = 60
"""Characters of a change that are shown."""


class Wanted(Struct, frozen=True):
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


class Change(Struct, frozen=True):
    """A build, and what it must ask for."""

    build: Build
    wanted: Wanted


def names_both(build: Build) -> bool:
    """Whether who asks for a build hands it the context and the Dockerfile alike."""
    words = (build.context_written, build.dockerfile_written)
    return all(word is not None and set_outside(word) - set(ROOTS) for word in words)


def below_value(change: Change, written: str) -> str | None:
    """A smaller context behind the words of the old one, where somebody may set these: a folder
    below it is named so whatever they hold. None where the old one says all by itself, or where
    whoever sets it names the Dockerfile as well, which may be another one then."""
    build, context, old = change.build, change.wanted.context, change.build.context_written
    if context is None or build.context is None or old is None or not set_outside(old):
        return None
    if context == build.context or not is_within(context, build.context) or names_both(build):
        return None
    head = written.removesuffix("/.").rstrip("/")
    return f"{head}/{inner_path(context, build.context)}"


class Refused(Exception):  # noqa: N818 - an outcome, not a fault
    """A call site that cannot be rewritten safely: where, what stands in the way, what to do.

    `changes` are those that were asked for there, as far as it is known.
    """

    changes: tuple[Change, ...] = ()

    def __init__(self, place: Place, what: str, action: str) -> None:
        super().__init__(f"{place}: {what}")
        self.place = place
        self.what = what
        self.action = action

    def finding(self, why: str) -> Finding:
        """The refusal of a call site, for the report; `why` says what would break."""
        return Finding(
            Severity.REFUSE,
            "call-site",
            f"this call site cannot be rewritten: {self.what}",
            why,
            self.action or "rewrite it by hand",
            self.place,
            self.place.path,
        )


def _said(edit: Edit) -> str:
    """What an edit writes, for a person."""
    text = " ".join(edit.replacement.decode("utf-8", "replace").split())
    return f"`{text[:_SHOWN]}`" if text else "a removal"


def united(facts: Facts, edits: Edits) -> dict[str, EditSet]:
    """The edits of each file as one set, in the order of the paths.

    Raises `Refused` at the second of two edits that overlap and are not the same.
    """
    by_path: dict[str, list[Edit]] = {}
    for path, edit in edits:
        by_path.setdefault(path, []).append(edit)
    found: dict[str, EditSet] = {}
    for path, listed in sorted(by_path.items()):
        try:
            found[path] = EditSet.of(listed)
        except EditConflictError as error:
            place = facts.snapshot.source(path).place(error.second.span)
            raise Refused(
                place,
                f"this line needs both {_said(error.first)} and {_said(error.second)}, and "
                "dockerfix cannot combine them",
                "make one of them by hand, then run again",
            ) from None
    return found
