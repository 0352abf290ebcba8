"""What the commands of one RUN read, in the folder that each runs in.

Knows which commands read what they name, and which nothing; a command that it does not know may
read anything.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockerfix.facts.context.reads.context_reads import ContextReads, UnknownReadError
from dockerfix.facts.context.reads.dotnet_commands import dotnet_builds
from dockerfix.facts.context.reads.go_commands import go_builds
from dockerfix.facts.context.steps import absolute
from dockerfix.facts.javascript.members import (
    filtered,
    member_folder,
    root_of,
    script_of,
)
from dockerfix.facts.javascript.package_commands import package_command
from dockerfix.facts.javascript.turbo import pruned_packages
from dockerfix.facts.trees.globs import has_wildcard
from dockerfix.syntax.shell import (
    Assignment,
    Block,
    Command,
    Loop,
    Opaque,
    ShellWord,
    Statement,
    parse_shell,
)
from dockerfix.text import MappedText

_FILES = frozenset({"cp", "mv", "cat", "chmod", "chown", "ls", "ln", "install", "sed", "head"})
"""Commands that read or move the files that they name, and nothing else."""


_NOTHING = frozenset(
    {
        "echo", "printf", "true", "false", "exit", "set", "mkdir", "rm", "touch", "groupadd",
        "useradd", "adduser", "addgroup", "update-ca-certificates", "id", "uname",
    }
)  # fmt: skip
"""Commands that read nothing of a context's files."""


_OTHERS = frozenset(
    {"apt-get", "apt", "apk", "tdnf", "dnf", "microdnf", "yum", "curl", "wget", "export"}
)
"""Commands that read a file of a context only where a word names it."""


_TESTS = frozenset({"test", "["})


OF_FILES = frozenset({*(f"-{letter}" for letter in "abcdefghkprsuwxLOGSN"), "-nt", "-ot", "-ef"})
"""Operators of `test` before or between files."""


_DEEPEST = 5
"""Scripts of the root that call one another."""


