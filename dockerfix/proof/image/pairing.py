"""Which step of one chain stands for which of the other.

Equal steps do, and steps that a rule makes one. Knows how steps are laid side by side; whether
their order may change is judged elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dockerfix.proof.rules.pair import Pair, Use
from dockerfix.proof.rules.same_step import same_but_allowed
from dockerfix.proof.steps.chain import Step
from dockerfix.text.subsequence import common_subsequence


class Match(Struct, frozen=True):
    """A step of the old chain and the one that stands for it, by their numbers."""

    old: int
    new: int
    uses: tuple[Use, ...]


def counterparts(pair: Pair) -> list[Match]:
    """The steps of both chains that stand for each other, in order first, then out of order."""
    old, new = pair.before.steps, pair.after.steps
    matches = _aligned(pair, old, new)
    return matches + _moved(pair, old, new, matches)


def _aligned(pair: Pair, old: Sequence[Step], new: Sequence[Step]) -> list[Match]:
    """The best common subsequence: equal steps weigh 3, steps that a rule unites 2.

    A step whose equal is on the other side needs no rule.
    """
    old_keys, new_keys = {step.key for step in old}, {step.key for step in new}
    uses: dict[tuple[int, int], tuple[Use, ...]] = {}
    for i, first in enumerate(old):
        for j, second in enumerate(new):
            if first.key == second.key:
                uses[i, j] = ()
            elif first.key not in new_keys and second.key not in old_keys:
                same = _uses(pair, first, second)
                uses |= {(i, j): same} if same is not None else {}
    pairs = common_subsequence(len(old), len(new), lambda i, j: _weight(uses.get((i, j))))
    return [Match(i, j, uses[i, j]) for i, j in pairs]


def _weight(uses: tuple[Use, ...] | None) -> int:
    """What a match is worth: least with rules, nothing where two steps are not the same."""
    if uses is None:
        return 0
    return 2 if uses else 3


def _uses(pair: Pair, old: Step, new: Step) -> tuple[Use, ...] | None:
    if old.key == new.key:
        return ()
    if old.instruction.keyword != new.instruction.keyword:
        return None
    return same_but_allowed(pair, old, new)


def _moved(
    pair: Pair, old: Sequence[Step], new: Sequence[Step], matches: Sequence[Match]
) -> list[Match]:
    """Counterparts out of order, among the steps that are left."""
    free = [j for j in range(len(new)) if j not in {m.new for m in matches}]
    found: list[Match] = []
    for i in range(len(old)):
        if any(m.old == i for m in matches):
            continue
        for j in free:
            uses = _uses(pair, old[i], new[j])
            if uses is not None:
                found.append(Match(i, j, uses))
                free.remove(j)
                break
    return found
