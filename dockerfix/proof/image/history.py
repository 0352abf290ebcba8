"""What happened in a stage, in order: compilations, copies, and what cannot be followed.

A stage's chain is run by reading: folders, variables and shell statements are followed, each
cargo command is met with the environment in which it runs. Knows Dockerfiles, the shell and
the few commands that carry files; where a path comes from is asked in `origins`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from weakref import WeakKeyDictionary

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.cargo import CargoCall, read_cargo
from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.proof.cargo.commands import script_of
from dockerfix.proof.cargo.tools import command_words
from dockerfix.proof.image.chain import Outside, Step, flatten
from dockerfix.proof.image.environment import expand_command, expand_text, expand_word
from dockerfix.proof.image.installs import read_install
from dockerfix.syntax.dockerfile import Arg, Copy, Env, Label, Run, Stage
from dockerfix.syntax.shell import (
    Assignment,
    Block,
    Command,
    Function,
    Loop,
    Statement,
    parse_shell,
)
from dockerfix.text import Place

MAX_TEXT = 10_000
"""Characters of a variable's value that are followed."""
MAX_EVENTS = 2_000
"""Events of one stage that are followed; loops in loops make more."""
COMPILING = frozenset({"build", "rustc", "run", "install"})


class Mounted(Struct, frozen=True):
    """A mount of a RUN: where, of which kind, and what stands there.

    `source` is the stage, the image or context; None is the build context (or, for a cache or
    tmpfs, nothing that lasts). `path` is the folder of it that is mounted.
    """

    target: str
    kind: str
    source: Stage | Outside | None
    path: str


class Frame(Struct, frozen=True):
    """One RUN, within which its mounts are seen."""

    step: Step
    mounts: tuple[Mounted, ...]

    def mount_over(self, path: str) -> Mounted | None:
        """The mount that a path lies in; the innermost one."""
        over = [m for m in self.mounts if path == m.target or path.startswith(_folder(m.target))]
        return max(over, key=lambda mount: len(mount.target), default=None)


class Compiled(Struct, frozen=True):
    """A cargo command, with all that it meets.

    `folder` is where it runs in the image; `variables` holds ENV, ARG, exports and inline
    assignments; `toolchain` the rustup commands before it; `packages` all system packages
    installed before it. `certain` is false in a branch that may not run.
    """

    frame: Frame
    call: CargoCall
    folder: str
    variables: Mapping[str, str]
    toolchain: tuple[str, ...]
    packages: frozenset[str]
    shell: str
    certain: bool

    @property
    def place(self) -> Place:
        """Where the command stands."""
        source = self.frame.step.instruction.source
        return source.place(self.call.command.span)


class Carried(Struct, frozen=True):
    """`cp`, `mv`, `install` or `ln`: absolute sources and the destination."""

    frame: Frame
    sources: tuple[str, ...]
    destination: str
    folder_named: bool
    moves: bool
    certain: bool


class Removed(Struct, frozen=True):
    """`rm`: absolute paths."""

    frame: Frame
    paths: tuple[str, ...]


class Copied(Struct, frozen=True):
    """COPY or ADD: what it names, the absolute destination, and where from (None is the build
    context)."""

    step: Step
    sources: tuple[str, ...]
    destination: str
    source: Stage | Outside | None
    frame: None = None


class Opaque(Struct, frozen=True):
    """A command that may do anything: a script, make, a cargo extension."""

    frame: Frame
    text: str
    place: Place


class Written(Struct, frozen=True):
    """A file that a known command writes: the recipe of `cargo chef prepare`."""

    frame: Frame
    path: str


Event = Compiled | Carried | Removed | Copied | Written | Opaque


class History(Struct, frozen=True):
    """The events of a stage's chain in order, and its variables and folder at the end."""

    events: tuple[Event, ...]
    variables: Mapping[str, str]
    folder: str


_HISTORIES: WeakKeyDictionary[StageGraph, dict[int, History]] = WeakKeyDictionary()


