"""`${{ ... }}` of GitHub workflows as shell variables, so that one reader serves both.

Follows "Expressions" of GitHub's documentation: a context's value, a literal, and the default
of `a || 'b'`; what is computed otherwise stays unknown, unless what a step sees decides it. Knows
expressions; knows no workflow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from dockerfix.facts.builds.github.decided import decided
from dockerfix.facts.shell.words import UNKNOWN, Scope, remaining
from dockerfix.syntax.yaml.tree import Scalar
from dockerfix.text import MappedText, Piece

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_PARTS = re.compile(r"(?:'(?:[^']|'')*+'|\((?:'(?:[^']|'')*+'|[^()'])*+\)|[^'()|])++|\|\|")
"""What stands between the `||` of an expression, and these."""
_FORMAT = re.compile(r"format\(\s*'((?:[^'{}]|''|\{\d\})*)'((?:\s*,\s*[A-Za-z_][\w.-]*)*)\s*\)")
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


def chooses_by_input(text: str) -> bool:
    """Whether an expression of a text chooses (`&&`) by an input, which each caller gives."""
    inside = _EXPRESSION.findall(text)
    return any("&&" in part and re.search(r"(?<![\w.-])inputs\.", part) for part in inside)


def reads_matrix(text: str, bare: bool = False) -> bool:
    """Whether an expression of a text reads the matrix; `bare` for a text that is one."""
    inside = [text] if bare else _EXPRESSION.findall(text)
    return any(m[1] is not None for part in inside for m in _TOKEN.finditer(part))


def names_read(text: str, context: str) -> Iterator[str]:
    """What the expressions of a text read of a context: `a.b` of `matrix.a.b`, and the empty text
    where it is read as a whole."""
    pattern = rf"'(?:[^']|'')*'|(?<![\w.-]){context}((?:\.[A-Za-z_][\w-]*)*)(?![\w-])"
    for part in _EXPRESSION.findall(text):
        for match in re.finditer(pattern, part):
            if match[1] is not None:
                yield match[1].removeprefix(".")


def identifier(name: str) -> str:
    """The shell variable that stands for a context's value."""
    if name.startswith("env."):
        return name[4:]
    return "GITHUB_WORKSPACE" if name == "github.workspace" else re.sub(r"\W", "_", name)


def _variable(expression: str) -> str:
    """What stands for an expression in a shell's words: of `a || b`, `${a:-b}`."""
    parts = _PARTS.findall(expression)
    if "".join(parts) != expression or parts[1::2] != ["||"] * (len(parts) // 2):
        return UNKNOWN
    if len(parts) % 2 == 0:
        return UNKNOWN
    *heads, last = (part.strip() for part in parts[::2])
    text = _operand(last)
    braces = _LITERAL.fullmatch(last) is not None and not {"{", "}"}.isdisjoint(text)
    if heads and (UNKNOWN in text or braces):
        return UNKNOWN
    for head in reversed(heads):
        if not _NAME.fullmatch(head):
            return UNKNOWN
        text = "${" + identifier(head) + ":-" + text + "}"
    return text


def _operand(expression: str) -> str:
    """A name, a literal, or names put into a literal."""
    if _NAME.fullmatch(expression):
        return "${" + identifier(expression) + "}"
    literal = _LITERAL.fullmatch(expression)
    if literal is not None:
        return literal[1].replace("''", "'")
    called = _FORMAT.fullmatch(expression)
    if called is None:
        return UNKNOWN
    names = [name.strip() for name in called[2].split(",")[1:]]
    parts = re.split(r"\{(\d)\}", called[1].replace("''", "'"))
    if any(int(number) >= len(names) for number in parts[1::2]):
        return UNKNOWN
    parts[1::2] = ["${" + identifier(names[int(number)]) + "}" for number in parts[1::2]]
    return "".join(parts)


def _seen(expression: str, scope: Scope | None) -> str:
    """What stands for an expression where a step sees the variables of a scope."""
    variable = _variable(expression)
    if scope is None or variable != UNKNOWN:
        return variable
    text = decided(expression, lambda name: _held(name, scope))
    return text if text is not None and not {"{", "}", "$"} & {*text} else UNKNOWN


def _held(name: str, scope: Scope) -> str | None:
    """The text of a name, where it is known; an input that is empty may be typed by a person."""
    bound = scope.look(identifier(name))
    if bound is None or bound.choices or "$" in bound.text:
        return None
    return None if name.startswith("inputs.") and not bound.text else bound.text


def without_braces(text: str, scope: Scope | None = None) -> str:
    """A text with `${NAME}` for each expression, or with what a scope makes of it."""
    return _EXPRESSION.sub(lambda m: _seen(m[1], scope), text)


def without_expressions(mapped: MappedText, scope: Scope | None = None) -> MappedText:
    """`${{ matrix.x }}` as the shell variable `${matrix_x}`, which maps as a whole."""
    pieces: list[Piece] = []
    at = 0
    for match in _EXPRESSION.finditer(mapped.text):
        pieces += mapped.slice(at, match.start()).pieces
        pieces.append(Piece(_seen(match[1], scope), mapped.span(*match.span()), literal=False))
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
            end = _closing(text, at)
            text = text[:at] + (bound.text or text[at + len(head) : end]) + text[end + 1 :]
    return text


def _closing(text: str, start: int) -> int:
    """Where the brace of the `${` at `start` closes."""
    depth, at = 1, start + 2
    while depth and at < len(text):
        depth += text.startswith("${", at) - (text[at] == "}")
        at += 1
    return at - 1
