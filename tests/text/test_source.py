"""Spans, positions and newlines of one file's bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerfix.text import Newline, Place, Position, Source, Span


def test_spans_are_half_open() -> None:
    span = Span(2, 5)
    assert span.length == 3
    assert span.contains(Span(2, 5))
    assert span.contains(Span(5, 5))
    assert not span.contains(Span(4, 6))
    assert span.touches(Span(4, 9))
    assert not span.touches(Span(5, 9))
    assert not span.touches(Span(2, 2))
    assert span.cover(Span(7, 8)) == Span(2, 8)


@pytest.mark.parametrize(
    ("data", "offset", "position"),
    [
        (b"", 0, (1, 1)),
        (b"ab\ncd", 0, (1, 1)),
        (b"ab\ncd", 2, (1, 3)),
        (b"ab\ncd", 3, (2, 1)),
        (b"ab\ncd", 5, (2, 3)),
        (b"ab\n", 3, (2, 1)),
        (b"ab\r\ncd", 3, (1, 4)),
        (b"ab\r\ncd", 4, (2, 1)),
        (b"a\rb\nc", 2, (1, 3)),
        (b"\xef\xbb\xbfab", 0, (1, 1)),
        (b"\xef\xbb\xbfab", 2, (1, 1)),
        (b"\xef\xbb\xbfab", 3, (1, 1)),
        (b"\xef\xbb\xbfab", 4, (1, 2)),
        (b"a\n\xef\xbb\xbfb", 5, (2, 2)),
        ("é🚀x".encode(), 6, (1, 3)),
        (b"\xff\xfex", 2, (1, 3)),
    ],
)
def test_positions_count_lines_and_characters_from_1(
    data: bytes, offset: int, position: tuple[int, int]
) -> None:
    assert Source("f", data).position(offset) == Position(*position)


def test_a_place_reads_as_compilers_print_it() -> None:
    place = Source("a/b", b"x\nyz\n").place(Span(3, 4))
    assert place == Place("a/b", Span(3, 4), Position(2, 2))
    assert str(place) == "a/b:2:2"


@pytest.mark.parametrize(
    ("data", "newline"),
    [
        (b"", Newline.LF),
        (b"a", Newline.LF),
        (b"a\nb\n", Newline.LF),
        (b"a\rb\n", Newline.LF),
        (b"a\r\nb\r\n", Newline.CRLF),
        (b"a\r\nb", Newline.CRLF),
        (b"a\r\nb\n", Newline.MIXED),
    ],
)
def test_newline_styles(data: bytes, newline: Newline) -> None:
    assert Source("f", data).newline is newline


def test_what_to_write_for_a_newline() -> None:
    assert [style.bytes for style in Newline] == [b"\n", b"\r\n", b"\n"]


def test_lines_hold_their_newline() -> None:
    source = Source("f", b"ab\r\nc")
    assert source.slice(source.line_of(0)) == b"ab\r\n"
    assert source.slice(source.line_of(3)) == b"ab\r\n"
    assert source.slice(source.line_of(4)) == b"c"
    assert source.slice(source.line_of(5)) == b"c"


def test_bytes_that_are_not_utf_8_survive_as_text() -> None:
    source = Source("f", b"a\xffb")
    assert source.text(Span(0, 3)).encode("utf-8", "surrogateescape") == b"a\xffb"


@given(st.binary(max_size=60), st.data())
def test_positions_grow_with_offsets(data: bytes, draw: st.DataObject) -> None:
    source = Source("f", data)
    first = draw.draw(st.integers(0, len(data)))
    second = draw.draw(st.integers(first, len(data)))
    assert source.position(first) <= source.position(second)
    assert source.position(second).line == data.count(b"\n", 0, second) + 1
    assert sum(source.line_of(start).length for start in source.line_starts) == len(data)
