"""The recipe of a rule as the shell gets it, line by line.

Knows `define`d texts of several lines; knows no docker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from dockerfix.facts.make.expand import Expander
from dockerfix.facts.make.rule import Rule
from dockerfix.facts.make.shell_text import shell_pieces
from dockerfix.syntax.make import references
from dockerfix.syntax.make.lines import logical_lines
from dockerfix.text import MappedText, Piece


def recipe(rule: Rule, expander: Expander, one_shell: bool) -> Iterator[MappedText]:
    """The commands as the shell gets them, one shell each."""
    own = replace(expander, path=rule.source.path)
    lines = [text for line in rule.lines for text in _expanded(own, line)]
    if one_shell and len(lines) > 1:
        newline = Piece("\n", lines[0].span(0, 0), literal=False)
        pieces = [piece for line in lines for piece in (*line.pieces, newline)]
        lines = [MappedText(pieces)]
    yield from (line for line in lines if line.text.strip())


def _expanded(expander: Expander, line: MappedText) -> Iterator[MappedText]:
    """The shell texts of one line: several where it is a `define`d text."""
    start = len(line.text) - len(line.text.lstrip("@+- \t"))
    line = _without_tabs(line.slice(start, len(line.text)))
    body = _body(expander, line.text.strip()) if expander.depth < 8 else None
    if body is None:
        yield MappedText(shell_pieces(expander, line))
        return
    inner, value = body
    for part in logical_lines(value.text):
        yield from _expanded(inner.deeper(), value.slice(part.start, part.end))


def _body(expander: Expander, text: str) -> tuple[Expander, MappedText] | None:
    """The lines that a `$(NAME)` or `$(call NAME,...)` which is the whole line stands for;
    None for other lines, and for what another file defines."""
    found = next(references(text), None)
    if found is None or (found.start, found.end) != (0, len(text)):
        return None
    if found.function not in ("", "call"):
        return None
    words = [text[slice(*argument)] for argument in found.arguments]
    name = expander.text(words[0]).strip() if words else text[slice(*found.inner)]
    assigned = expander.variables.get(name)
    if assigned is None or assigned.others or assigned.before is not None:
        return None
    if assigned.source.path != expander.path:
        return None
    if not words and not assigned.lines:
        return None
    return (expander.calling(words) if words else expander), assigned.value


def _without_tabs(line: MappedText) -> MappedText:
    """The tab of a continued line is make's."""
    pieces: list[Piece] = []
    at = 0
    for match in re.finditer(r"(?<=\n)\t", line.text):
        pieces += line.slice(at, match.start()).pieces
        at = match.end()
    return MappedText([*pieces, *line.slice(at, len(line.text)).pieces]) if at else line
