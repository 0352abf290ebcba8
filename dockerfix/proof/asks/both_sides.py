"""The asks of two snapshots, made comparable. Knows values of variables; compares nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.repository import Facts
from dockerfix.proof.asks.asks import Ask, asks_of, values_for
from dockerfix.proof.asks.stages import can_be_built

_OUTPUT = re.compile(r"(?<=[{_])steps_\w+?_outputs_")
"""The step that an output comes from, in a variable that stands for the output."""


class BothSides(Struct, frozen=True):
    """The asks of two snapshots. `unfulfilled` are those of the new one that name a target which
    is not there, `broken` those of them that the patch is to blame for."""

    old: list[Ask]
    new: list[Ask]
    unfulfilled: list[Ask]
    broken: list[Ask]


def both_sides(
    before: Facts, after: Facts, targets: Sequence[str], joined: Collection[str]
) -> BothSides:
    """The asks of both sides, for the same values of the same variables.

    A value without such a target was no use before and is left out; values that the patch
    adds must have one. `targets` are the old targets that a variable without values may name,
    `joined` the workflows whose jobs were joined.
    """
    old_values = _with_targets(before, after, targets, values_for(before))
    added = _with_targets(before, after, targets, values_for(after))
    new_values = {
        name: tuple(dict.fromkeys((*old_values.get(name, ()), *values)))
        for name, values in (old_values | added).items()
    }
    old = _nameless(asks_of(before.builds, old_values), joined)
    new = _nameless(asks_of(after.builds, new_values), joined)
    unfulfilled = [ask for ask in new if not can_be_built(after, ask)]
    known = set(_nameless(asks_of(after.builds, old_values), joined))
    return BothSides(
        [ask for ask in old if can_be_built(before, ask)],
        [ask for ask in new if ask not in unfulfilled],
        unfulfilled,
        [ask for ask in unfulfilled if ask not in known],
    )


def _nameless(asks: Iterable[Ask], joined: Collection[str]) -> list[Ask]:
    """The asks; in a workflow whose jobs were joined, outputs without their step's id."""
    return [
        replace(
            ask,
            tag=_OUTPUT.sub("outputs_", ask.tag),
            written=_OUTPUT.sub("outputs_", ask.written),
            details=tuple((n, _OUTPUT.sub("outputs_", v)) for n, v in ask.details),
        )
        if ask.site.place.path in joined
        else ask
        for ask in asks
    ]


def _with_targets(
    before: Facts, after: Facts, targets: Sequence[str], values: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """The values; a variable of a target that gets none takes every old target."""
    found = dict(values)
    for build in (*before.builds.builds, *after.builds.builds):
        for name in build.target.variables if build.target is not None else ():
            if not found.get(name):
                found[name] = tuple(targets)
    return found
