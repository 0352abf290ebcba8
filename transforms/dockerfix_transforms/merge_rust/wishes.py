"""What the person asked for: the options of a merge, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from dockerfix.api import OptionSpec, StepDown

OPTIONS = (
    OptionSpec(
        "into",
        "Name or path of the merged file; without it, Dockerfile.all, or all.Dockerfile for"
        " files named x.Dockerfile.",
        default="",
        metavar="NAME",
    ),
    OptionSpec("keep-old", "Keep the old Dockerfiles beside the merged one.", kind=bool),
    OptionSpec(
        "no-ci",
        "Write the Dockerfile only; list the call sites. Implies --keep-old.",
        kind=bool,
    ),
)
"""The options of every merge, whatever the language."""


class Wishes(Struct, frozen=True):
    """What the person asked for; `without` are files and call sites (by their place) that a
    check of the engine had changed less, with how much less."""

    into: str
    keep_old: bool
    no_ci: bool
    accept: frozenset[str]
    without: Mapping[str, StepDown]

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Wishes:
        """The wishes that the values of `OPTIONS`, and what every transform is given, say."""
        return cls(
            str(options["into"]),
            bool(options["keep-old"]) or bool(options["no-ci"]),
            bool(options["no-ci"]),
            frozenset(options["accept"]),
            options.get("without", {}),
        )
