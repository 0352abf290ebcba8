"""What a comparison of two chains finds, line by line. Knows no instruction."""

from __future__ import annotations

from collections.abc import Collection

from dockerfix.proof.rules.pair import Use
from dockerfix.text import Place


class Notes:
    """Differences that a rule allows, and failures; each keeps the first of equal lines.

    `changed` are single instructions that may differ: the rule, and the text before and after.
    """

    def __init__(self, changed: Collection[tuple[str, str, str]]) -> None:
        self.changed = changed
        self.differences: dict[str, None] = {}
        self.failures: dict[str, None] = {}

    def allow(self, use: Use, old: Place | None, new: Place | None) -> None:
        """Note a difference under its rule, with both places."""
        places = " -> ".join(str(place) for place in (old, new) if place is not None)
        self.differences[f"{use.rule}: {use.what} ({places})"] = None

    def named(self, old: str, new: str) -> Use | None:
        """The permit that names this very difference of one instruction."""
        for rule, before, after in sorted(self.changed):
            if (before, after) == (old, new):
                what = f"`{old}` became `{new}`" if old and new else f"`{old or new}`"
                return Use(rule, f"{what}: accepted")
        return None

    def fail(self, place: Place, what: str) -> None:
        """Note a difference that no rule allows."""
        self.failures[f"{place}: {what}"] = None
