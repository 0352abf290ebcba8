"""Following a script: the builds that it asks for, with folders, functions and loops.

A script is followed statement by statement with the variables that are assigned on the way;
functions, scripts and Makefiles of the repository are entered with the caller's arguments.
What cannot be followed becomes a `Blind` or a value that stays unknown, never a guess.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dockerfix.facts.builds.docker_command import arguments_of, make_build
from dockerfix.facts.builds.gathered import BakeCall, Carrier, ComposeCall, Found
from dockerfix.facts.builds.image_command import handles_images, image_call
from dockerfix.facts.builds.paths import globbed, moved, with_printed
from dockerfix.facts.builds.recognise import Recognised, recognise, unwrapped
from dockerfix.facts.builds.script_files import read_script, script_path
from dockerfix.facts.builds.state import Ended, State, joined
from dockerfix.facts.builds.unread import BUILD_TEXT, TOOLS
from dockerfix.facts.builds.unread_command import unread_command
from dockerfix.facts.builds.words import OPAQUE, Bound, Scope, bound_to, bounded, key_of, words_of
from dockerfix.facts.model import (
    Blind,
    Build,
    Call,
    CallSite,
    SiteKind,
    Tool,
    Value,
)
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
    parameters,
    parse_shell,
)
from dockerfix.text import MappedText, Place, Snapshot

if TYPE_CHECKING:
    from dockerfix.facts.builds.make import MakeCall, Makefile, Makefiles

_DEPTH = 12
"""Calls of functions, scripts and Makefiles inside one another that are followed."""
_STEPS = 20_000
"""Statements that one text may make, loops and calls unrolled."""
_MAKE = frozenset({"make", "gmake"})
_WORDS = frozenset(
    {*(tool.decode() for tool in TOOLS), "build", "bake", "bud", "make", "MAKE", ".sh"}
)
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ash", "ksh"})


class Follower:
    """Follows scripts of one snapshot and gathers what they ask for."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.found = Found()
        self.steps = 0
        self.words: frozenset[str] = _WORDS
        """What a recipe holds that may build, or run what builds."""
        self.barren: dict[Hashable, frozenset[str]] = {}
        """Bodies that ask for nothing, with what they enter: followed once for each folder and
        scope, whoever calls them."""
        self.followed: set[Hashable] = set()
        """Bodies that the text at hand entered: whatever the way to it, a body asks for the same
        builds again. Ways are exponentially many where recipes make one another."""

    @cached_property
    def makefiles(self) -> Makefiles:
        """The Makefiles of the snapshot."""
        from dockerfix.facts.builds.make import Makefiles

        return Makefiles(self.snapshot)

    def run(self, mapped: MappedText, carrier: Carrier, state: State) -> None:
        """Follow a text in `state`, which is changed as the shell would change it."""
        self.steps = 0
        self.followed.clear()
        try:
            self.script(parse_shell(mapped), mapped, carrier, state, 0)
        except RecursionError:
            place = carrier.source.place(mapped.span(0, len(mapped.text)))
            self.blind(place, "a script", "it is nested too deeply")

    def script(
        self, script: Script, mapped: MappedText, carrier: Carrier, state: State, depth: int
    ) -> None:
        """Follow a parsed text."""
        if script.broken and BUILD_TEXT.search(mapped.text):
            place = carrier.source.place(script.broken[0])
            self.blind(place, "a script", "the shell grammar cannot read this part of it")
        self.statements(script.statements, carrier, state, depth)

    def blind(self, place: Place, what: str, why: str, apart: bool = False) -> None:
        """Note what cannot be followed, once."""
        self.found.blind[Blind(place, what, why, apart)] = None

    def statements(
        self, statements: Iterable[Statement], carrier: Carrier, state: State, depth: int
    ) -> None:
        """Follow statements in order, until one ends the script or function."""
        for statement in statements:
            if state.ended is not Ended.NO:
                return
            self.steps += 1
            if self.steps == _STEPS:
                place = carrier.source.place(statement.span)
                self.blind(place, "a script", f"it takes more than {_STEPS} steps")
            if self.steps < _STEPS:
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
                if isinstance(part, Opaque) and part.body:
                    self.statements(part.body, carrier, state.copy(), depth)

    def assign(self, item: Assignment, carrier: Carrier, state: State) -> None:
        """Bind a variable."""
        bound = self.bound(item.value, carrier, state)
        old = state.scope.look(item.name)
        if item.appends:
            before = old if old is not None else Bound("${" + item.name + "}")
            text = bounded(before.text + bound.text)
            bound = Bound(text if not (before.choices or bound.choices) else "${" + item.name + "}")
        self.note_value(item, bound, carrier)
        state.scope = state.scope.bind(item.name, bound)

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
            branches = [state.copy() for _ in item.body]
            for branch, inner in zip(item.body, branches, strict=True):
                self.statement(branch, carrier, inner, depth)
            state.become(joined(branches if item.exhaustive else [state.copy(), *branches]))
        elif item.isolated:
            self.statements(item.body, carrier, state.copy(), depth)
        elif item.conditional:
            inner = state.copy()
            self.statements(item.body, carrier, inner, depth)
            state.become(joined([state.copy(), inner]))
        else:
            self.statements(item.body, carrier, state, depth)

    def loop(self, item: Loop, carrier: Carrier, state: State, depth: int) -> None:
        """The body once for each value."""
        for value in self.loop_values(item, carrier, state):
            known = OPAQUE not in value.text
            text = value.text if known else "${" + item.variable + "}"
            place = value.origin or value.place
            bound = Bound(text, value.choices if known else (), place)
            state.scope = state.scope.bind(item.variable, bound)
            self.statements(item.body, carrier, state, depth)

    def loop_values(self, item: Loop, carrier: Carrier, state: State) -> Iterator[Value]:
        """The values of a loop, globs as the files of the snapshot that they match."""
        for value in words_of(item.values, state.scope, carrier.source):
            glob = any(sign in value.written for sign in "*?[") and value.known
            if not glob or value.written[:1] in ("'", '"'):
                yield value
                continue
            paths = globbed(self.snapshot, state.folder, value.text)
            if not paths and BUILD_TEXT.search(carrier.source.text(item.span)):
                place = carrier.source.place(item.span)
                self.blind(place, "a loop", f"no file is known that {value.text} matches")
            yield from (Value(value.written, path, (), (), None, value.place) for path in paths)

    def command(self, item: Command, carrier: Carrier, state: State, depth: int) -> None:
        """A build, a change of folder, a call of a function or script, or nothing of ours."""
        scope = with_printed(item.words, state)
        for assignment in item.assignments:
            bound = self.bound(assignment.value, carrier, state)
            self.note_value(assignment, bound, carrier)
            scope = scope.bind(assignment.name, bound)
        words = words_of(item.words, scope, carrier.source)
        if not words:
            for assignment in item.assignments:
                self.assign(assignment, carrier, state)
            return
        if self.builtin(words, state):
            return
        inner = state.copy()
        inner.scope = scope
        if words[0].text in state.functions:
            inner = state if not item.assignments else inner
            self.enter_function(item, words, carrier, inner, depth)
            return
        # A document tells people what to run; what that does is read where it stands.
        entered = carrier.kind is not SiteKind.DOCUMENT and (
            self.enter_script(words, carrier, state, scope, depth)
            or self.make(words, carrier, inner, depth)
        )
        entered = entered or self.enter_text(item, words, carrier, inner, depth)
        if not entered:
            self.docker(words, item, carrier, inner)

    def builtin(self, words: tuple[Value, ...], state: State) -> bool:
        """What the shell does itself to folders and variables."""
        name = words[0].text
        if name in ("cd", "pushd", "popd"):
            moved(words, state)
        elif name in ("exit", "return"):
            state.ended = Ended.SCRIPT if name == "exit" else Ended.FUNCTION
        elif name == "shift":
            _shift(words, state)
        elif name == "set" and any(word.text == "--" for word in words):
            at = next(n for n, word in enumerate(words) if word.text == "--")
            state.scope = state.scope.called(words[at + 1 :])
        elif name in ("read", "mapfile", "readarray", "getopts", "unset"):
            for word in words[1:]:
                if word.text.isidentifier():
                    held = Bound("", unset=True) if name == "unset" else _unknown(word.text)
                    state.scope = state.scope.bind(word.text, held)
        else:
            return False
        return True

    def docker(
        self, words: tuple[Value, ...], item: Command, carrier: Carrier, state: State
    ) -> None:
        """A command that builds, tags or pushes, if it is one."""
        recognised = recognise(words)
        if recognised is None:
            self.other_command(words, item, carrier)
            return
        site, calls = _site(words, item, carrier)
        if recognised.tool in (Tool.BAKE, Tool.COMPOSE):
            self.indirect(recognised, site, state)
            return
        build = make_build(recognised, site, state.folder, self.snapshot.entries)
        if build is not None and not _is_prose(carrier, build):
            held = {name: b.text for name, b in state.scope.variables.items() if not b.choices}
            self.found.builds.append(replace(build, calls=calls, variables=held))

    def other_command(self, words: tuple[Value, ...], item: Command, carrier: Carrier) -> None:
        """A command that tags or pushes, or that seems to build in a way that is not read."""
        # Most commands are neither: what costs is done for those that may be.
        if handles_images(words):
            image = image_call(words, _site(words, item, carrier)[0])
            self.found.images += [image] if image is not None else []
        if carrier.kind is SiteKind.DOCUMENT:
            return  # it tells people what to run, and promises no build
        said = unread_command(words, item, self.snapshot)
        if said is not None:
            self.blind(carrier.source.place(item.span), *said)

    def indirect(self, recognised: Recognised, site: CallSite, state: State) -> None:
        """A command whose builds stand in other files: bake and Compose."""
        if recognised.tool is Tool.BAKE:
            self.found.bakes.append(_bake(recognised, site, state))
        else:
            call = ComposeCall(site, recognised.rest, state.scope, state.folder)
            self.found.composes.append(call)

    def enter_text(
        self,
        item: Command,
        words: tuple[Value, ...],
        carrier: Carrier,
        state: State,
        depth: int,
    ) -> bool:
        """`sh -c "..."`, `eval "..."` and `bash <<EOF`: a text that stands in the command."""
        name = posixpath.basename(words[0].text)
        if depth > _DEPTH or len(words) != len(item.words):
            return False
        texts: list[MappedText] = []
        if name == "eval" and len(words) == 2:
            texts = [text for text in (item.words[1].content,) if text is not None]
        elif name in _SHELLS and len(words) > 2 and re.fullmatch(r"-[a-z]*c", words[-2].text):
            texts = [text for text in (item.words[-1].content,) if text is not None]
        elif name in _SHELLS and all(word.text.startswith("-") for word in words[1:]):
            texts = list(item.heredocs)
        for text in texts:
            self.script(parse_shell(text), text, carrier, state, depth + 1)
        return bool(texts)

    def enter_function(
        self,
        item: Command,
        words: tuple[Value, ...],
        carrier: Carrier,
        state: State,
        depth: int,
    ) -> None:
        """A call: the body with the caller's arguments; `cd` and globals last."""
        name = words[0].text
        function, source = state.functions[name]
        given = tuple(word.text for word in words)
        if given in carrier.active:
            return
        if depth > _DEPTH:
            if BUILD_TEXT.search(source.text(function.body_span)):
                self.blind(carrier.source.place(item.span), "a call", f"{name} calls too deep")
            return
        outer = state.scope
        call = Call(
            name,
            carrier.source.place(item.span),
            tuple(word.place for word in words[1:]),
            source.place(function.body_span),
            parameters(function.body),
        )
        called = replace(
            carrier,
            source=source,
            through=(*carrier.through, name),
            calls=(*carrier.calls, call),
            active=(*carrier.active, given),
        )
        state.scope = outer.called(words[1:])
        self.statements(function.body, called, state, depth + 1)
        if state.ended is Ended.FUNCTION:
            state.ended = Ended.NO
        state.scope = _after_call(outer, state.scope, function)

    def enter_script(
        self, words: tuple[Value, ...], carrier: Carrier, state: State, scope: Scope, depth: int
    ) -> bool:
        """A script of the repository, run or sourced; False when it is none."""
        words = unwrapped(words)
        if not words or state.folder is None or depth > _DEPTH:
            return False
        name = words[0].text
        sourced = name in (".", "source")
        at = 0
        if sourced or posixpath.basename(name) in _SHELLS:
            flags = (n for n, w in enumerate(words[1:], 1) if not w.text.startswith("-"))
            at = next(flags, len(words))
        if at >= len(words) or (at == 0 and "/" not in words[0].text):
            return False
        path = script_path(words[at].text, state.folder)
        script = read_script(self.snapshot, path) if path is not None else None
        if script is None or path is None:
            return False
        self.found.entered.add(path)
        key = (path, words[at + 1 :], state.folder, scope.key)
        if not sourced and self.is_known(key):
            return True
        called = replace(
            carrier, source=self.snapshot.source(path), through=(*carrier.through, path), calls=()
        )
        mapped = MappedText.whole(called.source.data)
        inner = State(state.folder, replace(scope.called(words[at + 1 :]), script=path))
        if sourced:
            inner.functions = state.functions
        with self.remembered(key):
            self.script(script, mapped, called, inner, depth + 1)
        if sourced:
            state.folder = inner.folder
            state.scope = replace(inner.scope, arguments=scope.arguments, script=state.scope.script)
        return True

    def make(self, words: tuple[Value, ...], carrier: Carrier, state: State, depth: int) -> bool:
        """`make target NAME=value`: the recipes of the rules, prerequisites first."""
        words = unwrapped(words)
        if not words or posixpath.basename(words[0].text) not in _MAKE or depth > _DEPTH:
            return False
        from dockerfix.facts.builds.make import make_words

        call = make_words(words[1:], state.folder)
        if call is None:
            return False
        makefile = self.makefiles.find(call)
        if makefile is None:
            return False
        key = (makefile.path, call.targets, call.folder, key_of(call.variables), state.scope.key)
        if not self.is_known(key):
            with self.remembered(key):
                self.made(makefile, call, carrier, state, depth)
        return True

    def made(
        self, makefile: Makefile, call: MakeCall, carrier: Carrier, state: State, depth: int
    ) -> None:
        """The recipes that a call of make runs."""
        whole = makefile.expander(call, state.scope)
        for rule, target in makefile.wanted(call.targets):
            self.found.entered.add(f"{rule.source.path}:{target}")
            if not makefile.says(rule, self.words):
                continue
            expander = makefile.of_target(whole, rule, target)
            scope = makefile.scope(expander)
            through = (*carrier.through, f"make {target}")
            called = replace(carrier, source=rule.source, through=through, calls=())
            for text in makefile.recipe(expander, rule):
                inner = State(call.folder, scope)
                self.script(parse_shell(text), text, called, inner, depth + 1)

    def is_known(self, key: Hashable) -> bool:
        """Whether a body asks for nothing that is not known: for nothing at all (what it enters
        counts again), or for what the text at hand asked for before."""
        entered = self.barren.get(key)
        self.found.entered |= entered or frozenset()
        before = key in self.followed
        self.followed.add(key)
        return before or entered is not None

    @contextmanager
    def remembered(self, key: Hashable) -> Iterator[None]:
        """Follow a body, and remember it if it asks for nothing."""
        before, self.found = self.found, Found()
        steps = self.steps
        try:
            yield
        finally:
            if not self.found.asks and self.steps < _STEPS and steps < _STEPS:
                self.barren[key] = frozenset(self.found.entered)
            self.found = before.with_more(self.found)


