"""Expanding references of a Makefile: variables, automatic ones, functions.

Follows "How to use variables" and "Functions for transforming text" of the GNU make manual. What
the environment or a command gives stays a variable of the shell (`${NAME}`), never a guess.
Knows expansion; what a variable holds stands in `values`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from dockerfix.facts.make.functions import FUNCTIONS, absolute, substitution
from dockerfix.facts.make.values import DEPTH, ROOT, VariableValues
from dockerfix.facts.shell.paths import located_program
from dockerfix.facts.shell.words import LONGEST, UNKNOWN, bounded, defaults
from dockerfix.syntax.make import Reference, references

_MOST = 5_000
"""References that are expanded for one text."""
_PARAMETERS = frozenset(map(str, range(10)))


_QUIET = "2>/dev/null"
_SILENT = frozenset({"info", "warning", "error", "eval"})


class Expander(VariableValues, frozen=True):
    """Expands texts of one Makefile."""

    def restarted(self, automatic: Mapping[str, str]) -> Expander:
        """For the next text, with its automatic variables."""
        return replace(self, automatic=automatic, spent=[0])

    def deeper(self) -> Expander:
        """For what stands inside."""
        return replace(self, depth=self.depth + 1)

    def text(self, text: str) -> str:
        """A text with everything replaced that is known."""
        if self.depth > DEPTH or len(text) > LONGEST:
            return UNKNOWN
        done, at = "", 0
        for found in references(text):
            done = bounded(done + text[at : found.start] + self.reference(text, found))
            at = found.end
        return bounded(done + text[at:])

    def reference(self, text: str, found: Reference) -> str:
        """The text of one reference."""
        inner = text[slice(*found.inner)]
        if inner == "$":
            return "$"
        self.spent[0] += 1
        if self.spent[0] > _MOST:
            return UNKNOWN
        arguments = [text[slice(*argument)] for argument in found.arguments]
        if found.function:
            return self.deeper().function(found.function, arguments)
        if inner in self.automatic:
            self.touched.add(inner)
            return self.automatic[inner]
        if inner[:1] in "@*<^?+|%" or (len(inner) == 2 and inner[1] in "DF"):
            return self.part(inner)
        name, colon, rule = inner.partition(":")
        if colon and "=" in rule:
            rule = self.text(rule)
            return computed(lambda a: substitution(rule, a[0]), [self.text("$(" + name + ")")])
        if "$" in inner:
            inner = self.deeper().text(inner)
        return self.variable(inner) if "${" not in inner else UNKNOWN

    def part(self, inner: str) -> str:
        """`$(@D)` and `$(@F)`: the folder or the name of an automatic variable."""
        self.touched.add(inner)
        value = self.automatic.get(inner[:1])
        if value is None or len(inner) != 2 or "${" in value:
            return UNKNOWN
        return posixpath.dirname(value) or "." if inner[1] == "D" else posixpath.basename(value)

    def function(self, name: str, arguments: list[str]) -> str:
        """The result of a function."""
        if name == "call":
            return self.call(arguments)
        if name == "foreach" and len(arguments) >= 3:
            return self.each(arguments)
        if name == "shell":
            return self.printed(self.text(",".join(arguments)).split())
        given = [self.text(argument) for argument in arguments]
        if name in ("if", "or", "and"):
            return _chosen(name, [argument.strip() for argument in given])
        if name in ("abspath", "realpath"):
            return absolute(given[0], self.folder) if not _is_open(given[0]) else UNKNOWN
        if name == "wildcard":
            return self.wildcard(",".join(given))
        if name in _SILENT:
            return ""
        size, function = FUNCTIONS.get(name, (0, None))
        if function is None or len(given) < size:
            return UNKNOWN
        return computed(function, [*given[: size - 1], ",".join(given[size - 1 :])])

    def call(self, arguments: list[str]) -> str:
        """`$(call name,argument...)`: the variable's text with `$(1)`, `$(2)`."""
        name = self.text(arguments[0]).strip()
        assigned = self.variables.get(name)
        if assigned is None:
            return UNKNOWN
        text = self.calling(arguments).value(replace(assigned, seen=None))
        self.touched.difference_update(_PARAMETERS)
        return text

    def calling(self, arguments: list[str]) -> Expander:
        """What expands the body of a called variable."""
        given = {str(number): self.text(text) for number, text in enumerate(arguments[1:], 1)}
        missing = {str(number): "" for number in range(len(given) + 1, 10)}
        return replace(self, automatic={**self.automatic, **missing, **given, "0": ""})

    def each(self, arguments: list[str]) -> str:
        """`$(foreach name,words,text)`."""
        name, words = self.text(arguments[0]).strip(), self.text(arguments[1])
        filled, _ = defaults(words)
        if _is_open(filled):
            return UNKNOWN
        text = ",".join(arguments[2:])
        done = " ".join(self.with_word(name, word).text(text) for word in filled.split())
        self.touched.discard(name)
        return done

    def with_word(self, name: str, word: str) -> Expander:
        """What expands the text of a loop for one word."""
        return replace(self, automatic={**self.automatic, name: word})

    def printed(self, words: list[str]) -> str:
        """What a command prints, where reading knows it."""
        if words == ["pwd"]:
            return self.folder
        if program := located_program([w for w in words if w not in ("2>", "/dev/null", _QUIET)]):
            return program
        return ROOT if words == ["git", "rev-parse", "--show-toplevel"] else UNKNOWN

    def wildcard(self, patterns: str) -> str:
        """The files of the repository that patterns match."""
        if self.listed is None or _is_open(patterns):
            return UNKNOWN
        return " ".join(path for pattern in patterns.split() for path in self.listed(pattern))


def computed(function: Callable[[list[str]], str | None], arguments: list[str]) -> str:
    """A function of texts. Where a default may be replaced from outside, so may the result."""
    names: list[str] = []
    filled: list[str] = []
    for argument in arguments:
        text, weak = defaults(argument)
        filled.append(text)
        names += weak
    if any(_is_open(text) for text in filled):
        return UNKNOWN
    result = function(filled)
    if result is None:
        return UNKNOWN
    return "${" + names[0] + ":-" + result + "}" if names else result


def _chosen(name: str, given: list[str]) -> str:
    """`$(if ...)`, `$(or ...)`, `$(and ...)` where their tests are known."""
    if name == "if":
        if _is_open(given[0]):
            return UNKNOWN
        return given[1] if given[0] else "".join(given[2:3])
    for text in given[:-1]:
        if "${" in text:
            return UNKNOWN
        if bool(text) is (name == "or"):
            return text if name == "or" else given[-1]
    return given[-1] if name == "or" or all(given) else ""


def _is_open(text: str) -> bool:
    """Whether a text holds something that is not known; where the root is does not matter."""
    return "${" in text.replace(ROOT, "")
