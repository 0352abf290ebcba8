"""Derived text and the way back to the bytes it came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerfix.text import MappedText, Piece, Span


def test_characters_and_bytes_of_one_run() -> None:
    data = "aé\U0001f600z".encode()
    mapped = MappedText.whole(data)
    assert mapped.span(1, 3) == Span(1, 7)
    assert mapped.byte_span(1, 7) == Span(1, 7)
    assert mapped.character(7) == 3
    assert mapped.is_literal(0, 4)


def test_bytes_that_are_not_utf_8_keep_their_place() -> None:
    data = b"a\xffb"
    mapped = MappedText.whole(data)
    assert mapped.encoded == data
    assert mapped.span(2, 3) == Span(2, 3)


def test_a_replaced_piece_maps_as_a_whole() -> None:
    mapped = MappedText([
        Piece("x=", Span(10, 12)),
        Piece("${a}", Span(12, 30), literal=False),
        Piece("é!", Span(30, 33)),
    ])  # fmt: skip
    assert mapped.span(3, 4) == Span(12, 30)
    assert mapped.span(0, 3) == Span(10, 30)
    assert mapped.span(6, 8) == Span(30, 33)
    assert not mapped.is_literal(1, 3)
    assert mapped.is_literal(6, 8)


def test_runs_that_are_apart_are_not_literal_together() -> None:
    mapped = MappedText([Piece("ab", Span(0, 2)), Piece("cd", Span(6, 8))])
    assert mapped.is_literal(0, 2)
    assert not mapped.is_literal(0, 3)
    assert mapped.span(1, 3) == Span(1, 7)


def test_outside_is_an_error() -> None:
    with pytest.raises(ValueError, match="outside"):
        MappedText.whole(b"abc").span(0, 4)


@given(
    st.lists(st.tuples(st.text(alphabet="ab\né\U0001f600", max_size=6), st.booleans()), max_size=6),
    st.data(),
)
def test_a_slice_maps_as_the_whole_does(runs: list[tuple[str, bool]], data: st.DataObject) -> None:
    pieces, at = [], 0
    for text, literal in runs:
        size = len(text.encode())
        pieces.append(Piece(text, Span(at, at + size), literal))
        at += size + (not literal)
    mapped = MappedText(pieces)
    start = data.draw(st.integers(0, len(mapped.text)))
    end = data.draw(st.integers(start, len(mapped.text)))
    part = mapped.slice(start, end)
    assert part.text == mapped.text[start:end]
    for index in range(end - start):
        assert part.span(index, index + 1) == mapped.span(start + index, start + index + 1)
        assert part.is_literal(index, index + 1) == mapped.is_literal(
            start + index, start + index + 1
        )
    for index, char in enumerate(part.text):
        byte = len(part.text[:index].encode())
        assert part.character(byte) == index
        assert part.encoded[byte : byte + len(char.encode())].decode() == char


def test_any_part_of_a_replaced_piece_is_the_whole() -> None:
    mapped = MappedText([Piece("ab", Span(4, 10), literal=False), Piece("cd", Span(12, 14))])
    assert mapped.span(0, 1) == Span(4, 10)
    assert mapped.span(1, 2) == Span(4, 10)
    assert mapped.span(1, 3) == Span(4, 13)


def test_an_empty_span_stands_before_what_follows() -> None:
    mapped = MappedText([Piece("a", Span(2, 3)), Piece("b", Span(8, 9), literal=False)])
    assert mapped.span(0, 0) == Span(2, 2)
    assert mapped.span(1, 1) == Span(8, 8)
    assert mapped.span(2, 2) == Span(9, 9)


def test_pieces_without_text_do_not_count() -> None:
    mapped = MappedText([Piece("", Span(0, 4)), Piece("a", Span(4, 5)), Piece("", Span(5, 9))])
    assert mapped.text == "a"
    assert mapped.span(0, 1) == Span(4, 5)
    assert MappedText([]).span(0, 0) == Span(0, 0)


@given(st.binary(max_size=20))
def test_the_whole_of_any_bytes_maps_onto_itself(data: bytes) -> None:
    mapped = MappedText.whole(data)
    assert mapped.encoded == data
    assert mapped.is_literal(0, len(mapped.text))
    at = 0
    for index, char in enumerate(mapped.text):
        size = len(char.encode("utf-8", "surrogateescape"))
        assert mapped.span(index, index + 1) == Span(at, at + size)
        assert mapped.byte_span(at, at + size) == Span(at, at + size)
        at += size