def _all_words(item: Command) -> Iterator[ShellWord | None]:
    yield from item.words
    yield from (assignment.value for assignment in item.assignments)


def _unknown(name: str) -> Bound:
    return Bound("${" + name + "}")


def _is_prose(carrier: Carrier, build: Build) -> bool:
    """Whether a document only names the command, as in "run `docker build`"."""
    return carrier.kind is SiteKind.DOCUMENT and build.context_written is None


def _site(
    words: tuple[Value, ...], item: Command, carrier: Carrier
) -> tuple[CallSite, tuple[Call, ...]]:
    """Where the command stands. A function that runs its arguments (`"$@"`) is no more than a
    way to run them: the command stands in its call."""
    place = carrier.source.place(item.span)
    calls = carrier.calls
    while calls and words[0].place in calls[-1].arguments and words[0].place is not None:
        place, calls = calls[-1].place, calls[:-1]
    return CallSite(carrier.kind, carrier.name, place, carrier.through), calls


def _shift(words: tuple[Value, ...], state: State) -> None:
    count = int(words[1].text) if len(words) > 1 and words[1].text.isdecimal() else 1
    if state.scope.arguments is not None:
        state.scope = state.scope.called(state.scope.arguments[count:])
        return
    kept = {k: v for k, v in state.scope.variables.items() if not k.isdecimal()}
    for number in range(1, 10):
        kept[str(number)] = _unknown(OPAQUE)
    state.scope = replace(state.scope, variables=kept)


def _after_call(outer: Scope, inner: Scope, function: Function) -> Scope:
    """The caller's variables with what the function assigned and did not keep to itself."""
    own = {i.name for i in _assignments(function.body) if i.local}
    kept = {
        name: bound
        for name, bound in inner.variables.items()
        if not name.isdecimal() and name not in own and name != "#"
    }
    return replace(outer, variables={**outer.variables, **kept})


def _assignments(statements: tuple[Statement, ...]) -> Iterator[Assignment]:
    for item in statements:
        if isinstance(item, Assignment):
            yield item
        elif isinstance(item, Block | Loop):
            yield from _assignments(item.body)


def _bake(recognised: Recognised, site: CallSite, state: State) -> BakeCall:
    arguments = arguments_of(recognised)
    return BakeCall(
        site,
        state.folder,
        arguments.values("file"),
        (*arguments.positional, *arguments.loose),
        arguments.has("push"),
        arguments.values("set"),
        state.scope,
        tuple(option for option in arguments.options if option.name in _OF_ALL_TARGETS),
    )


_OF_ALL_TARGETS = frozenset({"no-cache", "provenance", "pull", "sbom"})
"""Flags of bake that override what its targets say, and change the images."""
