"""Expanding shell words: variables that are assigned become text, others stay by name.

Knows scopes and expansion rules of the POSIX shell as far as builds need them; knows no
docker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dockerfix.facts.model import Value
from dockerfix.facts.shell import Literal, Opaque, Part, ShellWord, Variable
from dockerfix.text import Place, Source, Span

_OPAQUE = "OPAQUE"


@dataclass(frozen=True, slots=True)
class Bound:
    """What a variable holds: text with unresolved variables as `${NAME}`, all its choices
    when there are several, and where the text was written."""

    text: str
    choices: tuple[str, ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Variables and positional parameters at one point of a script.

    `closed` names beginnings of what cannot come from outside: positional parameters of a
    function are unset when the caller gave none.
    """

    variables: Mapping[str, Bound] = field(default_factory=dict)
    positional: bool = False

    def bind(self, name: str, bound: Bound) -> Scope:
        """The scope after an assignment."""
        return replace(self, variables={**self.variables, name: bound})

    def look(self, name: str) -> Bound | None:
        """The binding; an absent positional parameter of a function is the empty text."""
        found = self.variables.get(name)
        if found is None and self.positional and name.isdecimal():
            return Bound("")
        return found


def expand(parts: tuple[Part, ...], scope: Scope, depth: int = 0) -> tuple[str, tuple[str, ...]]:
    """The text and its choices (empty unless a variable with several values is inside)."""
    texts = [""]
    base = ""
    several = False
    for part in parts:
        text, choices = _part(part, scope, depth)
        base += text
        several = several or bool(choices)
        options = choices or (text,)
        texts = [head + tail for head in texts for tail in options][:64]
    return base, tuple(dict.fromkeys(texts)) if several else ()


def _part(part: Part, scope: Scope, depth: int) -> tuple[str, tuple[str, ...]]:
    if isinstance(part, Literal):
        return part.text, ()
    if isinstance(part, Opaque) or depth > 8:
        return "${" + _OPAQUE + "}", ()
    bound = scope.look(part.name)
    operand, _ = expand(part.operand, scope, depth + 1)
    if bound is None:
        return "${" + part.name + part.operator + operand + "}", ()
    if part.operator in (":-", ":=", "-", ":?") and bound.text == "" and not bound.choices:
        return operand, ()
    if part.operator in (":+", "+"):
        return (operand if bound.text or bound.choices else ""), ()
    return bound.text if not bound.choices else "${" + part.name + "}", bound.choices


def remaining(text: str) -> tuple[str, ...]:
    """Names of the variables that an expanded text still holds."""
    names, at = [], 0
    while (at := text.find("${", at)) >= 0:
        end = at + 2
        while end < len(text) and (text[end].isalnum() or text[end] in "_@*#?"):
            end += 1
        names.append(text[at + 2 : end])
        at = end
    return tuple(dict.fromkeys(names))


def value_of(word: ShellWord, scope: Scope, source: Source, cut: int = 0) -> Value:
    """The word as a value; `cut` characters (`--file=`) are left out in front."""
    text, choices = expand(word.parts, scope)
    span = Span(word.span.start + cut, word.span.end) if word.literal else word.span
    bound = None
    carrier = ""
    if len(word.parts) == 1 and isinstance(word.parts[0], Variable) and not cut:
        carrier = word.parts[0].name
        bound = scope.look(carrier)
    return Value(
        word.written[cut:],
        text[cut:],
        remaining(text[cut:]),
        tuple(choice[cut:] for choice in choices),
        source.place(span),
        bound.place if bound is not None else None,
        carrier,
    )
