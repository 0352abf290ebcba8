"""What the person asked for."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from dockerfix.api import StepDown


class Wishes(Struct, frozen=True):
    """What the person asked for; `without` are files and call sites (by their place) that a
    check of the engine had changed less, with how much less."""

    into: str
    keep_old: bool
    no_ci: bool
    accept: frozenset[str]
    without: Mapping[str, StepDown]
