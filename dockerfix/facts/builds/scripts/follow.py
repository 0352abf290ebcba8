"""Following a script: the builds that it asks for, with folders, functions and loops.

A script is followed statement by statement with the variables that are assigned on the way;
functions, scripts and Makefiles of the repository are entered with the caller's arguments.
What cannot be followed becomes a `Blind` or a value that stays unknown, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from dockerfix.facts.builds.files.unread import BUILD_TEXT
from dockerfix.facts.builds.scripts.build_commands import read_command
from dockerfix.facts.builds.scripts.entering import (
    enter_function,
    enter_make,
    enter_script,
    enter_text,
)
from dockerfix.facts.builds.scripts.following import STEPS, Following
from dockerfix.facts.commands.gathered import Carrier, Found
from dockerfix.facts.model import (
    SiteKind,
    Value,
)
from dockerfix.facts.shell.builtins import run_builtin
from dockerfix.facts.shell.paths import globbed, with_printed
from dockerfix.facts.shell.state import Ended, State, joined
from dockerfix.facts.shell.words import OPAQUE, Bound, Scope, bound_to, bounded, expand, words_of
from dockerfix.syntax.shell import (
    Assignment,
    Block,
    Command,
    Function,
    Loop,
    Opaque,
    Script,
    ShellWord,
    Statement,
    Variable,
    parse_shell,
)
from dockerfix.text import MappedText


class Follower(Following):
    """Follows scripts of one snapshot and gathers what they ask for."""

    def run(self, mapped: MappedText, carrier: Carrier, state: State) -> None:
        """Follow a text in `state`, which is changed as the shell would change it."""
        place = carrier.source.place(mapped.span(0, len(mapped.text)))
        self.steps = STEPS - STEPS // 8 if place in self.endless else 0
        self.followed.clear()
        try:
            self.script(parse_shell(mapped), mapped, carrier, state, 0)
        except RecursionError:
            self.blind(place, "a script", "it is nested too deeply")
        if self.steps >= STEPS and place not in self.endless:
            self.endless.add(place)
            self.blind(place, "a script", f"it takes more than {STEPS} steps")

    def uncalled(self, script: Script, function: Function, carrier: Carrier, folder: str) -> None:
        """Follow the body of a function as a caller would run it that has read its script."""
        mapped = MappedText.whole(carrier.source.data)
        state = State(folder, Scope(script=carrier.source.path))
        before, self.found = self.found, Found()
        self.steps = 0
        self.followed.clear()
        self.script(script, mapped, carrier, state, 0)
        self.found, state.ended = before, Ended.NO
        self.statements(function.body, carrier, state, 1)

    def script(
        self, script: Script, mapped: MappedText, carrier: Carrier, state: State, depth: int
    ) -> None:
        """Follow a parsed text."""
        if script.broken and BUILD_TEXT.search(mapped.text):
            place = carrier.source.place(script.broken[0])
            self.blind(place, "a script", "the shell grammar cannot read this part of it")
        self.statements(script.statements, carrier, state, depth)

    def statements(
        self, statements: Iterable[Statement], carrier: Carrier, state: State, depth: int
    ) -> None:
        """Follow statements in order, until one ends the script or function."""
        for statement in statements:
            if state.ended is not Ended.NO:
                return
            self.steps += 1
            if self.steps < STEPS:
                self.statement(statement, carrier, state, depth)

    def statement(self, item: Statement, carrier: Carrier, state: State, depth: int) -> None:
        """Follow one statement."""
        if isinstance(item, Function):
            state.functions[item.name] = (item, carrier.source)
        elif isinstance(item, Assignment):
            self.substituted((item.value,), carrier, state, depth)
            self.assign(item, carrier, state)
        elif isinstance(item, Command):
            self.substituted(_all_words(item), carrier, state, depth)
            self.command(item, carrier, state, depth)
        elif isinstance(item, Loop):
            self.substituted(item.values, carrier, state, depth)
            self.loop(item, carrier, state, depth)
        else:
            self.block(item, carrier, state, depth)

    def substituted(
        self, words: Iterable[ShellWord | None], carrier: Carrier, state: State, depth: int
    ) -> None:
        """Commands inside `$(...)`, each in a subshell."""
        for word in words:
            for part in word.parts if word is not None else ():
                body = part.body if isinstance(part, Opaque) else ()
                if body and self.asking.may_ask(body, state.functions, self.words):
                    self.statements(body, carrier, state.copy(), depth)

    def assign(self, item: Assignment, carrier: Carrier, state: State) -> None:
        """Bind a variable."""
        bound = self.bound(item.value, carrier, state)
        old = state.scope.look(item.name)
        if item.appends:
            bound = _appended(item.name, old, bound)
        self.note_value(item, bound, carrier)
        if bound.array is not None:
            self.found.arrays.append(carrier.source.place(item.span))
        state.assign(item.name, bound, exported=item.exported)

    def defaulted(self, item: Command, state: State) -> None:
        """`: "${NAME:=value}"`: a default that the environment may replace."""
        for word in item.words[1:]:
            for part in word.parts:
                if not isinstance(part, Variable) or part.operator not in (":=", "="):
                    continue
                if state.scope.look(part.name) is None:
                    text, _ = expand(part.operand, state.scope)
                    state.assign(part.name, Bound("${" + part.name + ":-" + text + "}"))

    def note_value(self, item: Assignment, bound: Bound, carrier: Carrier) -> None:
        """Remember what a variable may hold anywhere in the snapshot."""
        place = bound.place or carrier.source.place(item.span)
        for text in bound.choices or (bound.text,):
            if "${" not in text:
                self.found.assigned.setdefault(item.name, {}).setdefault(text, place)

    def bound(self, word: ShellWord | None, carrier: Carrier, state: State) -> Bound:
        """What a variable holds after `NAME=word`."""
        if word is None:
            return Bound("")
        return bound_to(word, with_printed((word,), state), carrier.source)

    def block(self, item: Block, carrier: Carrier, state: State, depth: int) -> None:
        """A group in place; a subshell on a copy; branches on a copy each."""
        if item.alternatives:
            branches = [state.branch() for _ in item.body]
            for branch, inner in zip(item.body, branches, strict=True):
                self.statement(branch, carrier, inner, depth)
            state.become(joined(branches if item.exhaustive else [state.copy(), *branches]))
            state.conditional |= any(branch.satisfied for branch in branches)
        elif item.isolated:
            self.statements(item.body, carrier, state.copy(), depth)
        elif item.conditional:
            inner = state.branch()
            self.statements(item.body, carrier, inner, depth)
            state.become(joined([state.copy(), inner]))
            state.conditional |= inner.satisfied
        else:
            self.statements(item.body, carrier, state, depth)

    def loop(self, item: Loop, carrier: Carrier, state: State, depth: int) -> None:
        """The body once for each value; where how many there are is not known, it may not run."""
        before, sure = state.copy(), True
        for value in _loop_values(self, item, carrier, state):
            known = OPAQUE not in value.text
            sure = sure and value.known
            text = value.text if known else "${" + item.variable + "}"
            place = value.origin or value.place
            bound = Bound(text, value.choices if known else (), place)
            state.scope = state.scope.bind(item.variable, bound)
            self.statements(item.body, carrier, state, depth)
        if not sure:
            state.become(joined([before, state.copy()]))

    def command(self, item: Command, carrier: Carrier, state: State, depth: int) -> None:
        """A build, a change of folder, a call of a function or script, or nothing of ours."""
        scope = with_printed(item.words, state)
        # The words of `A=b command $A` are expanded before `A` has its value.
        words = words_of(item.words, scope, carrier.source)
        if words and words[0].text == "time":
            words = words[2:] if words[1:2] and words[1].text == "-p" else words[1:]
        for assignment in item.assignments:
            bound = self.bound(assignment.value, carrier, state)
            self.note_value(assignment, bound, carrier)
            scope = scope.bind(assignment.name, bound)
            scope = replace(scope, own=scope.own - {assignment.name})
        if not words:
            for assignment in item.assignments:
                self.assign(assignment, carrier, state)
            return
        if words[0].text == ":":
            self.defaulted(item, state)
        given = item.herestring
        text = self.bound(given, carrier, state) if given is not None else None
        if run_builtin(words, state, scope, text):
            return
        inner = state.copy()
        inner.scope = scope
        if words[0].text in state.functions:
            inner = state if not item.assignments else inner
            enter_function(self, item, words, carrier, inner, depth)
            return
        # A document tells people what to run; what that does is read where it stands.
        entered = carrier.kind is not SiteKind.DOCUMENT and (
            enter_script(self, words, carrier, state, scope, depth)
            or enter_make(self, words, carrier, inner, depth)
        )
        entered = entered or enter_text(self, item, words, carrier, inner, depth)
        if not entered:
            read_command(self, words, item, carrier, inner)


def _loop_values(
    following: Following, item: Loop, carrier: Carrier, state: State
) -> Iterator[Value]:
    """The values of a loop, globs as the files of the snapshot that they match."""
    for value in words_of(item.values, state.scope, carrier.source):
        glob = any(sign in value.text for sign in "*?[") and value.known
        if not glob or value.written[:1] in ("'", '"'):
            yield value
            continue
        paths = globbed(following.snapshot, state.folder, value.text)
        if not paths and BUILD_TEXT.search(carrier.source.text(item.span)):
            place = carrier.source.place(item.span)
            following.blind(place, "a loop", f"no file is known that {value.text} matches")
        yield from (Value(value.written, path, (), (), None, value.place) for path in paths)


def _appended(name: str, old: Bound | None, more: Bound) -> Bound:
    """What a variable holds after `NAME+=more`."""
    before = old if old is not None else Bound("${" + name + "}")
    if before.array is not None and more.array is not None:
        return replace(before, array=(*before.array, *more.array))
    if before.choices or more.choices or more.array is not None or before.array is not None:
        return Bound("${" + name + "}")
    return Bound(bounded(before.text + more.text))


def _all_words(item: Command) -> Iterator[ShellWord | None]:
    yield from (*item.words, item.herestring)
    yield from (assignment.value for assignment in item.assignments)
