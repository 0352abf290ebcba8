"""Following a script: the builds that it asks for, with folders, functions and loops.

A script is followed statement by statement with the variables that are assigned on the way;
functions and scripts of the repository are entered with the caller's arguments. What cannot
be followed becomes a `Blind` or a value that stays unknown, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from dockerfix.facts.builds.docker_command import (
    Recognised,
    Token,
    make_build,
    read_arguments,
    recognise,
)
from dockerfix.facts.builds.image_command import image_call
from dockerfix.facts.builds.words import Bound, Scope, expand, remaining, value_of
from dockerfix.facts.model import Blind, Build, Call, CallSite, ImageCall, SiteKind, Tool, Value
from dockerfix.facts.shell import (
    Assignment,
    Block,
    Command,
    Function,
    Loop,
    Script,
    ShellWord,
    Statement,
    Variable,
    parameters,
    parse_shell,
)
from dockerfix.text import MappedText, Snapshot, Source, join_path

_DEPTH = 12


@dataclass(slots=True)
class Found:
    """What following has gathered."""

    builds: list[Build] = field(default_factory=list)
    blind: list[Blind] = field(default_factory=list)
    bakes: list[BakeCall] = field(default_factory=list)
    composes: list[ComposeCall] = field(default_factory=list)
    images: list[ImageCall] = field(default_factory=list)
    entered: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class BakeCall:
    """A `docker buildx bake` command: its files and targets, relative to its folder."""

    site: CallSite
    folder: str | None
    files: tuple[Value, ...]
    targets: tuple[Value, ...]
    push: bool
    sets: tuple[Value, ...]
    variables: Scope


@dataclass(frozen=True, slots=True)
class ComposeCall:
    """A `docker compose` command, with the variables that are set where it runs."""

    site: CallSite
    words: tuple[str, ...]
    variables: Scope


@dataclass(frozen=True, slots=True)
class Carrier:
    """What holds the script: kind and name of the call site, and its source."""

    kind: SiteKind
    name: str
    source: Source
    through: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()


@dataclass(slots=True)
class State:
    """Where the shell stands: folder (None when unknown), variables, functions."""

    folder: str | None
    scope: Scope
    functions: dict[str, tuple[Function, Source]] = field(default_factory=dict)

    def copy(self) -> State:
        """A state whose changes do not last."""
        return State(self.folder, self.scope, dict(self.functions))


class Follower:
    """Follows scripts of one snapshot and gathers what they ask for."""

    def __init__(self, snapshot: Snapshot, read_script: Callable[[str], Script | None]) -> None:
        self.snapshot = snapshot
        self.read_script = read_script
        self.found = Found()

    def run(self, mapped: MappedText, carrier: Carrier, state: State) -> None:
        """Follow a text in `state`, which is changed as the shell would change it."""
        script = parse_shell(mapped)
        if script.broken and any(b"docker" in carrier.source.slice(s) for s in script.broken):
            place = carrier.source.place(script.broken[0])
            self.found.blind.append(Blind(place, "a script", "the shell grammar cannot read it"))
        self.statements(script.statements, carrier, state, 0)

    def statements(
        self, statements: Iterable[Statement], carrier: Carrier, state: State, depth: int
    ) -> None:
        """Follow statements in order."""
        for statement in statements:
            self.statement(statement, carrier, state, depth)

    def statement(self, item: Statement, carrier: Carrier, state: State, depth: int) -> None:
        """Follow one statement."""
        if isinstance(item, Function):
            state.functions[item.name] = (item, carrier.source)
        elif isinstance(item, Assignment):
            self.assign(item, carrier, state)
        elif isinstance(item, Command):
            self.command(item, carrier, state, depth)
        elif isinstance(item, Loop):
            self.loop(item, carrier, state, depth)
        elif isinstance(item, Block):
            self.block(item, carrier, state, depth)

    def assign(self, item: Assignment, carrier: Carrier, state: State) -> None:
        """Bind a variable."""
        if item.value is None:
            state.scope = state.scope.bind(item.name, Bound(""))
            return
        state.scope = state.scope.bind(item.name, _bound(item.value, state.scope, carrier.source))

    def block(self, item: Block, carrier: Carrier, state: State, depth: int) -> None:
        """A group in place; a subshell or a branch on a copy."""
        if not (item.isolated or item.conditional):
            self.statements(item.body, carrier, state, depth)
            return
        inner = state.copy()
        self.statements(item.body, carrier, inner, depth)
        if item.conditional:
            state.functions.update(inner.functions)
            state.scope = _either(state.scope, inner.scope)
            if inner.folder != state.folder and item.operator != "||":
                state.folder = None

    def loop(self, item: Loop, carrier: Carrier, state: State, depth: int) -> None:
        """The body once for each value."""
        for word in item.values:
            for token in tokens((word,), state.scope, carrier.source):
                place = token.value.place
                bound = Bound(token.text, token.value.choices, place)
                state.scope = state.scope.bind(item.variable, bound)
                self.statements(item.body, carrier, state, depth)

    def command(self, item: Command, carrier: Carrier, state: State, depth: int) -> None:
        """A build, a change of folder, a call of a function or script, or nothing of ours."""
        scope = state.scope
        for assignment in item.assignments:
            if assignment.value is not None:
                scope = scope.bind(assignment.name, _bound(assignment.value, scope, carrier.source))
        words = tokens(item.words, scope, carrier.source)
        if not words:
            return
        name = words[0].text
        if name in ("cd", "pushd") and len(words) > 1:
            state.folder = _folder(state.folder, words[1].text)
        elif name in state.functions:
            self.enter_function(item, words, carrier, state, depth)
        elif not self.enter_script(words, carrier, state, depth):
            self.docker(words, item, carrier, replace_scope(state, scope))

    def docker(
        self, words: tuple[Token, ...], item: Command, carrier: Carrier, state: State
    ) -> None:
        """A command that builds, tags or pushes, if it is one."""
        site = CallSite(
            carrier.kind, carrier.name, carrier.source.place(item.span), carrier.through
        )
        recognised = recognise(words)
        if recognised is None:
            moved = image_call(words, site)
            self.found.images += [moved] if moved is not None else []
        elif recognised.tool is Tool.BAKE:
            self.found.bakes.append(_bake(recognised, site, state))
        elif recognised.tool is Tool.COMPOSE:
            texts = tuple(token.text for token in recognised.rest)
            self.found.composes.append(ComposeCall(site, texts, state.scope))
        else:
            build = make_build(recognised, site, state.folder)
            if build is not None:
                held = {name: b.text for name, b in state.scope.variables.items() if not b.choices}
                self.found.builds.append(replace(build, calls=carrier.calls, variables=held))

    def enter_function(
        self,
        item: Command,
        words: tuple[Token, ...],
        carrier: Carrier,
        state: State,
        depth: int,
    ) -> None:
        """A call: the body with the caller's arguments; `cd` and globals last."""
        if depth > _DEPTH:
            return
        name = words[0].text
        function, source = state.functions[name]
        outer = state.scope
        inner = _positional(outer, words[1:])
        state.scope = inner
        call = Call(
            name,
            carrier.source.place(item.span),
            tuple(token.value.place for token in words[1:]),
            source.place(function.body_span),
            parameters(function.body),
        )
        called = replace(
            carrier,
            source=source,
            through=(*carrier.through, name),
            calls=(*carrier.calls, call),
        )
        self.statements(function.body, called, state, depth + 1)
        assigned = {
            key: value
            for key, value in state.scope.variables.items()
            if not key.isdecimal() and key not in _locals(function) and key not in "@*#"
        }
        state.scope = Scope({**outer.variables, **assigned}, outer.positional)
        for key in _locals(function):
            if key in outer.variables:
                state.scope = state.scope.bind(key, outer.variables[key])

    def enter_script(
        self, words: tuple[Token, ...], carrier: Carrier, state: State, depth: int
    ) -> bool:
        """A script of the repository, run or sourced; False when it is none."""
        at = 0
        name = words[0].text
        sourced = name in (".", "source")
        if sourced or name in ("bash", "sh", "zsh", "dash"):
            at = next(
                (n for n, w in enumerate(words[1:], 1) if not w.text.startswith("-")), len(words)
            )
        if at >= len(words) or state.folder is None or depth > _DEPTH:
            return False
        text = words[at].text
        if at == 0 and "/" not in text:
            return False
        for prefix in ("${CI_PROJECT_DIR}/", "${GITHUB_WORKSPACE}/"):
            text = text.removeprefix(prefix)
        path = join_path(state.folder, text)
        script = self.read_script(path) if path is not None and path in self.snapshot else None
        if script is None or path is None:
            return False
        self.found.entered.add(path)
        inner = State(state.folder, _positional(state.scope, words[at + 1 :]), {})
        called = replace(
            carrier, source=self.snapshot.source(path), through=(*carrier.through, path)
        )
        self.statements(script.statements, called, state if sourced else inner, depth + 1)
        return True


