"""An ignore file seen from a folder below its context.

When a context shrinks to one of its folders, the patterns of the old ignore file must say the
same of the paths that remain. Each pattern is cut at the folder: what can match a path below
it is kept, without the folder in front; what cannot is dropped. Follows moby's matcher, where
a pattern that matches a folder matches everything in it. Knows patterns; knows no build.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.facts.context.globs import BadPatternError, match
from dockerfix.facts.context.ignore import IgnoreFile, IgnoreLine
from dockerfix.text import Place

_EVERYTHING = "**"


class ProjectionError(ValueError):
    """A pattern that cannot be cut exactly at the folder: `place` is its line."""

    def __init__(self, place: Place, pattern: str, folder: str) -> None:
        super().__init__(f"the pattern {pattern} cannot be cut at {folder}")
        self.place = place
        self.pattern = pattern
        self.folder = folder


def project_rules(file: IgnoreFile, folder: str) -> tuple[str, ...]:
    """The patterns, with `!`, that say of paths in `folder` what the file says of them.

    `folder` is relative to the file's context. Repeated patterns stand once where the order
    allows it. Raises `ProjectionError`.
    """
    parts = folder.split("/")
    found: list[str] = []
    for line in file.lines:
        sign = "!" if line.negated else ""
        for pattern in _cut(file, line, parts):
            rule = sign + pattern
            if pattern == _EVERYTHING and not line.negated:
                found = []  # everything before it is decided anew
            if rule not in found or any(r.startswith("!") for r in found):
                found.append(rule)
    while found and found[0].startswith("!"):
        found.pop(0)  # nothing was left out yet that it could take back
    return tuple(found)


def _cut(file: IgnoreFile, line: IgnoreLine, parts: list[str]) -> Iterator[str]:
    pieces = line.pattern.split("/")
    for piece in pieces:
        if "**" in piece and piece != _EVERYTHING:
            raise ProjectionError(file.place(line), line.pattern, "/".join(parts))
    seen: set[str] = set()
    try:
        for rest in _remainders(pieces, parts):
            text = "/".join(rest) if rest else _EVERYTHING
            if text not in seen:
                seen.add(text)
                yield text
    except BadPatternError:
        raise ProjectionError(file.place(line), line.pattern, "/".join(parts)) from None


def _remainders(pieces: list[str], parts: list[str]) -> Iterator[list[str]]:
    """What is left of a pattern after each way in which it can match the folder's parts."""
    if not pieces:
        yield []  # the pattern matches a folder above: everything below it is matched
        return
    if not parts:
        yield pieces
        return
    if pieces[0] == _EVERYTHING:
        if len(pieces) == 1:
            yield []
            return
        yield from _remainders(pieces[1:], parts)
        yield from _remainders(pieces, parts[1:])
        return
    if match(pieces[0], parts[0]):
        yield from _remainders(pieces[1:], parts[1:])
