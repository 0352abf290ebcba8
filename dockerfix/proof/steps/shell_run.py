"""What the commands of a RUN do with the programs of a stage.

Follows lists, loops, subshells and `sh -c`; a command that may do anything is an event of its
own. Knows shell and cargo; knows no instruction but RUN.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.cargo import CargoCall, read_cargo
from dockerfix.proof.steps.environment import expand_command, expand_word
from dockerfix.proof.steps.events import Carried, Compiled, Event, Frame, Opaque, Removed, Written
from dockerfix.proof.steps.installs import read_install
from dockerfix.proof.steps.tools import command_words
from dockerfix.syntax.shell import (
    Assignment,
    Block,
    Command,
    Function,
    Loop,
    Statement,
    parse_shell,
)

MAX_TEXT = 10_000
"""Characters of a variable's value that are followed."""
MAX_EVENTS = 2_000
"""Events of one stage that are followed; loops in loops make more."""
COMPILING = frozenset({"build", "rustc", "run", "install"})
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


class ShellState(Struct, frozen=True):
    """Where the shell stands; `loops` names variables that no program sees."""

    folder: str = "/"
    variables: Mapping[str, str] = {}
    certain: bool = True
    loops: frozenset[str] = frozenset()

    def bind(self, name: str, text: str) -> ShellState:
        """The state with one variable set."""
        if len(text) > MAX_TEXT:
            text = "${" + name + "}"  # doubled and doubled again: not worth knowing
        return replace(self, variables={**self.variables, name: text})


class ShellRun:
    """The RUNs of one chain: what their commands do, and what they leave for later ones."""

    def __init__(self, events: list[Event]) -> None:
        self.events = events
        self.toolchain: list[str] = []
        self.packages: set[str] = set()
        self.shell = ""
        self.rounds = 0

    def statements(
        self, statements: Iterable[Statement], frame: Frame, state: ShellState
    ) -> ShellState:
        """Statements in order; gives the state after them."""
        for item in statements:
            state = self.statement(item, frame, state)
        return state

    def statement(self, item: Statement, frame: Frame, state: ShellState) -> ShellState:
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

    def loop(self, item: Loop, frame: Frame, state: ShellState) -> ShellState:
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

    def block(self, item: Block, frame: Frame, state: ShellState) -> ShellState:
        """A list in place, a branch or a subshell on the side."""
        if not (item.conditional or item.isolated or item.alternatives):
            return self.statements(item.body, frame, state)
        certain = state.certain and not (item.conditional or item.alternatives)
        self.statements(item.body, frame, replace(state, certain=certain))
        return state

    def command(self, item: Command, frame: Frame, state: ShellState) -> ShellState:
        """A command by its name, with the assignments in front of it."""
        inner = state
        for assignment in item.assignments:
            value = assignment.value
            text = expand_word(value, state.variables) if value is not None else ""
            inner = inner.bind(assignment.name, text)
        filled = expand_command(item, state.variables)
        words = command_words(filled)
        if words[:1] in (["cd"], ["pushd"]) and len(words) > 1:
            return replace(state, folder=absolute(state.folder, words[1]))
        if words[1:2] == ["-c"] and posixpath.basename(words[0]) in _SHELLS:
            self.inner_shell(item, frame, inner)
        elif words:
            self.simple(filled, words, frame, inner)
        return state

    def simple(self, item: Command, words: list[str], frame: Frame, state: ShellState) -> None:
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
            self.events.append(Removed(frame, tuple(absolute(state.folder, p) for p in paths)))
        elif name not in _QUIET:
            self.opaque(item, words, frame)

    def opaque(self, item: Command, words: list[str], frame: Frame) -> None:
        """A command that cannot be followed."""
        place = frame.step.instruction.source.place(item.span)
        self.events.append(Opaque(frame, " ".join(words[:4]), place))

    def inner_shell(self, item: Command, frame: Frame, state: ShellState) -> None:
        """`sh -c "..."`: the quoted text is a script of its own."""
        content = item.words[2].content if len(item.words) > 2 else None
        if content is None:
            self.opaque(item, command_words(item), frame)
        else:
            self.statements(parse_shell(content).statements, frame, state)

    def cargo(
        self, item: Command, call: CargoCall, words: list[str], frame: Frame, state: ShellState
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
            self.events.append(Written(frame, absolute(state.folder, recipe)))
        elif call.verb not in _NO_PROGRAM:
            self.opaque(item, words, frame)

    def carry(self, name: str, words: list[str], frame: Frame, state: ShellState) -> None:
        """`cp a b c/`, `mv`, `install -m 755 a b`, `-t c a b`."""
        folder, positional = _carried(name, words)
        if folder is None and len(positional) < 2:
            return
        destination = folder if folder is not None else positional.pop()
        self.events.append(
            Carried(
                frame,
                tuple(absolute(state.folder, path) for path in positional),
                absolute(state.folder, destination),
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


def absolute(folder: str, path: str) -> str:
    """A path as seen from a folder."""
    joined = posixpath.normpath(posixpath.join(folder or "/", path))
    return "/" + joined.lstrip("/")
