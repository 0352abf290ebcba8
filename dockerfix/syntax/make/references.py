"""References in a text of a Makefile: `$(NAME)`, `$@`, `$(function a,b)`, `$(NAME:a=b)`.

Follows "Variable references" and "Function call syntax" of the GNU make manual. Knows where a
reference begins and ends; expands none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

FUNCTIONS = frozenset(
    {
        "abspath", "addprefix", "addsuffix", "and", "basename", "call", "dir", "error", "eval",
        "file", "filter", "filter-out", "findstring", "firstword", "flavor", "foreach", "guile",
        "if", "info", "intcmp", "join", "lastword", "let", "notdir", "or", "origin", "patsubst",
        "realpath", "shell", "sort", "strip", "subst", "suffix", "value", "warning", "wildcard",
        "word", "wordlist", "words",
    }
)  # fmt: skip
_CLOSING = {"(": ")", "{": "}"}
_FUNCTION = re.compile(r"([a-z-]+)[ \t]+")


class Reference(Struct, frozen=True):
    """One `$...` of a text, in characters of that text.

    `inner` is what stands between the brackets (or the one character without brackets);
    `arguments` are a function's, each from where it starts to where it ends.
    """

    start: int
    end: int
    inner: tuple[int, int]
    function: str = ""
    arguments: tuple[tuple[int, int], ...] = ()


def references(text: str) -> Iterator[Reference]:
    """The outermost references of a text in order; `$$` is one whose inner text is `$`."""
    at = 0
    while (at := text.find("$", at)) >= 0 and at + 1 < len(text):
        found = _reference(text, at)
        yield found
        at = found.end


def outside(text: str, signs: str, start: int = 0) -> int:
    """Where the first of `signs` stands outside of all references; the text's end for none."""
    at = start
    while at < len(text):
        if text[at] == "$" and at + 1 < len(text):
            at = _reference(text, at).end
        elif text[at] in signs:
            return at
        else:
            at += 1
    return len(text)


def _reference(text: str, at: int) -> Reference:
    opening = text[at + 1]
    if opening not in _CLOSING:
        return Reference(at, at + 2, (at + 1, at + 2))
    end = closing(text, at + 1)
    start, stop = at + 2, end - (end <= len(text) and text[end - 1 : end] == _CLOSING[opening])
    head = _FUNCTION.match(text, start, stop)
    if head is None or head[1] not in FUNCTIONS:
        return Reference(at, end, (start, stop))
    arguments = tuple(_arguments(text, head.end(), stop))
    return Reference(at, end, (start, stop), head[1], arguments)


def closing(text: str, at: int) -> int:
    """Behind the bracket that closes the one at `at`; the text's end when none does. Brackets
    of the other kind do not count, as in make."""
    opening, depth = text[at], 0
    shut = _CLOSING[opening]
    for end in range(at, len(text)):
        if text[end] == opening:
            depth += 1
        elif text[end] == shut:
            depth -= 1
            if not depth:
                return end + 1
    return len(text)


def _arguments(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    depth = 0
    for at in range(start, stop):
        if text[at] in "({":
            depth += 1
        elif text[at] in ")}":
            depth -= 1
        elif text[at] == "," and not depth:
            yield start, at
            start = at + 1
    yield start, stop
