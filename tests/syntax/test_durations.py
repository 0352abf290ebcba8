"""Durations of HEALTHCHECK's flags, as Go reads them."""

from __future__ import annotations

import pytest

from dockerfix.syntax.dockerfile.durations import milliseconds


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("0", 0),
        ("-0", 0),
        ("30s", 30_000),
        ("1m30s", 90_000),
        ("1.5h", 5_400_000),
        (".5s", 500),
        ("5.s", 5_000),
        ("+250ms", 250),
        ("-2s", -2_000),
        ("10us", 0.01),
        ("10\u00b5s", 0.01),
        ("", None),
        ("-", None),
        ("30", None),
        ("s", None),
        ("1m 30s", None),
        ("1m30", None),
        ("1d", None),
        ("$TIMEOUT", None),
    ],
)
def test_lengths(text: str, length: float | None) -> None:
    assert milliseconds(text) == pytest.approx(length)
