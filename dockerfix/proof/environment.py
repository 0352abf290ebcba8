"""The variables of a stage, and shell words with their values filled in.

What ENV, ARG and the shell assign is known; what a build argument without a default holds is
not, and stays in the text as `${NAME}`. Knows expansion; knows no command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from dockerfix.facts.shell import Command, Literal, Part, ShellWord, Variable

Variables = Mapping[str, str]

_WRITTEN = re.compile(
    r"\$(?:\{(?P<braced>[A-Za-z_]\w*)(?:(?P<op>:?[-+])(?P<operand>[^{}]*))?\}|(?P<bare>[A-Za-z_]\w*))"
)


def unknown(text: str) -> bool:
    """Whether a text still holds a variable."""
    return "${" in text


def expand_text(text: str, variables: Variables) -> str:
    """The text of an instruction with the variables of its stage, as BuildKit fills them in."""

    def value(match: re.Match[str]) -> str:
        name = match["braced"] or match["bare"]
        return _filled(name, match["op"] or "", match["operand"] or "", variables)

    return _WRITTEN.sub(value, text)


def expand_command(command: Command, variables: Variables) -> Command:
    """The command with every word filled in; an unquoted variable may give several words or
    none, as the shell splits it."""
    words = tuple(made for word in command.words for made in _words(word, variables))
    return replace(command, words=words)


def expand_word(word: ShellWord, variables: Variables) -> str:
    """The text of one word."""
    return _parts(word.parts, variables)


def _words(word: ShellWord, variables: Variables) -> Iterator[ShellWord]:
    text = _parts(word.parts, variables)
    whole = not word.quoted and len(word.parts) == 1 and isinstance(word.parts[0], Variable)
    for piece in text.split() if whole and not unknown(text) else [text]:
        part: Part = Variable(piece) if unknown(piece) else Literal(piece)
        yield replace(word, written=piece, parts=(part,), literal=False)


def _parts(parts: tuple[Part, ...], variables: Variables) -> str:
    out = ""
    for part in parts:
        if isinstance(part, Literal):
            out += part.text
        elif isinstance(part, Variable):
            operand = _parts(part.operand, variables)
            out += _filled(part.name, part.operator, operand, variables)
        else:
            out += "${substitution}"
    return out


def _filled(name: str, operator: str, operand: str, variables: Variables) -> str:
    if name not in variables:
        return "${" + name + operator + operand + "}"
    held = variables[name]
    if operator in (":-", ":="):
        return held or operand
    if operator == ":+":
        return operand if held else ""
    return operand if operator == "+" else held
