"""Findings: something noticed, for a person. Knows places and severities, no language."""

from __future__ import annotations

import enum

from msgspec import Struct

from dockerfix.text import Place


class Severity(enum.Enum):
    """How much a finding weighs."""

    NOTE = "note"
    """Worth knowing; the patch stands on its own."""
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

    def __str__(self) -> str:
        """`path:line:column: what`, as compilers print it."""
        return f"{self.place}: {self.what}" if self.place else self.what
