"""`${{ ... }}` of GitHub workflows as shell variables, so that one reader serves both.

Follows "Expressions" of GitHub's documentation: a context's value, a literal, and the default
of `a || 'b'`; what is computed otherwise stays unknown. Knows expressions; knows no workflow.
"""

from __future__ import annotations

import re

from dockerfix.facts.builds.words import OPAQUE, Scope, remaining
from dockerfix.text import MappedText, Piece

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_DEFAULTED = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)\s*\|\|\s*'([^'{}]*)'")


def identifier(name: str) -> str:
    """The shell variable that stands for a context's value."""
    if name.startswith("env."):
        return name[4:]
    return "GITHUB_WORKSPACE" if name == "github.workspace" else re.sub(r"\W", "_", name)


def _variable(expression: str) -> str:
    """What stands for an expression in a shell's words."""
    expression = expression.strip()
    if _NAME.fullmatch(expression):
        return "${" + identifier(expression) + "}"
    literal = _LITERAL.fullmatch(expression)
    if literal is not None:
        return literal[1].replace("''", "'")
    default = _DEFAULTED.fullmatch(expression)
    if default is not None:
        return "${" + identifier(default[1]) + ":-" + default[2] + "}"
    return "${" + OPAQUE + "}"


def without_braces(text: str) -> str:
    """A text with `${NAME}` for each expression."""
    return _EXPRESSION.sub(lambda m: _variable(m[1]), text)


def without_expressions(mapped: MappedText) -> MappedText:
    """`${{ matrix.x }}` as the shell variable `${matrix_x}`, which maps as a whole."""
    pieces: list[Piece] = []
    at = 0
    for match in _EXPRESSION.finditer(mapped.text):
        pieces += mapped.slice(at, match.start()).pieces
        pieces.append(Piece(_variable(match[1]), mapped.span(*match.span()), literal=False))
        at = match.end()
    return MappedText([*pieces, *mapped.slice(at, len(mapped.text)).pieces])


def filled(text: str, scope: Scope) -> str:
    """A text with what the scope's variables hold; a default counts where nothing is held."""
    for name in remaining(text):
        bound = scope.look(name)
        if bound is None or bound.choices:
            continue
        text = text.replace("${" + name + "}", bound.text)
        head = "${" + name + ":-"
        while (at := text.find(head)) >= 0:
            end = text.index("}", at)
            text = text[:at] + (bound.text or text[at + len(head) : end]) + text[end + 1 :]
    return text
