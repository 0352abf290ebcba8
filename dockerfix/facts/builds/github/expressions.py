"""`${{ ... }}` of GitHub workflows as shell variables, so that one reader serves both.

Follows "Expressions" of GitHub's documentation: a context's value, a literal, and the default
of `a || 'b'`; what is computed otherwise stays unknown. Knows expressions; knows no workflow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from dockerfix.facts.shell.words import UNKNOWN, Scope, remaining
from dockerfix.syntax.yaml.tree import Scalar
from dockerfix.text import MappedText, Piece

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_DEFAULTED = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)\s*\|\|\s*'([^'{}]*)'")

_TOKEN = re.compile(r"'(?:[^']|'')*'|(?<![\w.-])matrix((?:\.[A-Za-z_][\w-]*)*)(?![\w-])")
"""A literal, or a value of the matrix."""
_PLAIN = frozenset({"tag:yaml.org,2002:bool", "tag:yaml.org,2002:int", "tag:yaml.org,2002:null"})


def in_expressions(text: str, change: Callable[[str], str]) -> str:
    """A text with the inside of each `${{ ... }}` changed."""
    return _EXPRESSION.sub(lambda m: "${{" + change(m[1]) + "}}", text)


def in_row(text: str, row: Mapping[str, Scalar]) -> str:
    """A text as a row of the matrix sees it: `${{ matrix.x }}` is the row's value, and inside
    of a longer expression a literal stands for it. `matrix` as a whole stays."""

    def replaced(match: re.Match[str]) -> str:
        inner = match[1].strip()
        if inner.startswith("matrix.") and _NAME.fullmatch(inner):
            held = row.get(inner.removeprefix("matrix."))
            return held.text if held is not None else ""
        return "${{" + _TOKEN.sub(literal, match[1]) + "}}"

    def literal(match: re.Match[str]) -> str:
        if not match[1]:
            return match[0]
        held = row.get(match[1].removeprefix("."))
        if held is not None and held.tag in _PLAIN:
            return held.text
        return "'" + (held.text.replace("'", "''") if held is not None else "") + "'"

    return _EXPRESSION.sub(replaced, text)


def reads_matrix(text: str, bare: bool = False) -> bool:
    """Whether an expression of a text reads the matrix; `bare` for a text that is one."""
    inside = [text] if bare else _EXPRESSION.findall(text)
    return any(m[1] is not None for part in inside for m in _TOKEN.finditer(part))


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
    return UNKNOWN


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
