"""Shell functions that a command stands in: parameters that carry what differs between calls.

Knows words of shells and bodies of functions; knows nothing of options of a build.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.facts.model import Build, Call
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.command.calls import CallEdit
from dockerfix.rewrite.command.subject import Subject
from dockerfix.rewrite.wanted import Change, Edits
from dockerfix.syntax.shell import (
    Assignment,
    Block,
    Function,
    Loop,
    Script,
    Statement,
    Variable,
    parse_shell,
)
from dockerfix.text import Edit, MappedText, Place, Span


class FunctionParameters:
    """Parameters that the innermost function of a command gains, and what its calls pass."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.calls: dict[Place, CallEdit] = {}
        self.declared: Edits = []

    def edits(self) -> Edits:
        """The edits of the function's head and of its calls."""
        lines: dict[tuple[str, Span], bytes] = {}
        for path, edit in self.declared:
            lines[path, edit.span] = lines.get((path, edit.span), b"") + edit.replacement
        declared = [(path, Edit(span, text)) for (path, span), text in lines.items()]
        return [*declared, *(edit for call in self.calls.values() for edit in call.edits())]

    def new(self, name: str, default: str, texts: Sequence[str]) -> str:
        """Add a parameter to the function and pass `texts`; the expansion to write."""
        subject = self.subject
        calls = [c.build.calls[-1] if c.build.calls else None for c in subject.changes]
        call = calls[0]
        if call is None or any(c is None or c.body != call.body for c in calls):
            raise subject.refused(
                f"one command serves several images whose --{name} differ now",
                "write one command for each image, or put them into a shell function",
            )
        if call.parameters is None:
            raise subject.refused(
                f"the function {call.name} takes all its arguments at once",
                'give it named parameters (`local file="$1"`)',
            )
        number = self._free_number(call, max(call.parameters, *self._lengths(call)) + 1)
        for passing, text in zip(calls, texts, strict=True):
            if passing is not None:
                self._call(passing).add(number, text)
        return self._declare(call, name, number, default)

    def extend(self, change: Change) -> None:
        """Flags inside the unquoted parameter that the function hands on."""
        calls = change.build.calls
        number = _splitting_parameter(self.subject.facts, change.build)
        if not calls or number is None:
            raise self.subject.refused(
                "the command builds other images too, and has no place for one build argument",
                "give the function a parameter for more flags (`${extra_args}`)"
                if calls
                else "give this image a command of its own",
            )
        self._call(calls[-1]).extend(number, " ".join(change.wanted.flags))

    def _call(self, call: Call) -> CallEdit:
        return self.calls.setdefault(call.place, CallEdit(self.subject, call))

    def _free_number(self, call: Call, number: int) -> int:
        taken = {number for edit in self.calls.values() for number in edit.added}
        while number in taken:
            number += 1
        return number

    def _lengths(self, function: Call) -> Iterator[int]:
        """How many words each call gives the function, some of which it may not read."""
        yield 0
        for build in self.subject.facts.builds.builds:
            yield from (len(c.arguments) for c in build.calls if c.body == function.body)

    def _declare(self, call: Call, name: str, number: int, default: str) -> str:
        """`${name}` after a new `local` line where the function has such lines, else the
        bare parameter with its default."""
        facts = self.subject.facts
        source = facts.snapshot.source(call.body.path)
        locals_ = [
            item
            for item in parse_shell(_body_text(facts, call)).statements
            for item in _assignments(item)
            if item.local and item.value is not None and _is_parameter(item)
        ]
        if not locals_:
            return f"${{{number}:-{default}}}"
        taken = self.subject.first.variables
        new = next(n for n in (name, f"build_{name}", f"image_{name}") if n not in taken)
        line = source.line_of(locals_[-1].span.start)
        start = source.text(Span(line.start, line.end))
        indent = start[: len(start) - len(start.lstrip())]
        newline = "\r\n" if start.endswith("\r\n") else "\n"
        text = f'{indent}local {new}="${{{number}:-{default}}}"{newline}'
        self.declared.append((call.body.path, Edit(Span(line.end, line.end), text.encode())))
        return f"${{{new}}}"


def local_names(build: Build, facts: Facts) -> frozenset[str]:
    """Variables that only live inside the innermost function of a build."""
    if not build.calls:
        return frozenset()
    script = parse_shell(_body_text(facts, build.calls[-1]))
    found = {a.name for item in script.statements for a in _assignments(item) if a.local}
    return frozenset(found) | frozenset(str(number) for number in range(1, 10))


def _splitting_parameter(facts: Facts, build: Build) -> int | None:
    """The number of the parameter that the command takes unquoted and whole, so that several
    words in it become several words of the command."""
    if not build.calls:
        return None
    script = parse_shell(_body_text(facts, build.calls[-1]))
    named = _named_parameters(script)
    for command in script.commands():
        span = command.span
        if span != build.site.place.span:
            continue
        for word in command.words:
            part = word.parts[0] if len(word.parts) == 1 and not word.quoted else None
            if isinstance(part, Variable):
                number = named.get(part.name, int(part.name) if part.name.isdecimal() else 0)
                if number:
                    return number
    return None


def named_parameters(facts: Facts, call: Call) -> dict[str, int]:
    """The variables of a function that are one of its parameters and nothing else, with the
    number of each; a variable that is assigned again is none."""
    assigned = [*_every_assignment(parse_shell(_body_text(facts, call)).statements)]
    names = [item.name for item in assigned]
    return {
        item.name: int(part.name)
        for item in assigned
        for part in (item.value.parts if item.value is not None else ())
        if isinstance(part, Variable) and part.name.isdecimal() and _is_alone(item, names)
    }


def _is_alone(item: Assignment, names: Sequence[str]) -> bool:
    return item.value is not None and len(item.value.parts) == 1 and names.count(item.name) == 1


def _every_assignment(statements: Sequence[Statement]) -> Iterator[Assignment]:
    for item in statements:
        if isinstance(item, Assignment):
            yield item
        elif isinstance(item, Function | Loop | Block):
            yield from _every_assignment(item.body)


def _named_parameters(script: Script) -> dict[str, int]:
    return {
        a.name: int(part.name)
        for item in script.statements
        for a in _assignments(item)
        if a.value is not None and _is_parameter(a)
        for part in a.value.parts[:1]
        if isinstance(part, Variable)
    }


def _body_text(facts: Facts, call: Call) -> MappedText:
    """The function's body with its places; a body inside YAML keeps its indentation, which
    shells do not mind."""
    source = facts.snapshot.source(call.body.path)
    span = call.body.span
    if source.data[span.start : span.start + 1] == b"{":
        span = Span(span.start + 1, span.end - 1)
    return MappedText.whole(source.data, span)


def _assignments(item: object) -> list[Assignment]:
    return [item] if isinstance(item, Assignment) else []


def _is_parameter(item: Assignment) -> bool:
    first = item.value.parts[:1] if item.value is not None else ()
    return any(isinstance(part, Variable) and part.name.isdecimal() for part in first)