class ShellReads:
    """The commands of one RUN, with the folder that each runs in."""

    def __init__(self, reading: ContextReads, place: str, depth: int = 0) -> None:
        self.reading = reading
        self.place = place
        self.depth = depth

    def statements(self, body: Sequence[Statement], folder: str) -> str:
        """All of them in order; gives the folder after them."""
        for statement in body:
            if isinstance(statement, Command):
                folder = self.command(statement, folder)
            elif isinstance(statement, Assignment):
                self.assigned(statement, folder)
            elif isinstance(statement, Block | Loop):
                for value in statement.values if isinstance(statement, Loop) else ():
                    self.substitutions(value, folder)
                    if has_wildcard(value.written):
                        raise UnknownReadError
                after = self.statements(statement.body, folder)
                isolated = isinstance(statement, Block) and statement.isolated
                if after != folder and not isolated and _may_be_left_out(statement):
                    raise UnknownReadError
                folder = folder if isolated else after
            else:
                raise UnknownReadError
        return folder

    def substitutions(self, word: ShellWord | None, folder: str) -> None:
        """The commands whose output a word takes."""
        for part in word.parts if word is not None else ():
            if isinstance(part, Opaque):
                if not part.body:
                    raise UnknownReadError
                self.statements(part.body, folder)

    def command(self, command: Command, folder: str) -> str:
        """One command; gives the folder after it."""
        self.around(command, folder)
        name, words = command.name, command.words[1:]
        if name == "cd" and len(words) == 1 and words[0].value is not None:
            return self.enter(absolute(folder, words[0].value))
        if name == "dotnet":
            dotnet_builds(self.reading, self.place, words, folder)
        elif name == "go":
            go_builds(self.reading, self.place, words, folder)
        elif self.prune(command, folder) or self.package(command, folder) or _is_removal(command):
            pass
        elif _is_install(command) or name in _OTHERS:
            self.reading.others(words, folder, self.place)
        elif name in _TESTS:
            self.tests(words, folder)
        elif name == ".":
            self.sourced(words, folder)
        elif name in _FILES:
            self.files(words, folder)
        elif command.words and name not in _NOTHING:
            raise UnknownReadError
        return folder

    def around(self, command: Command, folder: str) -> None:
        """The commands whose output a command takes, and its variables."""
        for word in command.words:
            self.substitutions(word, folder)
        for assignment in command.assignments:
            self.assigned(assignment, folder)

    def enter(self, folder: str) -> str:
        """`cd` into a folder, which must be there."""
        inner = self.reading.inside(folder, self.place)
        if inner:
            self.reading.entered[inner] = None
        return folder

    def assigned(self, assignment: Assignment, folder: str) -> None:
        """A variable: the files that its value names, which a command may read."""
        word = assignment.value
        self.substitutions(word, folder)
        self.reading.setting(assignment.name, word.value if word is not None else "")
        if word is not None and word.value is not None:
            self.reading.mentioned(word.value, folder, self.place)

    def tests(self, words: Sequence[ShellWord], folder: str) -> None:
        """`test`: whether a file is there must stay as it is."""
        asks = any(word.value in OF_FILES for word in words)
        for word in words:
            if word.value is None and asks:
                raise UnknownReadError
            if word.value is not None:
                self.reading.mentioned(word.value, folder, self.place)

    def prune(self, command: Command, folder: str) -> bool:
        """The packages that a `turbo prune` names: whether the command is one."""
        named = pruned_packages([word.value for word in command.words])
        if named is None:
            return False
        root = self.reading.full(folder, self.place)
        self.reading.pruned.setdefault(root, {}).update(dict.fromkeys(named))
        return True

    def package(self, command: Command, folder: str) -> bool:
        """A script of a package manager: whether the command is one, and known."""
        ran = package_command([word.value for word in command.words])
        if ran is None or _is_install(command):
            return False
        snapshot, place = self.reading.facts.snapshot, self.reading.full(folder, self.place)
        root = root_of(snapshot, place, self.reading.context)
        if root is None:
            raise UnknownReadError
        names = self.reading.members.setdefault(root, {})
        names.update(dict.fromkeys(filtered(snapshot, root, ran.names)))
        if not ran.script:
            return True
        if place != root:
            inner = place[len(root) + 1 if root else 0 :]
            if member_folder(snapshot, root, inner) is None:
                raise UnknownReadError
            names[inner] = None
            return True
        text = script_of(snapshot, root, ran.script)
        script = (
            parse_shell(MappedText.whole(" ".join([text, *ran.rest]).encode())) if text else None
        )
        if script is None or script.broken or script.functions or self.depth >= _DEEPEST:
            raise UnknownReadError
        ShellReads(self.reading, self.place, self.depth + 1).statements(script.statements, folder)
        return True

    def sourced(self, words: Sequence[ShellWord], folder: str) -> None:
        """`. FILE`: known where the file is none of the context."""
        text = words[0].value if words else None
        if text is None or self.reading.inside(absolute(folder, text), self.place) is not None:
            raise UnknownReadError

    def files(self, words: Sequence[ShellWord], folder: str) -> None:
        """The files that a command names."""
        for word in words:
            if word.value is None:
                raise UnknownReadError
            if not word.value.startswith("-"):
                self.reading.path(absolute(folder, word.value), self.place)


def _is_install(command: Command) -> bool:
    """Whether a package manager only installs tools for all, or is switched on itself."""
    said = [word.value or word.written.strip("\"'") for word in command.words]
    if said[:1] == ["corepack"]:
        return said[1:2] in (["enable"], ["prepare"], ["use"])
    manager = said[:1] and said[0] in ("npm", "pnpm", "yarn")
    return bool(manager) and ("-g" in said or "--global" in said)


def _is_removal(command: Command) -> bool:
    """Whether a `find` only removes what it finds."""
    said = [word.value or "" for word in command.words]
    runs = [
        said[at + 1 : at + 2] for at, word in enumerate(said) if word.startswith(("-exec", "-ok"))
    ]
    return said[:1] == ["find"] and all(run == ["rm"] for run in runs)


def _may_be_left_out(statement: Block | Loop) -> bool:
    return isinstance(statement, Loop) or statement.conditional or statement.alternatives
