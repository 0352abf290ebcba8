"""The values that a Makefile is read into: assignments, rules, conditionals, includes.

Every text keeps the way back to its bytes, references not yet expanded. Knows the syntax of GNU
make as far as builds need it; expands and reads nothing itself.
"""

from __future__ import annotations

from msgspec import Struct

from dockerfix.text import MappedText, Span
from dockerfix.text.values import Keyed


class Assignment(Keyed, frozen=True, eq=False):
    """`NAME = value` with any of make's signs, or `define NAME` with its lines.

    `targets` are those of `target: NAME = value`; None for a variable of the whole file.
    """

    aside = ("name", "value", "targets")

    name: MappedText
    sign: str
    value: MappedText
    span: Span
    targets: MappedText | None = None
    defined: bool = False
    """Whether `define` gives it whole lines."""


class Rule(Keyed, frozen=True, eq=False):
    """`targets: prerequisites` with its recipe, one text for each logical line.

    `pattern` is the middle part of a static pattern rule (`a b: %: %.o`).
    """

    aside = ("targets", "prerequisites", "recipe", "pattern")

    targets: MappedText
    prerequisites: MappedText
    recipe: tuple[MappedText, ...]
    span: Span
    pattern: MappedText | None = None


class Include(Keyed, frozen=True, eq=False):
    """`include` of other files, by any of its three names."""

    aside = ("names",)

    names: MappedText
    span: Span


class Expression(Keyed, frozen=True, eq=False):
    """A line that is only references: `$(eval ...)`, `$(foreach ...)`, `$(info ...)`."""

    aside = ("text",)

    text: MappedText
    span: Span


class Conditional(Struct, frozen=True):
    """`ifeq` and its kin: one tuple of statements a branch, of which at most one counts, and
    exactly one when `exhaustive` (the last branch is an `else`)."""

    branches: tuple[tuple[Statement, ...], ...]
    exhaustive: bool


Statement = Assignment | Rule | Include | Expression | Conditional


class MakeText(Struct, frozen=True):
    """A parsed Makefile; `broken` are the spans that make itself would not take."""

    statements: tuple[Statement, ...]
    broken: tuple[Span, ...] = ()
