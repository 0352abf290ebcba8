"""Which lines changed: the shortest readable script from one list of lines to another.

Myers' algorithm where the difference is small, which gives the fewest lines; where it is
large, the text is first cut at lines that stand once on both sides (as `git diff --patience`
does), so that the cost stays near linear. Groups that could stand in several places are moved
to where a person would cut, after the idea of git's indent heuristic. Knows lists of lines;
knows nothing of files or patches.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_MAX_STEPS = 300
"""Edits up to which Myers' search runs; its cost grows with the square."""


class Change(NamedTuple):
    """Lines `[old_start, old_end)` become lines `[new_start, new_end)`; both from 0."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def changes(old: Sequence[bytes], new: Sequence[bytes]) -> list[Change]:
    """The changes that turn `old` into `new`, in order, never overlapping."""
    matches = list(_matches(_Window(0, len(old), 0, len(new)), old, new))
    found: list[Change] = []
    at_old = at_new = 0
    for pair in (*matches, (len(old), len(new))):
        if pair != (at_old, at_new):
            found.append(Change(at_old, pair[0], at_new, pair[1]))
        at_old, at_new = pair[0] + 1, pair[1] + 1
    return _slid(found, old, new)


class _Window(NamedTuple):
    """The part of both lists that is being compared."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int

    @property
    def empty(self) -> bool:
        """Whether one side holds nothing, so that nothing can match."""
        return self.old_start >= self.old_end or self.new_start >= self.new_end


Pair = tuple[int, int]


def _matches(window: _Window, old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[Pair]:
    """Pairs of line numbers that stay, both rising."""
    start, old_end, new_start, new_end = window
    while start < old_end and new_start < new_end and old[start] == new[new_start]:
        yield start, new_start
        start, new_start = start + 1, new_start + 1
    tail = 0
    while old_end > start and new_end > new_start and old[old_end - 1] == new[new_end - 1]:
        old_end, new_end, tail = old_end - 1, new_end - 1, tail + 1
    inner = _Window(start, old_end, new_start, new_end)
    if not inner.empty:
        found = _myers(inner, old, new)
        yield from _patience(inner, old, new) if found is None else found
    yield from ((old_end + n, new_end + n) for n in range(tail))


def _myers(window: _Window, old: Sequence[bytes], new: Sequence[bytes]) -> list[Pair] | None:
    """E. W. Myers, "An O(ND) Difference Algorithm" (1986); None past `_MAX_STEPS` edits."""
    old_size = window.old_end - window.old_start
    new_size = window.new_end - window.new_start
    if abs(old_size - new_size) > _MAX_STEPS:
        return None
    reached = {1: 0}
    trace: list[dict[int, int]] = []
    for steps in range(min(old_size + new_size, _MAX_STEPS) + 1):
        trace.append(dict(reached))
        for diagonal in range(-steps, steps + 1, 2):
            down = diagonal == -steps or (
                diagonal != steps and reached[diagonal - 1] < reached[diagonal + 1]
            )
            x = reached[diagonal + 1] if down else reached[diagonal - 1] + 1
            y = x - diagonal
            while (
                x < old_size
                and y < new_size
                and old[window.old_start + x] == new[window.new_start + y]
            ):
                x, y = x + 1, y + 1
            reached[diagonal] = x
            if x >= old_size and y >= new_size:
                return _walk_back(trace, window)
    return None


def _walk_back(trace: list[dict[int, int]], window: _Window) -> list[Pair]:
    """The lines that stay on the path to the end, found from the end."""
    x, y = window.old_end - window.old_start, window.new_end - window.new_start
    found: list[Pair] = []
    for steps in range(len(trace) - 1, -1, -1):
        reached, diagonal = trace[steps], x - y
        down = diagonal == -steps or (
            diagonal != steps and reached[diagonal - 1] < reached[diagonal + 1]
        )
        before = diagonal + 1 if down else diagonal - 1
        before_x = reached[before] if steps else 0
        snake = before_x if down or not steps else before_x + 1
        while x > snake:
            x, y = x - 1, y - 1
            found.append((window.old_start + x, window.new_start + y))
        x, y = before_x, before_x - before
    found.reverse()
    return found


def _patience(window: _Window, old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[Pair]:
    """Cut at the longest rising run of lines that stand once on each side; what has no such
    line is replaced as a whole."""
    once_old = _once(old, window.old_start, window.old_end)
    once_new = _once(new, window.new_start, window.new_end)
    common = [(at, once_new[line]) for line, at in once_old.items() if line in once_new]
    anchors = _rising(sorted(common))
    if not anchors:
        return
    old_at, new_at = window.old_start, window.new_start
    for old_anchor, new_anchor in anchors:
        yield from _matches(_Window(old_at, old_anchor, new_at, new_anchor), old, new)
        yield old_anchor, new_anchor
        old_at, new_at = old_anchor + 1, new_anchor + 1
    yield from _matches(_Window(old_at, window.old_end, new_at, window.new_end), old, new)


def _once(lines: Sequence[bytes], start: int, end: int) -> dict[bytes, int]:
    counts = Counter(lines[start:end])
    return {lines[at]: at for at in range(start, end) if counts[lines[at]] == 1}


def _rising(pairs: list[Pair]) -> list[Pair]:
    """The longest subsequence whose second numbers rise (patience sorting)."""
    tops: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for index, (_, new) in enumerate(pairs):
        pile = bisect_left(tops, new)
        previous.append(ends[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(new)
            ends.append(index)
        else:
            tops[pile], ends[pile] = new, index
    found: list[Pair] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        found.append(pairs[at])
        at = previous[at]
    found.reverse()
    return found


def _slid(found: list[Change], old: Sequence[bytes], new: Sequence[bytes]) -> list[Change]:
    """Move pure insertions and deletions to where a person would cut."""
    result: list[Change] = []
    for number, change in enumerate(found):
        following = found[number + 1] if number + 1 < len(found) else None
        if change.old_start == change.old_end:
            low = result[-1].new_end if result else 0
            high = following.new_start if following else len(new)
            by = _best_shift(new, change.new_start, change.new_end, low, high)
        elif change.new_start == change.new_end:
            low = result[-1].old_end if result else 0
            high = following.old_start if following else len(old)
            by = _best_shift(old, change.old_start, change.old_end, low, high)
        else:
            by = 0
        result.append(Change(*(at + by for at in change)))
    return result


def _best_shift(lines: Sequence[bytes], start: int, end: int, low: int, high: int) -> int:
    """By how many lines the group `[start, end)` should move within `[low, high)`."""
    up = 0
    while start - up > low and lines[start - up - 1] == lines[end - up - 1]:
        up += 1
    down = 0
    while end + down < high and lines[start + down] == lines[end + down]:
        down += 1
    shifts = range(-up, down + 1)
    # The lowest place wins among equals, as in git.
    return min(shifts, key=lambda by: (_cut(lines, start + by) + _cut(lines, end + by), -by))


def _cut(lines: Sequence[bytes], at: int) -> int:
    """How unnatural it is to cut before line `at`; smaller is better."""
    if at >= len(lines) or at == 0:
        return 0
    line = lines[at]
    if not line.strip():
        return 200
    indent = len(line) - len(line.lstrip(b" \t"))
    return indent if not lines[at - 1].strip() else indent + 100
