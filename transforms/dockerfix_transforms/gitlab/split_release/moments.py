"""What differs each time a script runs: clocks, chance, and the variables that hold them.

Jobs that a job is split into each run its preparation, so that `TAG=$(date +%s)` gives each of
them another tag. Follows functions and files of the repository that a script calls or sources.
Knows shell; knows no builds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.api import (
    Assignment,
    Block,
    Command,
    Function,
    Loop,
    MappedText,
    Opaque,
    Part,
    Script,
    ShellWord,
    Snapshot,
    SnapshotError,
    Statement,
    Variable,
    parse_shell,
)

_PROGRAMS = frozenset({"uuidgen", "uuid", "mktemp", "shuf", "pwgen"})
_CHANCE = frozenset({"RANDOM", "SRANDOM", "EPOCHSECONDS", "EPOCHREALTIME", "SECONDS", "BASHPID"})
"""Variables that the shell gives another value each time ("Bash Variables" of its manual)."""
_DEVICES = ("/dev/urandom", "/dev/random", "/proc/sys/kernel/random")
_GIVEN = ("-d", "--date", "-r", "--reference")
"""Options by which `date` shows another moment than now (GNU Coreutils, date invocation)."""
_DEPTH = 5


class Moments:
    """The variables of one script that hold a clock or chance, by the statements read so far."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.names: set[str] = set()
        self.functions: dict[str, Function] = {}

    def read(self, statements: Sequence[Statement], depth: int = 0) -> None:
        """Statements in the order in which they run."""
        for statement in statements:
            if isinstance(statement, Function):
                self.functions[statement.name] = statement
                self.read(statement.body, depth)
            elif isinstance(statement, Assignment):
                self._assign(statement)
            elif isinstance(statement, Loop | Block):
                self.read(statement.body, depth)
            elif isinstance(statement, Command):
                for assignment in statement.assignments:
                    self._assign(assignment)
                if statement.name in ("source", ".") and depth < _DEPTH:
                    self.read(self._file(statement.words[1:]), depth + 1)

    def _assign(self, assignment: Assignment) -> None:
        if assignment.value is not None and self.differs(assignment.value):
            self.names.add(assignment.name)

    def differs(self, word: ShellWord, depth: int = 0) -> bool:
        """Whether a word has another text each time."""
        return any(self._part(part, depth) for part in _flat(word.parts))

    def _part(self, part: Part, depth: int) -> bool:
        if isinstance(part, Variable):
            return part.name in self.names or part.name in _CHANCE
        if not isinstance(part, Opaque):
            return False
        if part.operation is not None:
            return part.operation.name in self.names | _CHANCE
        if part.body:
            return self._prints(part.body, depth + 1)
        return "$" in part.text and any(name in part.text for name in self.names | _CHANCE)

    def _prints(self, statements: Sequence[Statement], depth: int) -> bool:
        """Whether what statements print differs each time."""
        script = Script(tuple(statements))
        return depth < _DEPTH and any(self._asks(c, depth) for c in script.every_command())

    def _asks(self, command: Command, depth: int) -> bool:
        texts = [word.value or word.written for word in command.words]
        if command.name in _PROGRAMS or any(text.startswith(_DEVICES) for text in texts):
            return True
        if command.name == "date" and not any(text.startswith(_GIVEN) for text in texts[1:]):
            return True
        if texts[:2] == ["openssl", "rand"] or (
            command.name == "printf" and any("%(" in text for text in texts[1:2])
        ):
            return True
        if command.name in self.functions:
            if self._prints(self.functions[command.name].body, depth + 1):
                return True
        elif self._prints(self._file(command.words), depth + 1):
            return True
        return any(self.differs(word, depth) for word in command.words)

    def _file(self, words: Sequence[ShellWord]) -> tuple[Statement, ...]:
        """The statements of the file of the repository that the first word, or after the name of
        a shell the second, stands for; none where there is no such file."""
        for word in words[:2]:
            path = (word.value or "").removeprefix("./")
            if path in self.snapshot:
                try:
                    return parse_shell(MappedText.whole(self.snapshot.read(path))).statements
                except SnapshotError:
                    return ()
        return ()


def mentioned(statements: Sequence[Statement]) -> Iterator[str]:
    """The variables that statements mention."""
    for part in Script(tuple(statements)).parts():
        if isinstance(part, Variable):
            yield part.name
        elif isinstance(part, Opaque) and part.operation is not None:
            yield part.operation.name


def _flat(parts: Sequence[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        if isinstance(part, Variable):
            yield from _flat(part.operand)
