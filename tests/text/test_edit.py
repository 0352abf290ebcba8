"""Edit sets: sorted, disjoint, and a conflict instead of a guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerfix.text import Edit, EditConflictError, EditSet, Span


def edit(start: int, end: int, text: str = "") -> Edit:
    return Edit(Span(start, end), text.encode())


def test_nothing_changes_without_edits() -> None:
    assert EditSet.of([]).apply(b"abc") == b"abc"
    assert not EditSet.of([])


def test_edits_are_spans_of_the_original_bytes() -> None:
    edits = EditSet.of([edit(4, 5, "E"), edit(0, 1, "long"), edit(2, 2, "+"), edit(5, 5, "!")])
    assert list(edits) == sorted(edits)
    assert edits.apply(b"abcde") == b"longb+cdE!"


def test_the_same_edit_twice_is_one() -> None:
    assert len(EditSet.of([edit(1, 2, "x"), edit(1, 2, "x")]).edits) == 1
    assert len(EditSet.of([edit(1, 1, "x"), edit(1, 1, "x")]).edits) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (edit(0, 2, "x"), edit(1, 3, "y")),
        (edit(0, 4, "x"), edit(1, 2, "y")),
        (edit(0, 2, "x"), edit(0, 2, "y")),
        (edit(0, 2, "x"), edit(0, 1, "x")),
        (edit(0, 2), edit(1, 1, "y")),
        (edit(1, 1, "x"), edit(1, 1, "y")),
    ],
)
def test_edits_that_overlap_are_an_error(first: Edit, second: Edit) -> None:
    for pair in ([first, second], [second, first]):
        with pytest.raises(EditConflictError, match="edits overlap: bytes") as caught:
            EditSet.of(pair)
        assert {caught.value.first, caught.value.second} == {first, second}
    with pytest.raises(EditConflictError):
        EditSet.of([first]) | EditSet.of([second])


@pytest.mark.parametrize(
    ("edits", "result"),
    [
        ([edit(0, 1, "x"), edit(1, 2, "y")], b"xyc"),
        ([edit(1, 1, "+"), edit(1, 2, "y")], b"a+yc"),
        ([edit(1, 2, "y"), edit(2, 2, "+")], b"ay+c"),
        ([edit(0, 1), edit(1, 1, "+"), edit(1, 2)], b"+c"),
        ([edit(0, 0, "^"), edit(3, 3, "$")], b"^abc$"),
    ],
)
def test_spans_that_only_touch_have_a_clear_order(edits: list[Edit], result: bytes) -> None:
    assert EditSet.of(edits).apply(b"abc") == result
    assert EditSet.of(reversed(edits)).apply(b"abc") == result


def test_a_union_is_an_edit_set() -> None:
    union = EditSet.of([edit(2, 3, "z")]) | EditSet.of([edit(0, 1, "x"), edit(2, 3, "z")])
    assert union == EditSet.of([edit(0, 1, "x"), edit(2, 3, "z")])


@pytest.mark.parametrize("wrong", [edit(2, 5), edit(4, 4, "x"), edit(-1, 1), edit(2, 1)])
def test_a_span_outside_of_the_file_is_an_error(wrong: Edit) -> None:
    with pytest.raises(ValueError, match="in a file of 3 bytes"):
        EditSet.of([wrong]).apply(b"abc")


@given(
    st.binary(max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30))), st.data()
)
def test_what_no_edit_touches_stays(
    data: bytes, pairs: list[tuple[int, int]], draw: st.DataObject
) -> None:
    """Whatever edits do not conflict: the bytes outside of their spans come back in order."""
    spans = [Span(min(pair), max(pair)) for pair in pairs if max(pair) <= len(data)]
    edits = [Edit(span, draw.draw(st.binary(max_size=3))) for span in spans]
    try:
        chosen = EditSet.of(edits)
    except EditConflictError as conflict:
        first, second = conflict.first.span, conflict.second.span
        assert first.touches(second) or first.start == second.start or not second.length
        return
    marked = EditSet.of(Edit(item.span, b"") for item in chosen if item.span.length)
    outside = bytes(
        byte
        for at, byte in enumerate(data)
        if not any(item.span.start <= at < item.span.end for item in chosen)
    )
    assert marked.apply(data) == outside
    grown = sum(len(item.replacement) - item.span.length for item in chosen)
    assert len(chosen.apply(data)) == len(data) + grown
