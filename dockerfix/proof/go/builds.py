"""The `go build` calls of a RUN, with the paths that they write, and whether it does no more.

Follows `go help build`: the output is `-o`, relative to the folder in which go runs. Knows one
instruction at a time; compares nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from weakref import WeakKeyDictionary

from msgspec import Struct

from dockerfix.facts.go.commands import GoCall, only_reads_go, read_go
from dockerfix.proof.steps.chain import Step
from dockerfix.proof.steps.commands import Plain, plain_commands, script_of
from dockerfix.syntax.dockerfile import Run
from dockerfix.syntax.shell import Assignment, Command

_SAYING = frozenset({"echo", "printf", "true", ":", "set"})
_SHOWING = frozenset(
    {"date", "cat", "head", "tail", "cut", "tr", "uname", "basename", "dirname", "grep", "nproc"}
)
"""Commands that read and print; what they print is a part of a go command."""
_GIT = frozenset({"describe", "rev-parse", "rev-list", "log", "show", "symbolic-ref", "branch"})
_WRITING_FLAGS = ("-mod=mod", "-modfile", "-overlay", "-toolexec", "-o", "-C", "-buildmode")
"""What GOFLAGS may say that changes where go writes, or that it runs something else."""


class Build(Struct, frozen=True):
    """A `go build`: the call, the absolute path that it writes, the folder in which it runs,
    and the assignments before it in its RUN, as written. An output that ends with a slash is a
    folder of programs."""

    call: GoCall
    output: str
    folder: str
    assignments: tuple[str, ...]


class Work(Struct, frozen=True):
    """What a RUN does: its builds, and the folders that it makes for them. `bare` says that it
    does nothing else that a later step could notice, go's caches left out."""

    builds: tuple[Build, ...]
    folders: tuple[str, ...]
    bare: bool


_WORK: WeakKeyDictionary[Run, dict[str, Work]] = WeakKeyDictionary()


def work_of(step: Step) -> Work | None:
    """What a RUN builds with go; None where it builds nothing or is no plain list."""
    item = step.instruction
    if not isinstance(item, Run) or "go" not in item.text:
        return None
    known = _WORK.setdefault(item, {})
    if step.where not in known:
        known[step.where] = _read(step, item)
    found = known[step.where]
    return found if found.builds else None


def _read(step: Step, item: Run) -> Work:
    plain = plain_commands(item)
    if plain is None or not step.where.startswith("/") or "$" in step.where:
        return Work((), (), bare=False)
    reader = _Reader(step.where)
    for statement in plain:
        reader.statement(statement)
    script = script_of(item)
    inner = script.every_command() if script is not None else iter(())
    outer = {id(statement.command) for statement in plain}
    shown = all(_only_shows(command) for command in inner if id(command) not in outer)
    bare = reader.bare and shown and _plain_mounts(item)
    return Work(tuple(reader.builds), tuple(reader.folders), bare)


class _Reader:
    """One pass over the statements of a RUN."""

    def __init__(self, folder: str) -> None:
        self.folder: str | None = folder
        self.builds: list[Build] = []
        self.folders: list[str] = []
        self.assignments: list[str] = []
        self.bare = True

    def statement(self, item: Plain) -> None:
        """One statement of the list."""
        command = item.command
        self.bare = self.bare and not item.redirections
        if isinstance(command, Assignment):
            self.assignments.append(item.text)
            self.bare = self.bare and _harmless(item.text)
        elif isinstance(command, Command):
            self.command(command)
        else:
            self.bare = False

    def command(self, command: Command) -> None:
        """A simple command."""
        call = read_go(command)
        words = [word.value for word in command.words]
        if call is not None:
            self.go(command, call)
        elif words[:1] == ["cd"]:
            self.enter(words)
        elif words[:1] == ["mkdir"]:
            self.make(words[1:])
        else:
            self.bare = self.bare and (words[:1] == ["export"] or _only_prints(command))

    def go(self, command: Command, call: GoCall) -> None:
        """A `go build`, or a `go install`, whose output this does not know."""
        inline = [
            f"{a.name}={a.value.written if a.value is not None else ''}"
            for a in command.assignments
        ]
        writes = call.opaque or call.value("mod") == "mod" or "$" in call.value("mod")
        self.bare = self.bare and not writes and all(_harmless(text) for text in inline)
        output = self.output(call)
        if output is None or call.verb != "build" or self.folder is None:
            self.bare = False
            return
        folder = posixpath.normpath(posixpath.join(self.folder, call.folder))
        self.builds.append(Build(call, output, folder, (*self.assignments, *inline)))

    def output(self, call: GoCall) -> str | None:
        """The path that a build writes; None where a variable or the module hides it."""
        if self.folder is None or "$" in call.output or "$" in call.folder:
            return None
        folder = posixpath.normpath(posixpath.join(self.folder, call.folder))
        if not call.output:
            program = call.program
            return posixpath.join(folder, program) if program and "$" not in program else None
        path = posixpath.normpath(posixpath.join(folder, call.output))
        if not call.output.endswith("/"):
            return path
        program = call.program
        return posixpath.join(path, program) if program and "$" not in program else f"{path}/"

    def enter(self, words: list[str | None]) -> None:
        """`cd`: what follows runs elsewhere."""
        target = words[1] if len(words) == 2 else None
        if target is None or self.folder is None:
            self.folder = None
        else:
            self.folder = posixpath.normpath(posixpath.join(self.folder, target))

    def make(self, words: list[str | None]) -> None:
        """`mkdir`: the folders of outputs."""
        paths = [word for word in words if word is None or not word.startswith("-")]
        for path in paths:
            if path is None or self.folder is None:
                self.bare = False
            else:
                self.folders.append(posixpath.normpath(posixpath.join(self.folder, path)))


def _harmless(assignment: str) -> bool:
    """Whether an assignment leaves go to write where `-o` says, and to run nothing else."""
    name, _, value = assignment.partition("=")
    if name in ("GOENV", "GOCACHE", "GOMODCACHE", "GOPATH", "GOBIN", "HOME", "PATH", "GOTMPDIR"):
        return False
    return not name.startswith("GOFLAGS") or keeps_to_output(value)


def keeps_to_output(flags: str) -> bool:
    """Whether a value of GOFLAGS changes nothing but what is compiled."""
    return "$" not in flags and not any(
        flag in _WRITING_FLAGS or flag.startswith(tuple(f"{one}=" for one in _WRITING_FLAGS))
        for flag in flags.strip("\"'").split()
    )


def _only_prints(command: Command) -> bool:
    return command.name in _SAYING or only_reads_go(command)


def _only_shows(command: Command) -> bool:
    """Whether a command of a substitution changes nothing."""
    words = [word.value or "" for word in command.words]
    if words[:1] == ["git"]:
        return len(words) > 1 and words[1] in _GIT
    return command.name in _SHOWING or _only_prints(command)


def _plain_mounts(item: Run) -> bool:
    """Whether a RUN has no flags but caches and read-only folders of the build context."""
    named = all(flag.name == "mount" for flag in item.flags)
    return named and all(_plain_mount(dict(mount.options), mount.kind) for mount in item.mounts)


def _plain_mount(options: dict[str, str], kind: str) -> bool:
    if kind == "cache":
        return "from" not in options
    return kind == "bind" and not {"from", "rw", "readwrite"} & options.keys()


def builds_of(steps: Iterator[Step]) -> Iterator[tuple[Step, Build]]:
    """All builds of a chain that can be read, in order."""
    for step in steps:
        work = work_of(step)
        for build in work.builds if work is not None else ():
            yield step, build
