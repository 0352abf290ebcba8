"""A text of a Makefile as the shell gets it, with the way back.

Variables stay the shell's own where it may know them, so that a word knows the variable that it
came through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from dockerfix.facts.make.expand import Expander
from dockerfix.facts.make.values import is_name
from dockerfix.facts.shell.words import defaults
from dockerfix.syntax.make import Reference, references
from dockerfix.text import MappedText, Piece

_SYNTAX = re.compile(r"""["'`;&|<>()\\\n]""")


def shell_pieces(expander: Expander, mapped: MappedText) -> Iterator[Piece]:
    """A text as the shell gets it: variables as the shell's, so that a word knows the
    variable that it came through; `$(shell ...)` as a substitution."""
    return replaced(mapped, lambda found: _piece(expander, mapped, found))


def replaced(mapped: MappedText, pieces: Callable[[Reference], Iterator[Piece]]) -> Iterator[Piece]:
    """A text with the pieces that stand for each of its references; the rest as it is."""
    at = 0
    for found in references(mapped.text):
        yield from mapped.slice(at, found.start).pieces
        yield from pieces(found)
        at = found.end
    yield from mapped.slice(at, len(mapped.text)).pieces


def _piece(expander: Expander, mapped: MappedText, found: Reference) -> Iterator[Piece]:
    """What stands for one reference of a recipe."""
    span = mapped.span(found.start, found.end)
    inner = mapped.text[slice(*found.inner)]
    if found.function == "shell":
        start, end = found.arguments[0][0], found.arguments[-1][1]
        yield Piece("$(", mapped.span(found.start, start), literal=False)
        yield from shell_pieces(expander, mapped.slice(start, end))
        yield Piece(")", mapped.span(end, found.end), literal=False)
    elif _is_shells(expander, inner):
        yield Piece("${" + inner + "}", span, literal=False)
    else:
        # The shell's own variable of that name would win over a default written here.
        text, _ = defaults(expander.reference(mapped.text, found))
        yield Piece(text, span, literal=False)


def _is_shells(expander: Expander, inner: str) -> bool:
    """Whether a variable may stand in a recipe as the shell's own of that name: its text
    holds nothing that the shell would read as syntax."""
    if not is_name(inner) or inner in expander.automatic or inner == "MAKEFILE_LIST":
        return False
    bound = expander.bound(inner)
    return bound is None or bool(bound.choices) or not _SYNTAX.search(bound.text)
