"""Brace expansion: `a{b,c}` is the two words `ab` and `ac`, `{1..3}` three of them.

Follows "Brace Expansion" of the bash manual, which comes before all other expansions. Knows
words as they are written; knows no variables.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

_RANGE = re.compile(r"(-?\d{1,6}|[A-Za-z])\.\.(-?\d{1,6}|[A-Za-z])")
_QUOTES = "\"'`"
_MAX = 64
"""A word that gives more words than this is not known."""


def in_braces(written: str) -> tuple[str, ...] | None:
    """The words that the braces of a word make, quotes and variables as they are written; None
    for a word without such braces, and for one that makes more than `_MAX`."""
    words = tuple(itertools.islice(_expanded(written), _MAX + 1))
    return words if words != (written,) and len(words) <= _MAX else None


def _expanded(written: str) -> Iterator[str]:
    for start, end in _pairs(written):
        choices = _choices(written[start + 1 : end])
        if choices:
            behind = tuple(itertools.islice(_expanded(written[end + 1 :]), _MAX + 1))
            for choice in choices:
                for inner in _expanded(choice):
                    yield from (written[:start] + inner + tail for tail in behind)
            return
    yield written


def _pairs(written: str) -> Iterator[tuple[int, int]]:
    """Unquoted braces at the outermost depth that are not those of `${...}`: where they open and
    close."""
    starts: list[int] = []
    for at, sign in unquoted(written):
        if sign == "{":
            starts.append(at)
        elif sign == "}" and starts:
            start = starts.pop()
            if not starts and written[start - 1 : start] != "$":
                yield start, at


def _choices(inner: str) -> tuple[str, ...]:
    """What stands between the commas of braces, or the values of a range; empty for neither."""
    commas, depth = [-1], 0
    for at, sign in unquoted(inner):
        depth += (sign == "{") - (sign == "}")
        if sign == "," and not depth:
            commas.append(at)
    if len(commas) > 1:
        ends = (*commas[1:], len(inner))
        return tuple(inner[a + 1 : b] for a, b in zip(commas, ends, strict=True))
    match = _RANGE.fullmatch(inner)
    return tuple(itertools.islice(_range(match[1], match[2]), _MAX + 1)) if match else ()


def _range(first: str, last: str) -> Iterator[str]:
    if first.isalpha() != last.isalpha():
        return
    letters = first.isalpha()
    a, b = (ord(first), ord(last)) if letters else (int(first), int(last))
    step = 1 if b >= a else -1
    for value in range(a, b + step, step):
        yield chr(value) if letters else str(value)


def unquoted(written: str) -> Iterator[tuple[int, str]]:
    """The characters that neither quotes nor a backslash take their meaning."""
    quote, at = "", 0
    while at < len(written):
        sign = written[at]
        if sign == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if sign == quote else quote
        elif sign in _QUOTES:
            quote = sign
        else:
            yield at, sign
        at += 1
