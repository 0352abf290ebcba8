"""Go's `filepath.Match`, with which BuildKit resolves wildcards in the sources of COPY and ADD.

Unlike `fnmatch`, `*` and `?` stop at a slash, `[^x]` negates (`[!x]` does not), a backslash
escapes, and a malformed pattern is an error and not a literal. Knows one pattern and one path.
"""

from __future__ import annotations

import re
from functools import lru_cache


class BadPatternError(ValueError):
    """The pattern is malformed: an open bracket, or an escape at the end."""

    def __init__(self, pattern: str) -> None:
        super().__init__(f"syntax error in pattern {pattern!r}")
        self.pattern = pattern


def before_wildcard(path: str) -> str:
    """The path up to its first part with a wildcard, without a slash at its end."""
    parts = path.split("/")
    wild = next((n for n, part in enumerate(parts) if has_wildcard(part)), len(parts))
    return "/".join(parts[:wild])


def has_wildcard(path: str) -> bool:
    """Whether BuildKit takes the path for a pattern: an unescaped `*`, `?` or `[`."""
    at = 0
    while at < len(path):
        if path[at] == "\\":
            at += 1
        elif path[at] in "*?[":
            return True
        at += 1
    return False


def match(pattern: str, path: str) -> bool:
    """Whether the whole path matches; raises `BadPatternError` whatever the path is."""
    return _compiled(pattern).fullmatch(path) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[":
            text, at = _bracket(pattern, at)
            out.append(text)
        elif char == "\\":
            if at == len(pattern):
                raise BadPatternError(pattern)
            out.append(re.escape(pattern[at]))
            at += 1
        else:
            out.append(re.escape(char))
    return re.compile("".join(out), re.DOTALL)


def _bracket(pattern: str, at: int) -> tuple[str, int]:
    """The regular expression of a bracket that opened before `at`, and where it ends.

    The bracket may match a slash, as in Go. A range whose ends are in the wrong order is no
    error there: it matches nothing.
    """
    negated = pattern.startswith("^", at)
    at += negated
    ranges: list[str] = []
    seen = 0
    while not (seen and pattern.startswith("]", at)):
        low, at = _bracket_char(pattern, at)
        high = low
        if pattern.startswith("-", at):
            high, at = _bracket_char(pattern, at + 1)
        seen += 1
        if low <= high:
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
    inside = "".join(ranges)
    if not inside:
        return ("." if negated else "(?!)"), at + 1
    return f"[{'^' if negated else ''}{inside}]", at + 1


def _bracket_char(pattern: str, at: int) -> tuple[str, int]:
    if at >= len(pattern) or pattern[at] in "-]":
        raise BadPatternError(pattern)
    if pattern[at] == "\\":
        at += 1
    if at + 1 >= len(pattern):  # even the last character needs a closing bracket after it
        raise BadPatternError(pattern)
    return pattern[at], at + 1
