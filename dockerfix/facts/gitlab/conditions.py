"""The language of GitLab's `rules: if`: parsed to a tree, evaluated with given variables.

Follows "CI/CD job rules, CI/CD variable expressions": `==`, `!=`, `=~`, `!~`, `&&`, `||`,
parentheses, strings, `null`, `$VARIABLE` and `/regular expressions/` with flags; `&&` binds
tighter than `||`. Knows expressions; knows nothing of jobs or pipelines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from msgspec import Struct


class ConditionError(Exception):
    """An expression that GitLab would reject, or one that cannot be decided; says why."""


class Variable(Struct, frozen=True):
    """`$NAME` or `${NAME}`."""

    name: str


class Text(Struct, frozen=True):
    """A string in quotes; `null` is None."""

    value: str | None


class Pattern(Struct, frozen=True):
    """`/expression/flags`, as written between the slashes."""

    body: str
    flags: str = ""

    def __str__(self) -> str:
        """As written."""
        return f"/{self.body}/{self.flags}"


class Compare(Struct, frozen=True):
    """`left operator right`."""

    operator: str
    left: Operand
    right: Operand


class Present(Struct, frozen=True):
    """A single operand: true when it is set and not empty."""

    operand: Operand


class Both(Struct, frozen=True):
    """`left && right`."""

    left: Condition
    right: Condition


class Either(Struct, frozen=True):
    """`left || right`."""

    left: Condition
    right: Condition


Operand = Variable | Text | Pattern
Condition = Compare | Present | Both | Either


class SomeText(Struct, frozen=True):
    """Some text, not empty and equal to no text of the rules, that matches just these
    patterns: a value for proofs over everything that a variable may hold."""

    matched: frozenset[Pattern] = frozenset()


Value = str | SomeText | None
"""What a variable holds; None when it is not set."""

MAX_TOKENS = 400
"""Operands, operators and parentheses of one expression; nesting follows from it."""

_TOKEN = r"""\s*(?:
      (?P<op>&&|\|\||==|!=|=~|!~|\(|\))
    | (?P<var>\$\{[A-Za-z_]\w*\}|\$[A-Za-z_]\w*)
    | "(?P<double>[^"]*)" | '(?P<single>[^']*)'
    | (?P<null>null\b)
    | /(?P<regex>(?:\\.|[^/\\])*)/(?P<flags>[a-zA-Z]*)
    )"""


@lru_cache(maxsize=1024)
def parse_condition(text: str) -> Condition:
    """The tree of an expression; raises `ConditionError` with what stands in the way."""
    tokens = list(_tokens(text))
    if len(tokens) > MAX_TOKENS:
        raise ConditionError(f"`{text[:40]}...` is too long to be decided")
    parser = _Parser(tokens)
    condition = parser.either()
    if parser.at < len(parser.tokens):
        raise ConditionError(f"`{text}` cannot be read from `{parser.tokens[parser.at]}` on")
    return condition


def _tokens(text: str) -> Iterator[str | Operand]:
    at = 0
    text = text.rstrip()
    pattern = re.compile(_TOKEN, re.VERBOSE)
    while at < len(text):
        match = pattern.match(text, at)
        if match is None:
            raise ConditionError(f"`{text}` cannot be read from `{text[at:].strip()}` on")
        at = match.end()
        if match["op"]:
            yield match["op"]
        elif match["var"]:
            yield Variable(match["var"].strip("${}"))
        elif match["null"]:
            yield Text(None)
        elif match["regex"] is not None:
            yield Pattern(match["regex"], match["flags"])
        else:
            yield Text(match["double"] if match["double"] is not None else match["single"])


class _Parser:
    """Recursive descent over tokens; operators and parentheses are plain strings."""

    def __init__(self, tokens: list[str | Operand]) -> None:
        self.tokens = tokens
        self.at = 0

    def take(self, *operators: str) -> str | None:
        """The next token when it is one of the operators."""
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        if isinstance(token, str) and token in operators:
            self.at += 1
            return token
        return None

    def either(self) -> Condition:
        """`a || b`."""
        left = self.both()
        while self.take("||"):
            left = Either(left, self.both())
        return left

    def both(self) -> Condition:
        """`a && b`."""
        left = self.compared()
        while self.take("&&"):
            left = Both(left, self.compared())
        return left

    def compared(self) -> Condition:
        """`a == b`, a single operand, or an expression in parentheses."""
        if self.take("("):
            inner = self.either()
            if not self.take(")"):
                raise ConditionError("a parenthesis is not closed")
            return inner
        left = self.operand()
        operator = self.take("==", "!=", "=~", "!~")
        return Compare(operator, left, self.operand()) if operator else Present(left)

    def operand(self) -> Operand:
        """A variable, a string, null or a pattern."""
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        if token is None or isinstance(token, str):
            raise ConditionError(f"an operand is missing before `{token or 'the end'}`")
        self.at += 1
        return token


def comparisons(condition: Condition) -> Iterator[Compare | Present]:
    """The comparisons of a condition, in order."""
    if isinstance(condition, Both | Either):
        yield from comparisons(condition.left)
        yield from comparisons(condition.right)
    else:
        yield condition


def holds(condition: Condition, variables: Mapping[str, Value]) -> bool:
    """Whether the condition is true; a variable that is absent is not set.

    Raises `ConditionError` for a pattern that cannot be evaluated.
    """
    if isinstance(condition, Both):
        return holds(condition.left, variables) and holds(condition.right, variables)
    if isinstance(condition, Either):
        return holds(condition.left, variables) or holds(condition.right, variables)
    if isinstance(condition, Present):
        return bool(_value(condition.operand, variables))
    if condition.operator in ("==", "!="):
        equal = _value(condition.left, variables) == _value(condition.right, variables)
        return equal == (condition.operator == "==")
    matched = _matched(condition, variables)
    return matched == (condition.operator == "=~")


def _value(operand: Operand, variables: Mapping[str, Value]) -> Value | Pattern:
    if isinstance(operand, Variable):
        return variables.get(operand.name)
    return operand.value if isinstance(operand, Text) else operand


def _matched(condition: Compare, variables: Mapping[str, Value]) -> bool:
    value = _value(condition.left, variables)
    pattern = pattern_of(condition.right, variables)
    if pattern is None:
        raise ConditionError(f"the right side of `{condition.operator}` is not known")
    if value is None or isinstance(value, Pattern):
        return False
    if isinstance(value, SomeText):
        return pattern in value.matched
    return compiled(pattern).search(value) is not None


def pattern_of(operand: Operand, variables: Mapping[str, Value]) -> Pattern | None:
    """The pattern that stands on the right of `=~`, also in a variable or a string."""
    value = _value(operand, variables)
    if isinstance(value, Pattern):
        return value
    tokens = list(_tokens(value)) if isinstance(value, str) and value.startswith("/") else []
    return tokens[0] if len(tokens) == 1 and isinstance(tokens[0], Pattern) else None


@lru_cache(maxsize=256)
def compiled(pattern: Pattern) -> re.Pattern[str]:
    r"""The pattern for Python: GitLab's RE2 is close to it; `\z` is `\Z` here, and `^` and
    `$` are the ends of the text, for a name has one line."""
    flags = re.IGNORECASE if "i" in pattern.flags else 0
    try:
        return re.compile(pattern.body.replace(r"\z", r"\Z").replace(r"\/", "/"), flags)
    except (re.error, RecursionError, OverflowError) as error:
        raise ConditionError(f"the pattern {pattern} cannot be evaluated: {error}") from None
