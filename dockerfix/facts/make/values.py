"""What the variables of a Makefile hold: by assignments, by the command line, by the environment.

Knows which assignment counts; how the text of one is expanded is told by `expand`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from dockerfix.facts.make.variables import Assigned
from dockerfix.facts.shell.words import ROOTS, UNKNOWN, Bound
from dockerfix.text import Place

ROOT = "${" + ROOTS[-1] + "}"
DEPTH = 24
"""Variables and functions inside one another that are expanded."""


class VariableValues(Struct, frozen=True):
    """The variables of one Makefile, and what is known around them.

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

    def text(self, text: str) -> str:
        """A text with everything replaced that is known."""
        raise NotImplementedError

    def variable(self, name: str) -> str:
        """What a variable holds; by its name where that is not one known text."""
        if name == "MAKEFILE_LIST":
            return " ".join(dict.fromkeys(f"{ROOT}/{path}" for path in (self.first, self.path)))
        bound = self.bound(name)
        if bound is None:
            return "${" + name + "}" if is_name(name) else UNKNOWN
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
        place = place_of(assigned)
        if len(texts) > 1:
            return Bound("${" + name + "}", tuple(texts), place)
        text = next(iter(texts))
        weak = assigned.weak and not self.called
        return Bound("${" + name + ":-" + text + "}" if weak else text, (), place)

    def value(self, assigned: Assigned) -> str:
        """The text that one assignment gives, quotes of single words gone."""
        if assigned.opaque or self.depth > DEPTH:
            return UNKNOWN
        inner = replace(self, path=assigned.source.path, depth=self.depth + 1)
        if assigned.seen is not None:
            inner = replace(inner, variables=assigned.seen)
        text = inner.text(assigned.value.text)
        if assigned.before is not None:
            text = f"{inner.value(assigned.before)} {text}".strip()
        return text


def is_name(text: str) -> bool:
    """Whether a text is a name that the shell takes too."""
    return text.isidentifier() or text.isdecimal()


def place_of(assigned: Assigned) -> Place:
    """Where the value of an assignment is written."""
    span = assigned.value.span(0, len(assigned.value.text))
    return assigned.source.place(span)
