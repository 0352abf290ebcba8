"""A Makefile with what it includes: its rules, what making a target runs, and with what values.

Follows "How make processes a makefile" and "Using implicit rules" of the GNU make manual as far
as builds need it. Knows rules; knows no docker and reads no file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property

from msgspec.structs import replace

from dockerfix.facts.make.call import MakeCall
from dockerfix.facts.make.expand import Expander
from dockerfix.facts.make.functions import stem
from dockerfix.facts.make.recipes import recipe
from dockerfix.facts.make.rule import Rule
from dockerfix.facts.make.values import ROOT, place_of
from dockerfix.facts.make.variables import Assigned
from dockerfix.facts.shell.words import UNKNOWN, Bound, Scope
from dockerfix.text import MappedText, Place

_TARGETS = 500
"""Targets of one call that are followed."""
_NAMED = re.compile(r"[\w.-]+")


class Makefile:
    """A Makefile with what it includes. Its rules and variables do not change."""

    def __init__(
        self,
        path: str,
        rules: tuple[Rule, ...],
        variables: Mapping[str, Assigned],
        own: Mapping[str, Mapping[str, Assigned]],
        included: frozenset[str],
        listed: Callable[[str, str], tuple[str, ...]],
        unread: tuple[str, ...] = (),
    ) -> None:
        self.path = path
        self.rules = rules
        self.variables = variables
        self.own = own
        """Variables of single targets (`target: NAME = value`)."""
        self.included = included
        self.listed = listed
        self.unread = unread
        """Includes whose names hold a variable that nothing here sets."""
        self._said: dict[tuple[str, ...], str] = {}

    @cached_property
    def one_shell(self) -> bool:
        """Whether all lines of a recipe run in one shell."""
        return any(".ONESHELL" in rule.targets for rule in self.rules)

    def wanted(self, targets: tuple[str, ...]) -> list[tuple[Rule, str]]:
        """The rules that making the targets runs, prerequisites first; the default goal for
        none."""
        found: list[tuple[Rule, str]] = []
        seen: set[str] = set()
        for target in targets or self._first():
            self._want(target, seen, found)
        return found

    def _first(self) -> tuple[str, ...]:
        goal = self.variables.get(".DEFAULT_GOAL")
        if goal is not None and not goal.others:
            return (goal.value.text.strip(),)
        names = (t for rule in self.rules for t in rule.targets)
        return tuple(n for n in names if not n.startswith(".") and "%" not in n)[:1]

    def _want(self, target: str, seen: set[str], found: list[tuple[Rule, str]]) -> None:
        if target in seen or len(seen) > _TARGETS:
            return
        seen.add(target)
        for rule in self._rules_for(target):
            for needed in rule.needs(target):
                self._want(needed, seen, found)
            found.append((rule, target))

    def _rules_for(self, target: str) -> list[Rule]:
        exact = [rule for rule in self.rules if target in rule.targets]
        if any(rule.lines for rule in exact):
            return exact
        matching = (r for r in self.rules if any(stem(p, target) is not None for p in r.targets))
        return [*exact, *[rule for rule in matching if rule not in exact][:1]]

    def runs(self) -> Iterator[tuple[Rule, str]]:
        """Every rule with a recipe once for each of its targets; a pattern rule for the
        targets that other rules name."""
        named = dict.fromkeys(n for r in self.rules for n in (*r.targets, *r.prerequisites))
        for rule in self.rules:
            for target in rule.targets if rule.lines else ():
                matches = [n for n in named if "%" not in n and stem(target, n) is not None]
                yield from (
                    (rule, name) for name in (matches if "%" in target else ()) or (target,)
                )

    def says(self, rule: Rule, words: Collection[str]) -> bool:
        """Whether a recipe, or a variable that it refers to, holds one of some words: most hold
        none, and need not be expanded."""
        key = tuple(line.text for line in rule.lines)
        if key not in self._said:
            self._said[key] = "\n".join(self._texts(key))
        text = self._said[key]
        return any(word in text for word in words)

    def _texts(self, lines: Iterable[str]) -> Iterator[str]:
        """Texts, and those of the variables that they name, each once."""
        queue, seen = list(lines), set[str]()
        while queue:
            text = queue.pop()
            yield text
            for name in _NAMED.findall(text):
                if name not in seen:
                    seen.add(name)
                    held = (self.variables.get(name), *(own.get(name) for own in self.own.values()))
                    queue += [inner for one in held if one is not None for inner in one.texts]

    def defining(self, text: str) -> Iterator[Place]:
        """Where the variables are assigned that a text refers to, and those that they refer to."""
        queue, seen = [text], set[str]()
        while queue:
            for name in _NAMED.findall(queue.pop()):
                held = self.variables.get(name) if name not in seen else None
                seen.add(name)
                for assigned in held.all if held is not None else ():
                    queue.append(assigned.text)
                    yield place_of(assigned)

    def expander(self, call: MakeCall | None = None, outer: Scope | None = None) -> Expander:
        """What expands texts of this file. Without a call nothing is known of the environment,
        and a `?=` may be replaced: `${NAME:-value}`."""
        folder = call.folder if call is not None else posixpath.dirname(self.path)
        here = f"{ROOT}/{folder}" if folder else ROOT
        held = dict(outer.variables) if outer is not None else {}
        held = {name: bound for name, bound in held.items() if not name.isdecimal()}
        held |= {"MAKE": Bound("make"), "CURDIR": Bound(here), "PWD": Bound(here)}
        return Expander(
            self.variables,
            here,
            call.variables if call is not None else {},
            held,
            listed=lambda pattern: self.listed(folder, pattern),
            called=outer is not None,
            path=self.path,
            first=self.path,
        )

    def of_target(self, expander: Expander, rule: Rule, target: str) -> Expander:
        """The same for the recipe of a target, with the variables that are its own."""
        inner = expander.restarted(rule.automatic(target))
        own = self.own.get(target)
        return replace(inner, variables={**self.variables, **own}, memo={}) if own else inner

    def scope(self, expander: Expander) -> Scope:
        """All variables as the shell of a recipe may see them."""
        held = {**expander.held, **expander.given}
        for name in expander.variables:
            expander.spent[0] = 0
            bound = expander.bound(name)
            if bound is not None:
                held[name] = _without_quotes(bound)
        return Scope(held)

    def recipe(self, expander: Expander, rule: Rule) -> Iterator[MappedText]:
        """The commands of a rule as the shell gets them, one shell each."""
        return recipe(rule, expander, self.one_shell)


def _without_quotes(bound: Bound) -> Bound:
    """A value as one word of the shell; what quotes hold together is not known."""
    if bound.choices or not re.search("[\"']", bound.text):
        return bound
    spread = re.search(r"([\"']).*\s.*\1", bound.text)
    return replace(bound, text=UNKNOWN if spread else re.sub("[\"']", "", bound.text))
