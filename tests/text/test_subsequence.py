"""The heaviest common subsequence, against all subsequences of short lists."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from dockerfix.text.subsequence import common_subsequence

_KEYS = st.lists(st.sampled_from("abc"), max_size=6)


@settings(deadline=None)
@given(one=_KEYS, other=_KEYS)
def test_a_common_subsequence_is_in_both_lists_and_none_is_longer(
    one: list[str], other: list[str]
) -> None:
    found = common_subsequence(len(one), len(other), lambda i, j: int(one[i] == other[j]))
    assert [one[i] for i, _ in found] == [other[j] for _, j in found]
    assert all(a < c and b < d for (a, b), (c, d) in itertools.pairwise(found))
    longest = max(len(part) for part in _parts(one) & _parts(other))
    assert len(found) == longest


def _parts(keys: list[str]) -> set[tuple[str, ...]]:
    """All subsequences."""
    return {
        tuple(part)
        for count in range(len(keys) + 1)
        for part in itertools.combinations(keys, count)
    }


def test_a_heavy_match_is_worth_several_light_ones() -> None:
    one, other = ["build", "x", "y"], ["x", "y", "build"]

    def matches(heavy: int) -> list[tuple[int, int]]:
        def weight(i: int, j: int) -> int:
            worth = heavy if other[j] == "build" else 1
            return worth if one[i] == other[j] else 0

        return common_subsequence(3, 3, weight)

    assert matches(1) == [(1, 0), (2, 1)]
    assert matches(100) == [(0, 2)]
