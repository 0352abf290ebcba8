"""Variables of a Makefile as they are assigned, and what conditionals leave of them.

Follows "The two flavors of variables" and "Conditional parts" of the GNU make manual. Knows
assignments; expands none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from dockerfix.text import MappedText, Source
from dockerfix.text.values import Keyed


class Assigned(Keyed, frozen=True, eq=False):
    """One assignment: its value as written, and the file that holds it.

    `weak` is `?=`, which the environment overrides. `seen` are the variables that a `:=` was
    expanded with, None for one that is expanded where it is used. `before` is what `+=` appends
    to; `others` are the values that another branch of a conditional gives (None: none at all).
    """

    aside = ("seen", "source", "value")

    text: str
    value: MappedText
    source: Source
    weak: bool = False
    opaque: bool = False
    """Whether a command prints it (`!=`)."""
    lines: bool = False
    """Whether `define` gives it whole lines."""
    seen: Mapping[str, Assigned] | None = None
    before: Assigned | None = None
    others: tuple[Assigned, ...] = ()

    @property
    def all(self) -> Iterator[Assigned]:
        """This, what it appends to, and the values of other branches."""
        yield self
        if self.before is not None:
            yield from self.before.all
        for other in self.others:
            yield from other.all

    @property
    def texts(self) -> Iterator[str]:
        """The texts of all values that it may have, as written."""
        yield from (assigned.text for assigned in self.all)


Variables = dict[str, Assigned]


def either(before: Variables, branches: Iterable[Variables], exhaustive: bool) -> Variables:
    """The variables behind a conditional of which one branch counts, or none."""
    states = [*(() if exhaustive else (before,)), *branches]
    merged: Variables = {}
    for name in dict.fromkeys(name for state in states for name in state):
        values = list(dict.fromkeys(s[name] for s in states if name in s))
        missing = any(name not in state for state in states)
        merged[name] = _one_of(values, missing)
    return merged


def _one_of(values: list[Assigned], missing: bool) -> Assigned:
    """One of several values; where a branch gives none, the environment may."""
    flat = [inner for value in values for inner in (value, *value.others)]
    first, *others = [replace(value, others=()) for value in flat]
    weak = missing or first.weak
    return replace(first, weak=weak, others=tuple(dict.fromkeys(others)))