def history_of(graph: StageGraph, stage: Stage) -> History:
    """What happened in the chain of a stage; run by reading once."""
    known = _HISTORIES.setdefault(graph, {})
    if stage.index not in known:
        known[stage.index] = _run(graph, stage)
    return known[stage.index]


def _run(graph: StageGraph, stage: Stage) -> History:
    reader = _ChainWalk()
    for step in flatten(graph, stage).steps:
        reader.step(step)
    return History(tuple(reader.events), dict(reader.state.variables), reader.state.folder)


_QUIET = frozenset(
    {
        "set", "echo", "printf", "true", ":", "test", "[", "[[", "mkdir", "chmod", "chown", "ls",
        "cat", "touch", "strip", "apk", "apt-get", "apt", "dnf", "yum", "microdnf", "zypper",
        "pacman", "rustup", "sleep", "date", "env", "adduser", "addgroup", "useradd", "groupadd",
        "ldd", "file", "du", "sha256sum", "curl", "wget", "tar", "unzip", "git", "npm", "pip",
        "update-ca-certificates", "pip3", "rustc", "uname", "id", "whoami", "grep", "exit", "upx",
        "xx-apk", "xx-apt", "xx-info", "xx-verify", "ldconfig", "pwd", "dpkg", "sed", "export",
    }
)  # fmt: skip
"""Commands that make no program of the workspace."""
_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
_CARRIERS = frozenset({"cp", "mv", "install", "ln"})


class _State(Struct, frozen=True):
    """Where the shell stands; `loops` names variables that no program sees."""

    folder: str = "/"
    variables: Mapping[str, str] = {}
    certain: bool = True
    loops: frozenset[str] = frozenset()

    def bind(self, name: str, text: str) -> _State:
        if len(text) > MAX_TEXT:
            text = "${" + name + "}"  # doubled and doubled again: not worth knowing
        return replace(self, variables={**self.variables, name: text})