def replace_scope(state: State, scope: Scope) -> State:
    """The state with other variables, for one command."""
    return State(state.folder, scope, state.functions)


def tokens(words: tuple[ShellWord, ...], scope: Scope, source: Source) -> tuple[Token, ...]:
    """The words after expansion; an unquoted variable may give several or none."""
    found: list[Token] = []
    for word in words:
        if len(word.parts) == 1 and isinstance(word.parts[0], Variable):
            name = word.parts[0].name
            if name in ("@", "*"):
                listed = scope.look("@")
                if listed is not None:
                    found += _split(listed.text, word, source)
                    continue
        value = value_of(word, scope, source)
        splits = (
            not word.quoted
            and not value.choices
            and any(isinstance(part, Variable) for part in word.parts)
            and (not value.text or len(_fields(value.text)) != 1)
        )
        if splits:
            found += _split(value.text, word, source)
        else:
            found.append(Token(value))
    return tuple(found)


def _split(text: str, word: ShellWord, source: Source) -> list[Token]:
    """Word splitting of an expanded text; the parts have no place of their own."""
    origin = source.place(word.span)
    return [
        Token(Value(word.written, piece, remaining(piece), (), None, origin))
        for piece in _fields(text)
    ]


def _fields(text: str) -> list[str]:
    fields, current, depth = [], "", 0
    for at, char in enumerate(text):
        if char.isspace() and not depth:
            if current:
                fields.append(current)
            current = ""
            continue
        if text.startswith("${", at):
            depth += 1
        elif char == "}" and depth:
            depth -= 1
        current += char
    return [*fields, current] if current else fields


