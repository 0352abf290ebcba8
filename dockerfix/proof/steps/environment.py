"""The variables of a stage, and shell words with their values filled in.

What ENV, ARG and the shell assign is known; what a build argument without a default holds is
not, and stays in the text as `${NAME}`. Knows expansion; knows no command.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from dockerfix.syntax.shell import Command, Literal, Part, ShellWord, Variable

Variables = Mapping[str, str]
SUBSTITUTION = "${substitution}"
"""What stands for the output of a command."""


def unknown(text: str) -> bool:
    """Whether a text still holds a variable."""
    return "${" in text


def expand_text(text: str, variables: Variables) -> str:
    """The text of an instruction with the variables of its stage, as BuildKit fills them in."""
    out, at = "", 0
    while (found := text.find("$", at)) >= 0:
        out += text[at:found]
        name, operator, operand, at = _reference(text, found)
        out += _filled(name, operator, operand, variables) if name else text[found:at]
    return out + text[at:]


def _reference(text: str, start: int) -> tuple[str, str, str, int]:
    """The variable that `$` at `start` begins: name, operator, operand, and where it ends. No
    name when it is none, or one with an operand that holds braces."""
    braced = text[start + 1 : start + 2] == "{"
    begin = start + 1 + braced
    end = begin
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    name = text[begin:end]
    if not braced or not name or name[0].isdigit():
        plain = name and not braced and not name[0].isdigit()
        return (name, "", "", end) if plain else ("", "", "", start + 1)
    close = text.find("}", end)
    operand = text[end:close]
    operator = next((o for o in (":-", ":+", "-", "+") if operand.startswith(o)), "")
    if close < 0 or "{" in operand or (operand and not operator):
        return "", "", "", start + 1
    return name, operator, operand[len(operator) :], close + 1


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
            out += SUBSTITUTION
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
