"""What `${NAME%pattern}` and its like give where the text of `NAME` is known.

Follows "Shell Parameter Expansion" of the bash manual: a prefix or suffix cut off, a pattern
replaced, upper and lower case, a part by its numbers. Knows texts alone: no scope, no script.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dockerfix.syntax.shell import Operation

_LONGEST = 300
"""Characters of a longer text are not looked through; the search takes the square of their
number."""
_NUMBERS = re.compile(r"\s*(-?\d+)(?::\s*(-?\d+))?")
_SIGNS = frozenset("[(")
"""What begins a set or an extended pattern, which are not read here."""
_ANY, _ONE = "*", "?"

_Pattern = Sequence[tuple[str, bool]]
"""Characters of a pattern, each with whether it is a sign for others (`*`, `?`)."""


def changed(text: str, operation: Operation) -> str | None:
    """What an operation makes of a known text; None where that is not read.

    What a character is depends on the locale beyond ASCII.
    """
    if "${" in text or len(text) > _LONGEST or not text.isascii():
        return None
    operator, operand = operation.operator, operation.operand
    if operator == ":":
        return _part(text, operand)
    if operator[0] in "^,":
        return _in_case(text, operator) if not operand else None
    if operator[0] in "#%":
        pattern = _pattern(operand)
        return _without(text, pattern, operator) if pattern is not None else None
    return _replaced(text, operator, operand)


def _part(text: str, operand: str) -> str | None:
    numbers = _NUMBERS.fullmatch(operand)
    if numbers is None:
        return None
    start = int(numbers[1])
    start = start + len(text) if start < 0 else start
    size = int(numbers[2]) if numbers[2] is not None else len(text)
    end = start + size if size >= 0 else len(text) + size
    if start < 0 or end < start:
        return "" if start < 0 and size >= 0 else None  # bash fails where the end is before
    return text[start:end]


def _in_case(text: str, operator: str) -> str:
    turned = text.upper() if operator[0] == "^" else text.lower()
    return turned if len(operator) > 1 else turned[:1] + text[1:]


def _pattern(operand: str) -> _Pattern | None:
    """The characters of a pattern; None for one that is not read."""
    found: list[tuple[str, bool]] = []
    at = 0
    while at < len(operand):
        escaped = operand[at] == "\\" and at + 1 < len(operand)
        at += escaped
        if operand[at] in _SIGNS and not escaped:
            return None
        found.append((operand[at], operand[at] in (_ANY, _ONE) and not escaped))
        at += 1
    return None if operand.startswith("~") else found


def _lengths(text: str, pattern: _Pattern) -> list[int]:
    """How long the beginnings of a text are that a pattern matches, the shortest first."""
    states, found = _open({0}, pattern), []
    for size in range(len(text) + 1):
        if len(pattern) in states:
            found.append(size)
        if size == len(text) or not states:
            break
        after: set[int] = set()
        for state in states - {len(pattern)}:
            sign, special = pattern[state]
            if special and sign == _ANY:
                after.add(state)
            elif special or sign == text[size]:
                after.add(state + 1)
        states = _open(after, pattern)
    return found


def _open(states: set[int], pattern: _Pattern) -> set[int]:
    """The states, with those behind a `*`, which may match nothing."""
    found = set(states)
    for state in sorted(states):
        at = state
        while at < len(pattern) and pattern[at] == (_ANY, True):
            at += 1
            found.add(at)
    return found


def _without(text: str, pattern: _Pattern, operator: str) -> str:
    """The text without the shortest (`#`, `%`) or longest (`##`, `%%`) match at its end."""
    front = operator[0] == "#"
    looked = text if front else text[::-1]
    sizes = _lengths(looked, pattern if front else pattern[::-1])
    if not sizes:
        return text
    size = sizes[-1] if len(operator) > 1 else sizes[0]
    return text[size:] if front else text[: len(text) - size]


def _replaced(text: str, operator: str, operand: str) -> str | None:
    """The text with the longest match of a pattern replaced: the first one, every one (`//`),
    one at the front (`/#`) or at the end (`/%`)."""
    parts = re.fullmatch(r"((?:[^\\/]|\\.)*)(?:/(.*))?", operand, re.DOTALL)
    pattern = _pattern(parts[1]) if parts is not None else None
    new = (parts[2] or "") if parts is not None else ""
    # `&` is what matched, in newer versions of bash alone.
    if pattern is None or any(sign in new for sign in "&\\~"):
        return None
    if operator in ("/#", "/%"):
        front = operator == "/#"
        sizes = _lengths(*((text, pattern) if front else (text[::-1], pattern[::-1])))
        if not sizes:
            return text
        size = sizes[-1]
        return new + text[size:] if front else text[: len(text) - size] + new
    if not pattern or not text:
        return None
    return _each_replaced(text, pattern, new, operator == "//")


def _each_replaced(text: str, pattern: _Pattern, new: str, every: bool) -> str:
    found, at = "", 0
    while at < len(text):
        size = (_lengths(text[at:], pattern) or [0])[-1]
        if size and not every:
            return found + new + text[at + size :]
        found += new if size else text[at]
        at += size or 1
    return found