def _bound(word: ShellWord, scope: Scope, source: Source) -> Bound:
    text, choices = expand(word.parts, scope)
    place = source.place(word.span)
    if len(word.parts) == 1 and isinstance(word.parts[0], Variable):
        through = scope.look(word.parts[0].name)
        if through is not None and through.place is not None:
            place = through.place
    return Bound(text, choices, place)


def _positional(outer: Scope, words: tuple[Token, ...]) -> Scope:
    variables = {k: v for k, v in outer.variables.items() if not k.isdecimal()}
    for number, token in enumerate(words, 1):
        variables[str(number)] = Bound(token.text, token.value.choices, token.value.place)
    variables["@"] = Bound(" ".join(token.text for token in words))
    variables["#"] = Bound(str(len(words)))
    return Scope(variables, positional=True)


def _locals(function: Function) -> frozenset[str]:
    return frozenset(
        item.name for item in function.body if isinstance(item, Assignment) and item.local
    )


def _either(before: Scope, inside: Scope) -> Scope:
    """After a branch: a variable that it assigned has both values."""
    merged = dict(before.variables)
    for name, bound in inside.variables.items():
        old = merged.get(name)
        if old == bound:
            continue
        olds = (old.choices or (old.text,)) if old is not None else ("${" + name + "}",)
        both = dict.fromkeys((*olds, *(bound.choices or (bound.text,))))
        merged[name] = Bound("${" + name + "}", tuple(both), bound.place)
    return Scope(merged, before.positional)


def _folder(folder: str | None, text: str) -> str | None:
    for name in ("${CI_PROJECT_DIR}", "${GITHUB_WORKSPACE}"):
        if text == name or text.startswith(name + "/"):
            return join_path("", text[len(name) :].lstrip("/") or ".")
    if folder is None or "${" in text or text == "-":
        return None
    return join_path(folder, text)


def _bake(recognised: Recognised, site: CallSite, state: State) -> BakeCall:
    valued = frozenset(
        {"file", "set", "builder", "metadata-file", "progress", "allow", "provenance", "sbom",
         "call"}
    )  # fmt: skip
    arguments = read_arguments(recognised.rest, valued)
    return BakeCall(
        site,
        state.folder,
        arguments.values("file"),
        arguments.positional,
        arguments.has("push"),
        arguments.values("set"),
        state.scope,
    )
