"""Expressions of GitHub workflows that what is known decides.

Follows "Evaluate expressions in workflows and actions": `==` and `!=` between texts ignore case,
`a && b` is `b` where `a` is true, `a || b` is `a` where that is true. Only inputs and values of
the matrix count as known. What could be a boolean or a number is compared with nothing, since
GitHub casts it and its text does not tell. Knows expressions; knows no workflow.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Look = Callable[[str], str | None]
"""The text that a name holds; None where that is not known."""
_Held = str | bool | None

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|([A-Za-z_][\w.-]*)|(==|!=|&&|\|\||[!()]))")
_KNOWN = ("inputs.", "matrix.")
_CAST = re.compile(r"(?i:true|false|null|\s*|[-+.\d].*|0x.*|infinity|nan)")
"""Texts that GitHub may read as another type than a text, when they are compared."""
_AMBIGUOUS = re.compile(r"(?i:false|null|nan)|-?0*\.?0*")
"""Texts that are true as texts and may be false as what they were."""


def decided(expression: str, look: Look) -> str | None:
    """The text that an expression with `&&`, `==` or `!=` comes to; None where it cannot be known,
    and for an expression of another kind."""
    tokens = _tokens(expression)
    if tokens is None or not {"&&", "==", "!="} & {*tokens}:
        return None
    reader = _Reader(tokens, look)
    try:
        held = reader.alternatives()
    except IndexError:
        return None  # it ends too early
    return held if isinstance(held, str) and reader.at == len(tokens) else None


def _tokens(expression: str) -> list[str] | None:
    found, at, text = [], 0, expression.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            return None
        found.append(match[0].strip())
        at = match.end()
    return found


class _Reader:
    """Reads tokens from left to right; every method gives what its part comes to."""

    def __init__(self, tokens: list[str], look: Look) -> None:
        self.tokens, self.look, self.at = tokens, look, 0

    def takes(self, *tokens: str) -> str:
        """The next token where it is one of these, and goes behind it; else nothing."""
        if self.at < len(self.tokens) and self.tokens[self.at] in tokens:
            self.at += 1
            return self.tokens[self.at - 1]
        return ""

    def alternatives(self) -> _Held:
        """What stands between `||`."""
        left = self.conjunction()
        while self.takes("||"):
            right, true = self.conjunction(), _truth(left)
            left = None if true is None else left if true else right
        return left

    def conjunction(self) -> _Held:
        """What stands between `&&`."""
        left = self.comparison()
        while self.takes("&&"):
            right, true = self.comparison(), _truth(left)
            left = None if true is None else right if true else left
        return left

    def comparison(self) -> _Held:
        """Two operands that are compared, or one."""
        left = self.operand()
        sign = self.takes("==", "!=")
        if not sign:
            return left
        right = self.operand()
        if not isinstance(left, str) or not isinstance(right, str):
            return None
        if _CAST.fullmatch(left) or _CAST.fullmatch(right):
            return None
        return (left.casefold() == right.casefold()) is (sign == "==")

    def operand(self) -> _Held:
        """A literal, a name, a negation or what stands in parentheses."""
        if self.takes("!"):
            true = _truth(self.operand())
            return None if true is None else not true
        if self.takes("("):
            held = self.alternatives()
            return held if self.takes(")") else None
        token = self.tokens[self.at]
        self.at += 1
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        return self.look(token) if token.startswith(_KNOWN) else None


def _truth(held: _Held) -> bool | None:
    """Whether a value counts as true; None where its type decides and is not known."""
    if isinstance(held, str):
        return None if held and _AMBIGUOUS.fullmatch(held) else bool(held)
    return held
