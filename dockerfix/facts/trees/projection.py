"""An ignore file seen from a folder below its context.

When a context shrinks to one of its folders, the patterns of the old ignore file must say the
same of the paths that remain. Each pattern is cut at the folder: what can match a path below
it is kept, without the folder in front; what cannot is dropped; what cannot be cut exactly is
refused. Exact in moby's sense, a pattern that matches a folder matching everything in it and
the order of exceptions included. Knows patterns; knows no build.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from dockerfix.facts.trees.globs import BadPatternError, match
from dockerfix.facts.trees.ignore import (
    BadIgnoreError,
    IgnoreFile,
    IgnoreLine,
    Judge,
)
from dockerfix.text import Place

_EVERYTHING = "**"


class ProjectionError(ValueError):
    """A pattern that cannot be cut exactly at the folder: `place` is its line."""

    def __init__(self, place: Place, pattern: str, folder: str) -> None:
        super().__init__(f"the pattern {pattern} cannot be cut at {folder}")
        self.place = place
        self.pattern = pattern
        self.folder = folder


class _CannotCutError(Exception):
    """The pattern has a part whose matches do not stop at a slash."""


def project_rules(file: IgnoreFile, folder: str) -> tuple[str, ...]:
    """The patterns, with `!`, that say of paths in `folder` what the file says of them.

    `folder` is relative to the file's context and is not the context itself. Each is written
    so that a line of an ignore file may hold it. Raises `ProjectionError`, also for a pattern
    that Docker rejects.
    """
    return tuple(rule for rule, _ in project_lines(file, folder))


def project_lines(file: IgnoreFile, folder: str) -> tuple[tuple[str, IgnoreLine], ...]:
    """The same, each with the line that it comes from."""
    try:
        at_folder = Judge(file.rules).judge_path(folder).each
    except BadIgnoreError as error:
        line = file.lines[error.index]
        raise ProjectionError(file.place(line), line.pattern, folder) from None
    found: list[_Ruled] = []
    for line, matched in zip(file.lines, at_folder, strict=True):
        if matched:  # it decides everything below the folder again, whatever stood before it
            found = [] if line.negated else [(_EVERYTHING, line)]
            continue
        sign = "!" if line.negated else ""
        for pattern in _cut(file, line, folder):
            found.append((sign + pattern, line))
    return tuple(_tidy(found))


_Ruled = tuple[str, IgnoreLine]


def _tidy(rules: list[_Ruled]) -> list[_Ruled]:
    """The rules without exceptions from nothing and without repetitions in a row."""
    first = sum(1 for _ in takewhile(lambda ruled: ruled[0].startswith("!"), rules))
    kept: list[_Ruled] = []
    since_change: set[str] = set()
    for rule, line in rules[first:]:
        if kept and rule.startswith("!") != kept[-1][0].startswith("!"):
            since_change.clear()
        if rule not in since_change:
            kept.append((rule, line))
        since_change.add(rule)
    return kept


def _cut(file: IgnoreFile, line: IgnoreLine, folder: str) -> list[str]:
    """The patterns that match below the folder what the line's pattern matches there."""
    names = folder.split("/")
    try:
        rests = list(_remainders(line.pattern.split("/"), names))
    except _CannotCutError:
        if _apart(line.pattern, folder):
            return []
        raise ProjectionError(file.place(line), line.pattern, folder) from None
    return list(dict.fromkeys(as_line("/".join(rest)) for rest in rests))


def _remainders(parts: list[str], names: list[str]) -> Iterator[list[str]]:
    """What is left of a pattern's parts after each way in which it can match the folder's
    names, with at least one part left. Raises `_CannotCutError`."""
    if not parts:
        return  # it matches a folder above, and no path in it by itself
    if not names:
        if parts[0].startswith(_EVERYTHING) and parts[0] != _EVERYTHING:
            raise _CannotCutError  # at the start of a pattern moby gives it another meaning
        yield parts
        return
    if parts[0] == _EVERYTHING:
        if len(parts) > 1:
            yield from _remainders(parts[1:], names)
        yield from _remainders(parts, names[1:])
        return
    _check_part(parts[0])
    if match(parts[0], names[0]):
        yield from _remainders(parts[1:], names[1:])


def stops_at_slash(part: str) -> bool:
    """Whether a part of a pattern, as moby reads it, matches nothing across a slash."""
    try:
        _check_part(part)
    except _CannotCutError:
        return False
    return True


def _check_part(part: str) -> None:
    """Refuse a part that may match across a slash, or whose escapes do not end in it."""
    at = 0
    while at < len(part):
        if part.startswith(_EVERYTHING, at):
            raise _CannotCutError
        if part[at] == "[":
            at = _after_bracket(part, at)
        else:
            at += 2 if part[at] == "\\" else 1
    if at > len(part):
        raise _CannotCutError


def _after_bracket(part: str, at: int) -> int:
    """Where a bracket ends that matches no slash."""
    end = at + 1
    while end < len(part) and part[end] != "]":
        end += 2 if part[end] == "\\" else 1
    try:
        if match(part[at : end + 1], "/"):
            raise _CannotCutError
    except BadPatternError:
        raise _CannotCutError from None
    return end + 1


def _apart(pattern: str, folder: str) -> bool:
    """Whether the plain beginning of a pattern already rules out every path in the folder."""
    plain = "".join(takewhile(lambda char: char not in "*?[\\", pattern))
    below = folder + "/"
    return not (below.startswith(plain) or plain.startswith(below))


def as_line(pattern: str) -> str:
    """The pattern as a line of an ignore file, where some first characters mean something."""
    return "\\" + pattern if pattern[:1] in ("#", "!", " ", "\t") else pattern
