"""Values for what reading leaves open: the variables that only a pipeline knows.

Knows the parameter expansions of the POSIX shell, Compose and bake, as facts write them
(`${NAME}`, `${NAME:-default}`); knows no builds.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from dockerfix.facts.shell.words import closing

_OPERATORS = (":-", ":=", ":+", ":?", "-", "=", "+", "?")


class Filled(Struct, frozen=True):
    """A text with every variable replaced.

    `stood_in` names the variables that nobody gave a value, `hidden` those whose value no
    name stands for: what a command prints, a shell's parameter.
    """

    text: str
    stood_in: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


class Variables(Struct, frozen=True):
    """What variables hold in both trees: the given values, else a stand-in made of the name.

    The same on both sides, so that a stand-in can make two images neither equal nor different.
    """

    given: Mapping[str, str] = field(default_factory=dict)

    def fill(self, text: str) -> Filled:
        """The text with its variables replaced.

        An unset variable takes its default (`:-`), gives nothing (`:+`), or is stood in for.
        """
        stood_in: dict[str, None] = {}
        hidden: dict[str, None] = {}
        filled = self._fill(text, stood_in, hidden)
        return Filled(filled, tuple(stood_in), tuple(hidden))

    def _fill(self, text: str, stood_in: dict[str, None], hidden: dict[str, None]) -> str:
        parts: list[str] = []
        at = 0
        while (start := text.find("${", at)) >= 0:
            end = closing(text, start)
            end = len(text) if end < 0 else end
            parts += [text[at:start], self._one(text[start + 2 : end], stood_in, hidden)]
            at = end + 1
        return "".join([*parts, text[at:]])

    def _one(self, inside: str, stood_in: dict[str, None], hidden: dict[str, None]) -> str:
        """What stands between the braces, replaced."""
        name, operator, operand = _split(inside)
        value = self.given.get(name)
        if operator in (":+", "+"):
            return self._fill(operand, stood_in, hidden) if value else ""
        if value is not None and (value or not operator.startswith(":")):
            return value
        if operator in (":-", ":=", "-", "="):
            return self._fill(operand, stood_in, hidden)
        # Facts write OPAQUE for text that no variable gives.
        (hidden if name == "OPAQUE" or not name.isidentifier() else stood_in)[name] = None
        return stand_in(name)


def stand_in(name: str) -> str:
    """A value for a variable that nobody gave one: valid in a tag and in an image's name."""
    kept = "".join(char if char.isascii() and char.isalnum() else "-" for char in name.lower())
    return kept.strip("-") or "x"


def _split(inside: str) -> tuple[str, str, str]:
    """Name, operator and operand of `NAME:-default`."""
    size = 0
    while size < len(inside) and (inside[size].isalnum() or inside[size] in "_@*#"):
        size += 1
    name, rest = inside[:size], inside[size:]
    operator = next((sign for sign in _OPERATORS if rest.startswith(sign)), "")
    return name, operator, rest[len(operator) :]
