"""Findings: something noticed, for a person. Knows places and severities, no language."""

from __future__ import annotations

import enum
from collections.abc import Collection

from msgspec import Struct

from dockerfix.text import Place


class Severity(enum.Enum):
    """How much a finding weighs."""

    NOTE = "note"
    """Worth knowing; the patch does not depend on it."""
    ASSUME = "assume"
    """A difference that reading cannot prove harmless; shown until it is accepted by name."""
    REFUSE = "refuse"
    """This file or call site is left out and named."""


class Finding(Struct, frozen=True):
    """What was noticed.

    `name` is the stable, dashed name that `--accept` and the settings take; `subject` tells
    two findings of one name apart (a stage, a job, a variable; may be empty). `what` is one
    sentence, `why` says why it matters, `action` what to do. `place` is None only for what
    concerns no single file.
    """

    severity: Severity
    name: str
    what: str
    why: str = ""
    action: str = ""
    place: Place | None = None
    subject: str = ""

    @classmethod
    def at(
        cls,
        place: Place | None,
        *,
        name: str,
        what: str,
        why: str = "",
        do: str = "",
        subject: str = "",
        severity: Severity = Severity.REFUSE,
    ) -> Finding:
        """A finding by its parts' names; a refusal unless `severity` says otherwise."""
        return cls(severity, name, what, why, do, place, subject)

    def __str__(self) -> str:
        """`path:line:column: what`, as compilers print it."""
        return f"{self.place}: {self.what}" if self.place else self.what

    def accepted_by(self, accept: Collection[str]) -> bool:
        """Whether the person accepted it, by `NAME` or by `NAME@path`."""
        return is_accepted(self.name, self.place.path if self.place is not None else "", accept)


def is_accepted(name: str, path: str, accept: Collection[str]) -> bool:
    """Whether `accept` takes a name at a file: as `NAME`, or as `NAME@path` where the path is
    the file's or that of a folder above it."""
    return accepting(name, path, accept) is not None


def accepting(name: str, path: str, accept: Collection[str]) -> str | None:
    """The item of `accept` that takes a name at a file; None when none does."""
    if name in accept:
        return name
    for item in accept:
        mine, at, where = item.partition("@")
        where = where.rstrip("/")
        if at and mine == name and (path == where or path.startswith(f"{where}/")):
            return item
    return None


class RefusalError(Exception):
    """Something is refused while it is read or made; `finding` says where, why and what to do."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding
