"""Expanding references of a Makefile: variables, automatic ones, functions.

Follows "How to use variables" and "Functions for transforming text" of the GNU make manual. What
the environment or a command gives stays a variable of the shell (`${NAME}`), never a guess.
Knows expansion; knows no rule and reads no file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from dockerfix.facts.builds.make.functions import FUNCTIONS, absolute, substitution
from dockerfix.facts.builds.make.variables import Assigned
from dockerfix.facts.builds.words import LONGEST, ROOTS, UNKNOWN, Bound, bounded, defaults
from dockerfix.syntax.make import Reference, references
from dockerfix.text import MappedText, Piece, Place

ROOT = "${" + ROOTS[-1] + "}"
_DEPTH = 24
"""Variables and functions inside one another that are expanded."""
_MOST = 5_000
"""References that are expanded for one text."""
_SYNTAX = re.compile(r"""["'`;&|<>()\\\n]""")
_PARAMETERS = frozenset(map(str, range(10)))
_SILENT = frozenset({"info", "warning", "error", "eval"})


class Expander(Struct, frozen=True):
    """Expands texts of one Makefile.

    `given` are variables that win over the file's (of the command line), `held` those of the
    environment; `automatic` are `@`, `*`, `<` and `^`; `folder` is where make runs, as a path
    behind the root's variable; `listed` finds the files of `$(wildcard ...)`.
    """

    variables: Mapping[str, Assigned]
    folder: str
    given: Mapping[str, Bound] = field(default_factory=dict)
    held: Mapping[str, Bound] = field(default_factory=dict)
    automatic: Mapping[str, str] = field(default_factory=dict)
    listed: Callable[[str], tuple[str, ...]] | None = None
    called: bool = False
    """Whether the environment is known: then an unset `?=` takes its value."""
    path: str = ""
    """The file whose text is expanded, for `MAKEFILE_LIST`."""
    first: str = ""
    """The Makefile that make was called with."""
    active: frozenset[str] = frozenset()
    """The variables that are being expanded: one that holds itself is not known."""
    spent: list[int] = field(default_factory=lambda: [0])
    """References that were expanded for one text; an exponential one ends in unknown."""
    memo: dict[object, Bound] = field(default_factory=dict)
    """What variables hold that no automatic variable takes part in."""
    touched: set[str] = field(default_factory=set)
    """The automatic variables, words of loops and circles that took part in the last text."""
    depth: int = 0

    def afresh(self, automatic: Mapping[str, str]) -> Expander:
        """For the next text, with its automatic variables."""
        return replace(self, automatic=automatic, spent=[0])

    def deeper(self) -> Expander:
        """For what stands inside."""
        return replace(self, depth=self.depth + 1)

    def pieces(self, mapped: MappedText) -> Iterator[Piece]:
        """A text as the shell gets it: variables as the shell's, so that a word knows the
        variable that it came through; `$(shell ...)` as a substitution."""
        at = 0
        for found in references(mapped.text):
            yield from mapped.slice(at, found.start).pieces
            yield from self.piece(mapped, found)
            at = found.end
        yield from mapped.slice(at, len(mapped.text)).pieces

    def piece(self, mapped: MappedText, found: Reference) -> Iterator[Piece]:
        """What stands for one reference of a recipe."""
        span = mapped.span(found.start, found.end)
        inner = mapped.text[slice(*found.inner)]
        if found.function == "shell":
            start, end = found.arguments[0][0], found.arguments[-1][1]
            yield Piece("$(", mapped.span(found.start, start), literal=False)
            yield from self.pieces(mapped.slice(start, end))
            yield Piece(")", mapped.span(end, found.end), literal=False)
        elif self.is_shells(inner):
            yield Piece("${" + inner + "}", span, literal=False)
        else:
            # The shell's own variable of that name would win over a default written here.
            text, _ = defaults(self.reference(mapped.text, found))
            yield Piece(text, span, literal=False)

    def is_shells(self, inner: str) -> bool:
        """Whether a variable may stand in a recipe as the shell's own of that name: its text
        holds nothing that the shell would read as syntax."""
        if not _is_name(inner) or inner in self.automatic or inner == "MAKEFILE_LIST":
            return False
        bound = self.bound(inner)
        return bound is None or bool(bound.choices) or not _SYNTAX.search(bound.text)

    def text(self, text: str) -> str:
        """A text with everything replaced that is known."""
        if self.depth > _DEPTH or len(text) > LONGEST:
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

    def variable(self, name: str) -> str:
        """What a variable holds; by its name where that is not one known text."""
        if name == "MAKEFILE_LIST":
            return " ".join(dict.fromkeys(f"{ROOT}/{path}" for path in (self.first, self.path)))
        bound = self.bound(name)
        if bound is None:
            return "${" + name + "}" if _is_name(name) else UNKNOWN
        return "${" + name + "}" if bound.choices else bound.text

    def bound(self, name: str) -> Bound | None:
        """What a variable holds, with its place; None for one that nothing assigns."""
        if name in self.given:
            return self.given[name]
        assigned = self.variables.get(name)
        if assigned is None or (assigned.weak and name in self.held):
            return self.held.get(name)
        if name in self.active:
            self.touched.add(name)
            return Bound(UNKNOWN)
        key = (name, id(assigned), id(self.variables))
        found = self.memo.get(key)
        if found is None:
            before = set(self.touched)
            self.touched.clear()
            found = self.bound_to(name, assigned)
            if not self.touched:
                self.memo[key] = found
            self.touched.update(before)
        return found

    def bound_to(self, name: str, assigned: Assigned) -> Bound:
        """What a variable holds by its assignment, and by those of other branches."""
        inner = replace(self, active=self.active | {name})
        texts = dict.fromkeys(inner.value(one) for one in (assigned, *assigned.others))
        place = _place(assigned)
        if len(texts) > 1:
            return Bound("${" + name + "}", tuple(texts), place)
        text = next(iter(texts))
        weak = assigned.weak and not self.called
        return Bound("${" + name + ":-" + text + "}" if weak else text, (), place)

    def value(self, assigned: Assigned) -> str:
        """The text that one assignment gives, quotes of single words gone."""
        if assigned.opaque or self.depth > _DEPTH:
            return UNKNOWN
        inner = replace(self, path=assigned.source.path, depth=self.depth + 1)
        if assigned.seen is not None:
            inner = replace(inner, variables=assigned.seen)
        text = inner.text(assigned.value.text)
        if assigned.before is not None:
            text = f"{inner.value(assigned.before)} {text}".strip()
        return text

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


def _is_name(text: str) -> bool:
    return text.isidentifier() or text.isdecimal()


def _place(assigned: Assigned) -> Place:
    span = assigned.value.span(0, len(assigned.value.text))
    return assigned.source.place(span)
