"""The texts that `$(eval ...)` makes, in loops and calls.

Knows what such a text is; whoever loads a Makefile reads it as a part of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.facts.make.expand import Expander
from dockerfix.facts.make.shell_text import replaced, shell_pieces
from dockerfix.facts.shell.words import defaults
from dockerfix.syntax.make import (
    Reference,
    references,
)
from dockerfix.text import MappedText, Piece, Source


def evaluated(
    source: Source, expander: Expander, text: MappedText, depth: int = 0
) -> Iterator[tuple[Source, MappedText]]:
    """The texts that `$(eval ...)` makes, in loops and calls, each with its file."""
    for found in references(text.text) if depth < 6 else ():
        arguments = [text.slice(*argument) for argument in found.arguments]
        if found.function == "eval":
            whole = text.slice(found.arguments[0][0], found.arguments[-1][1])
            called = _called(expander, whole)
            yield called or (source, MappedText(shell_pieces(expander, whole)))
        elif found.function == "foreach" and len(arguments) >= 3:
            name = expander.text(arguments[0].text).strip()
            filled, _ = defaults(expander.text(arguments[1].text))
            body = text.slice(found.arguments[2][0], found.arguments[-1][1])
            for word in filled.split() if "${" not in filled else ():
                yield from evaluated(source, expander.with_word(name, word), body, depth + 1)
        elif found.function == "if" and len(arguments) > 1:
            yield from evaluated(source, expander, arguments[1], depth + 1)


def _called(expander: Expander, text: MappedText) -> tuple[Source, MappedText] | None:
    """`$(call name,...)` in an `$(eval ...)`: the body with its arguments filled in, and
    what else it refers to left for the reading of the result."""
    found = next(references(text.text), None)
    if found is None or found.function != "call" or found.end < len(text.text.rstrip()):
        return None
    words = [text.text[slice(*argument)] for argument in found.arguments]
    assigned = expander.variables.get(expander.text(words[0]).strip())
    if assigned is None or assigned.others:
        return None
    filler = expander.calling(words)
    return assigned.source, MappedText(_filled(filler, assigned.value))


def _filled(expander: Expander, body: MappedText) -> Iterator[Piece]:
    """A body with the arguments of its call; `$$` becomes `$`, which is expanded later."""
    return replaced(body, lambda found: _argument(expander, body, found))


def _argument(expander: Expander, body: MappedText, found: Reference) -> Iterator[Piece]:
    inner = body.text[slice(*found.inner)]
    span = body.span(found.start, found.end)
    if inner in expander.automatic or inner == "$" or found.function:
        text = "$" if inner == "$" else expander.reference(body.text, found)
        yield Piece(text, span, literal=False)
    else:
        yield from body.slice(found.start, found.end).pieces
