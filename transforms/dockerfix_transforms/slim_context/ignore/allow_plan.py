"""An ignore file for one Dockerfile, before it is written. Data alone."""

from __future__ import annotations

from msgspec import Struct

from dockerfix.api import Edit, Instruction, Sent


class AllowPlan(Struct, frozen=True):
    """The ignore file `path`: created, or edits of the one that stands there; and what each
    builder is sent before and after."""

    path: str
    before: Sent
    after: Sent
    created: bytes | None = None
    edits: tuple[Edit, ...] = ()
    narrows: Instruction | None = None
    """The COPY of the whole context that takes less from now on."""
    left: bool = False
    """Whether the file names what is left out, not what is let through."""
