"""The line difference is right, minimal where that is promised, and cut where people cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dockerfix.engine.line_diff import Change, changes

Lines = list[bytes]
LINES = st.lists(st.integers(0, 6).map(lambda n: b"%d\n" % n), max_size=20)


def applied(old: Lines, new: Lines, found: list[Change]) -> Lines:
    out: Lines = []
    at = 0
    for change in found:
        out += old[at : change.old_start]
        assert len(out) == change.new_start
        out += new[change.new_start : change.new_end]
        at = change.old_end
    return out + old[at:]


def longest_common(old: Lines, new: Lines) -> int:
    row = [0] * (len(new) + 1)
    for line in old:
        above = row
        row = [0]
        for number, other in enumerate(new):
            row.append(above[number] + 1 if line == other else max(above[number + 1], row[-1]))
    return row[-1]


@given(old=LINES, new=LINES)
def test_applying_the_changes_gives_the_new_lines(old: Lines, new: Lines) -> None:
    found = changes(old, new)
    assert applied(old, new, found) == new
    assert all(first.old_end <= second.old_start for first, second in pairwise(found))


@given(old=LINES, new=LINES)
def test_no_line_is_touched_without_need(old: Lines, new: Lines) -> None:
    touched = sum(c.old_end - c.old_start + c.new_end - c.new_start for c in changes(old, new))
    assert touched == len(old) + len(new) - 2 * longest_common(old, new)


def test_a_large_difference_is_cut_at_lines_that_stand_once() -> None:
    anchors = [b"anchor %d\n" % n for n in range(20)]
    old = [line for a in anchors for line in (a, *[b"old\n"] * 40)]
    new = [line for a in anchors for line in (a, *[b"new\n"] * 40)]
    found = changes(old, new)
    assert applied(old, new, found) == new
    assert len(found) == 20


def test_two_files_without_a_common_line_are_replaced_whole() -> None:
    old, new = [b"a%d\n" % n for n in range(500)], [b"b%d\n" % n for n in range(900)]
    assert changes(old, new) == [Change(0, 500, 0, 900)]


def test_an_added_block_starts_at_its_heading_and_ends_with_its_blank_line() -> None:
    block = [b"FROM base AS a\n", b"RUN x\n", b"\n"]
    other = [b"FROM base AS b\n", b"RUN x\n", b"\n"]
    last = [b"FROM base AS c\n", b"RUN x\n"]
    assert changes([*block, *last], [*block, *other, *last]) == [Change(3, 3, 3, 6)]