class _ChainWalk:
    """One pass over a chain. Private to `history_of`."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.state = _State()
        self.toolchain: list[str] = []
        self.packages: set[str] = set()
        self.shell = ""
        self.rounds = 0

    def step(self, step: Step) -> None:
        """One instruction."""
        item = step.instruction
        if isinstance(item, Env) and not isinstance(item, Label):
            held = self.state.variables
            for name, value in item.pairs:
                self.state = self.state.bind(name, expand_text(value, held))
        elif isinstance(item, Arg):
            self.argument(step)
        elif item.keyword == "WORKDIR":
            path = expand_text(item.arguments.strip("\"'"), self.state.variables)
            self.state = replace(self.state, folder=_absolute(self.state.folder, path))
        elif item.keyword == "SHELL":
            self.shell = item.text
        elif isinstance(item, Copy):
            self.copy(step, item)
        elif isinstance(item, Run):
            self.run(step, item)

    def argument(self, step: Step) -> None:
        """ARG: the default is known, a value from outside is not; ENV wins over ARG."""
        for entry in step.key[1:]:
            if not (isinstance(entry, tuple) and isinstance(entry[0], str)):
                continue
            name, default = entry[0], entry[1]
            if default == "global" and len(entry) > 2:
                default = dict(entry[2:]).get(name)
            if isinstance(default, str) and name not in self.state.variables:
                self.state = self.state.bind(name, expand_text(default, self.state.variables))

    def copy(self, step: Step, item: Copy) -> None:
        """COPY and ADD; heredocs bring no file that is asked for."""
        words = [expand_text(word.value, self.state.variables) for word in item.words]
        if len(words) < 2 or item.heredocs:
            return
        destination = _absolute(self.state.folder, words[-1])
        destination += "/" if words[-1].endswith("/") or len(words) > 2 else ""
        source = step.references[0] if step.references else None
        self.events.append(Copied(step, tuple(words[:-1]), destination, source))

    def run(self, step: Step, item: Run) -> None:
        """RUN: the statements in a shell of their own."""
        frame = Frame(step, tuple(self.mounts(step, item)))
        script = script_of(item)
        if script is None or script.broken:
            # The exec form runs a program without a shell; a broken text may hide anything.
            self.events.append(Opaque(frame, step.short, step.place))
        self.statements(script.statements if script is not None else (), frame, self.state)

    def mounts(self, step: Step, item: Run) -> Iterable[Mounted]:
        """The mounts with what they show; stages stand in the order of the flags."""
        named = iter(step.references)
        for mount in item.mounts:
            source = next(named, None) if mount.option("from") else None
            target = mount.option("target", "dst", "destination") or ""
            if not target and mount.kind in ("ssh", "secret"):
                continue  # a socket or file below /run
            path = mount.option("source", "src") or "/"
            yield Mounted(_absolute(self.state.folder, target), mount.kind, source, path)

    def statements(self, statements: Iterable[Statement], frame: Frame, state: _State) -> _State:
        """Statements in order; gives the state after them."""
        for item in statements:
            state = self.statement(item, frame, state)
        return state

    def statement(self, item: Statement, frame: Frame, state: _State) -> _State:
        """One statement."""
        if isinstance(item, Assignment):
            text = expand_word(item.value, state.variables) if item.value is not None else ""
            held = state.variables.get(item.name, "") if item.appends else ""
            return state.bind(item.name, held + text)
        if isinstance(item, Command):
            return self.command(item, frame, state)
        if isinstance(item, Loop):
            return self.loop(item, frame, state)
        if isinstance(item, Block):
            return self.block(item, frame, state)
        assert isinstance(item, Function)  # a definition does nothing by itself
        return state

    def loop(self, item: Loop, frame: Frame, state: _State) -> _State:
        """The body once for each value."""
        state = replace(state, loops=state.loops | {item.variable})
        for word in item.values:
            text = expand_word(word, state.variables)
            for piece in text.split() if not word.quoted else [text]:
                self.rounds += 1
                if self.rounds > MAX_EVENTS:
                    if self.rounds == MAX_EVENTS + 1:
                        place = frame.step.place
                        self.events.append(Opaque(frame, "a loop of many rounds", place))
                    return state
                state = self.statements(item.body, frame, state.bind(item.variable, piece))
        return state

    def block(self, item: Block, frame: Frame, state: _State) -> _State:
        """A list in place, a branch or a subshell on the side."""
        if not (item.conditional or item.isolated or item.alternatives):
            return self.statements(item.body, frame, state)
        certain = state.certain and not (item.conditional or item.alternatives)
        self.statements(item.body, frame, replace(state, certain=certain))
        return state

    def command(self, item: Command, frame: Frame, state: _State) -> _State:
        """A command by its name, with the assignments in front of it."""
        inner = state
        for assignment in item.assignments:
            value = assignment.value
            text = expand_word(value, state.variables) if value is not None else ""
            inner = inner.bind(assignment.name, text)
        filled = expand_command(item, state.variables)
        words = command_words(filled)
        if words[:1] in (["cd"], ["pushd"]) and len(words) > 1:
            return replace(state, folder=_absolute(state.folder, words[1]))
        if words[1:2] == ["-c"] and posixpath.basename(words[0]) in _SHELLS:
            self.inner_shell(item, frame, inner)
        elif words:
            self.simple(filled, words, frame, inner)
        return state

    def simple(self, item: Command, words: list[str], frame: Frame, state: _State) -> None:
        """A command that changes no state of the shell."""
        name = posixpath.basename(words[0])
        install = read_install(item)
        call = read_cargo(item)
        if install is not None:
            self.packages |= install.packages
        elif name == "rustup" or any(word.startswith("--default-toolchain") for word in words):
            self.toolchain += _toolchain(words)
        elif call is not None:
            self.cargo(item, call, words, frame, state)
        elif name in _CARRIERS:
            self.carry(name, words[1:], frame, state)
        elif name == "rm":
            paths = [w for w in words[1:] if not w.startswith("-")]
            self.events.append(Removed(frame, tuple(_absolute(state.folder, p) for p in paths)))
        elif name not in _QUIET:
            self.opaque(item, words, frame)

    def opaque(self, item: Command, words: list[str], frame: Frame) -> None:
        """A command that cannot be followed."""
        place = frame.step.instruction.source.place(item.span)
        self.events.append(Opaque(frame, " ".join(words[:4]), place))

    def inner_shell(self, item: Command, frame: Frame, state: _State) -> None:
        """`sh -c "..."`: the quoted text is a script of its own."""
        content = item.words[2].content if len(item.words) > 2 else None
        if content is None:
            self.opaque(item, command_words(item), frame)
        else:
            self.statements(parse_shell(content).statements, frame, state)

    def cargo(
        self, item: Command, call: CargoCall, words: list[str], frame: Frame, state: _State
    ) -> None:
        """A compilation, a cook, or a cargo command that makes no program."""
        local = any(word == "--path" or word.startswith("--path=") for word in words)
        if call.verb in COMPILING or call.verb == "chef cook":
            if call.verb == "install" and not local:
                return
            self.events.append(
                Compiled(
                    frame,
                    call,
                    state.folder,
                    {n: v for n, v in state.variables.items() if n not in state.loops},
                    tuple(self.toolchain),
                    frozenset(self.packages),
                    self.shell,
                    state.certain,
                )
            )
        elif call.verb == "chef prepare":
            recipe = (call.values("recipe-path") or ("recipe.json",))[-1]
            self.events.append(Written(frame, _absolute(state.folder, recipe)))
        elif call.verb not in _NO_PROGRAM:
            self.opaque(item, words, frame)

    def carry(self, name: str, words: list[str], frame: Frame, state: _State) -> None:
        """`cp a b c/`, `mv`, `install -m 755 a b`, `-t c a b`."""
        folder, positional = _carried(name, words)
        if folder is None and len(positional) < 2:
            return
        destination = folder if folder is not None else positional.pop()
        self.events.append(
            Carried(
                frame,
                tuple(_absolute(state.folder, path) for path in positional),
                _absolute(state.folder, destination),
                folder is not None or destination.endswith("/") or len(positional) > 1,
                name == "mv",
                state.certain,
            )
        )


_NO_PROGRAM = frozenset(
    {
        "fetch", "fmt", "clippy", "check", "metadata", "generate-lockfile",
        "vendor", "update", "tree", "login", "test", "bench", "nextest", "doc", "deny", "audit",
        "version", "locate-project", "search", "machete",
    }
)  # fmt: skip


def _toolchain(words: list[str]) -> list[str]:
    """What a rustup command, or the installer's `--default-toolchain`, makes of the compiler."""
    for at, word in enumerate(words):
        if word.startswith("--default-toolchain="):
            return [f"default {word.partition('=')[2]}"]
        if word == "--default-toolchain":
            return [f"default {' '.join(words[at + 1 : at + 2])}"]
    plain = [word for word in words[1:] if not word.startswith("-")]
    if plain[:1] in (["component"], ["target"], ["show"], ["self"], ["completions"]):
        return []
    return [" ".join(plain)] if plain else []


def _carried(name: str, words: list[str]) -> tuple[str | None, list[str]]:
    """The folder of `-t`, and the words that are no options."""
    folder: str | None = None
    positional: list[str] = []
    valued = {"install": ("-m", "--mode", "-o", "-g", "--owner", "--group"), "cp": ("-S",)}
    at = 0
    while at < len(words):
        word = words[at]
        if word in ("-t", "--target-directory") and at + 1 < len(words):
            folder = words[at + 1]
            at += 1
        elif word.startswith("--target-directory="):
            folder = word.partition("=")[2]
        elif word in valued.get(name, ()):
            at += 1
        elif not word.startswith("-"):
            positional.append(word)
        at += 1
    return folder, positional


def _folder(path: str) -> str:
    return path if path.endswith("/") else f"{path}/"


def _absolute(folder: str, path: str) -> str:
    joined = posixpath.normpath(posixpath.join(folder or "/", path))
    return "/" + joined.lstrip("/")
