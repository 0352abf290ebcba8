"""Reading a Makefile line by line, as GNU make does.

Follows "How make parses a makefile" of the GNU make manual: a line that begins with the recipe
prefix belongs to the rule above it, wherever a conditional stands; every other logical line is
a directive, an assignment, a rule, or only references. Raises on nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from dockerfix.syntax.make.lines import Line, folded, logical_lines
from dockerfix.syntax.make.references import outside, references
from dockerfix.syntax.make.tree import (
    Assignment,
    Conditional,
    Expression,
    Include,
    MakeText,
    Rule,
    Statement,
)
from dockerfix.text import MappedText, Span

_TESTS = frozenset({"ifeq", "ifneq", "ifdef", "ifndef"})
_INCLUDES = frozenset({"include", "-include", "sinclude"})
_SILENT = frozenset({"export", "unexport", "override", "private", "undefine", "vpath", "load"})
_MODIFIERS = re.compile(r"[ \t]*(?:(?:export|override|private|unexport)[ \t]+)*")
_WORD = re.compile(r"[ \t]*([\w-]+)(?![\w-])[ \t]*")
_DEFINED = re.compile(r"(\S+)[ \t]*([:?+!]{0,3}=)?")
_SIGNS = (":::=", "::=", ":=", "?=", "+=", "!=", "=")


def parse_make(mapped: MappedText) -> MakeText:
    """The statements of a Makefile, or of a text that `$(eval ...)` makes."""
    reader = _MakeText(mapped)
    lines = logical_lines(mapped.text)
    for line in lines:
        reader.line(line, lines)
    reader.end()
    return MakeText(_complete(reader.statements), tuple(reader.broken))


@dataclass(slots=True)
class _Open:
    """A rule whose recipe is being read."""

    rule: Rule
    recipe: list[MappedText] = field(default_factory=list)


@dataclass(slots=True)
class _Test:
    """A conditional that is being read: the branches before the one that is read, what stands
    around it, and the rules that recipe lines belonged to before and after its branches."""

    opened: Span
    around: list[_Item]
    before: list[_Open]
    after: list[_Open] = field(default_factory=list)
    branches: list[list[_Item]] = field(default_factory=list)
    exhaustive: bool = False


@dataclass(slots=True)
class _Tested:
    branches: list[list[_Item]]
    exhaustive: bool


_Item = Assignment | Include | Expression | _Open | _Tested


def _complete(items: list[_Item]) -> tuple[Statement, ...]:
    """The statements as values, each rule with its recipe."""
    found: list[Statement] = []
    for item in items:
        if isinstance(item, _Open):
            found.append(replace(item.rule, recipe=(*item.rule.recipe, *item.recipe)))
        elif isinstance(item, _Tested):
            branches = tuple(_complete(branch) for branch in item.branches)
            found.append(Conditional(branches, item.exhaustive))
        else:
            found.append(item)
    return tuple(found)


class _MakeText:
    """Reads one text. Private to `parse_make`."""

    def __init__(self, mapped: MappedText) -> None:
        self.mapped = mapped
        self.prefix = "\t"
        self.statements: list[_Item] = []
        self.tests: list[_Test] = []
        self.broken: list[Span] = []
        self.open: list[_Open] = []
        """The rules that a recipe line belongs to: several behind a conditional."""

    def span(self, line: Line) -> Span:
        """The bytes of a line."""
        return self.mapped.span(line.start, line.end)

    def line(self, line: Line, following: Iterator[Line]) -> None:
        """One logical line; a definition takes those up to its end from `following`."""
        if line.text.startswith(self.prefix) and self.open:
            for rule in self.open:
                rule.recipe.append(self.mapped.slice(line.start + 1, line.end))
            return
        text = line.before_comment
        word = _WORD.match(text)
        name = word[1] if word else ""
        if not text.strip():
            return
        if name in _TESTS or (name in ("else", "endif") and outside(text, ":=") == len(text)):
            self.conditional(name, text, line)
        elif name in _INCLUDES and word is not None and outside(text, "=:") == len(text):
            names = folded(self.mapped, line, word.end(), len(text))
            self.add(Include(names, self.span(line)))
        elif not (
            self.definition(line, text, following)
            or self.assignment(line, text)
            or self.rule(line, text)
        ):
            self.other(line, text, name)

    def end(self) -> None:
        """The end of the text, which ends what is open."""
        while self.tests:
            self.broken.append(self.tests[-1].opened)
            self.conditional("endif", "", None)

    def add(self, item: _Item) -> None:
        """One more statement, which ends the recipe above it."""
        self.open = []
        self.statements.append(item)

    def other(self, line: Line, text: str, name: str) -> None:
        """What is neither assignment nor rule: only references, a directive, or an error."""
        if text.lstrip().startswith("$"):
            self.add(Expression(folded(self.mapped, line, 0, len(text)), self.span(line)))
        elif name not in _SILENT:
            self.broken.append(self.span(line))

    def conditional(self, name: str, text: str, line: Line | None) -> None:
        """`ifeq` and its kin, `else`, `endif`; a recipe goes on through them."""
        if name in _TESTS and line is not None:
            self.tests.append(_Test(self.span(line), self.statements, self.open))
            self.statements = []
            return
        if not self.tests:
            self.broken += [self.span(line)] if line is not None else []
            return
        test = self.tests[-1]
        test.branches.append(self.statements)
        test.after += self.open
        self.statements, self.open = [], test.before
        if name == "else":
            test.exhaustive = text.split() == ["else"]
            return
        self.tests.pop()
        self.statements = test.around
        if any(test.branches):
            self.statements.append(_Tested(test.branches, test.exhaustive))
        every = [*test.after, *(() if test.exhaustive else test.before)]
        self.open = list({id(rule): rule for rule in every}.values())

    def assignment(self, line: Line, text: str) -> bool:
        """`NAME = value`; False for another line."""
        found = self.assigned(line, text, 0, None)
        if found is None:
            return False
        if found.name.text == ".RECIPEPREFIX":
            self.prefix = found.value.text[:1] or "\t"
        self.add(found)
        return True

    def assigned(
        self, line: Line, text: str, start: int, targets: MappedText | None
    ) -> Assignment | None:
        """The assignment that begins at `start`; None for a rule and for what is neither."""
        head = _MODIFIERS.match(text, start)
        start = head.end() if head else start
        at = outside(text, ":=", start)
        while at > start and text[at : at + 1] == "=" and text[at - 1] in "?+!":
            at -= 1
        sign = next((sign for sign in _SIGNS if text.startswith(sign, at)), "")
        name = folded(self.mapped, line, start, at)
        if not sign or not name.text or " " in _plain(name.text).replace("\t", " "):
            return None
        value = folded(self.mapped, line, at + len(sign), len(text))
        return Assignment(name, sign, value, self.span(line), targets)

    def rule(self, line: Line, text: str) -> bool:
        """`targets: prerequisites ; command`, or a variable of its targets."""
        at = outside(text, ":")
        if at == len(text):
            return False
        behind = at + 1 + text.startswith("::", at)
        targets = folded(self.mapped, line, 0, at - (text[at - 1 : at] == "&"))
        own = self.assigned(line, text, behind, targets)
        if own is not None:
            self.add(own)
            return True
        stop = outside(line.text, ";#", behind)
        inline = line.text[stop : stop + 1] == ";"  # a `#` behind it is the shell's
        end = stop if inline else len(text)
        middle = outside(text, ":", behind)
        static = middle < end
        pattern = folded(self.mapped, line, behind, middle) if static else None
        needed = folded(self.mapped, line, middle + 1 if static else behind, end)
        command = self.mapped.slice(line.start + min(end + 1, len(line.text)), line.end)
        recipe = (command,) if inline and command.text.strip() else ()
        opened = _Open(Rule(targets, needed, recipe, self.span(line), pattern))
        self.add(opened)
        self.open = [opened]
        return True

    def definition(self, line: Line, text: str, following: Iterator[Line]) -> bool:
        """`define NAME` and the lines up to its `endef`; inner ones belong to it."""
        head = _MODIFIERS.match(text)
        word = _WORD.match(text, head.end() if head else 0)
        named = _DEFINED.match(text, word.end()) if word and word[1] == "define" else None
        if named is None:
            return False
        lines, ends = _defined(following, self.prefix)
        self.broken += [self.span(line)] if not ends else []
        last = lines[-1] if lines else line
        value = self.mapped.slice(lines[0].start if lines else line.end, last.end)
        name_text = self.mapped.slice(line.start + named.start(1), line.start + named.end(1))
        whole = self.mapped.span(line.start, last.end)
        self.add(Assignment(name_text, named[2] or "=", value, whole, defined=True))
        return True


def _defined(following: Iterator[Line], prefix: str) -> tuple[list[Line], bool]:
    """The lines of a definition up to its `endef`, and whether there is one."""
    lines: list[Line] = []
    depth = 1
    for line in following:
        first = _WORD.match(line.text)
        name = first[1] if first and not line.text.startswith(prefix) else ""
        depth += (name == "define") - (name == "endef")
        if not depth:
            return lines, True
        lines.append(line)
    return lines, False


def _plain(text: str) -> str:
    """A text without its references."""
    found, at = "", 0
    for reference in references(text):
        found += text[at : reference.start]
        at = reference.end
    return found + text[at:]
