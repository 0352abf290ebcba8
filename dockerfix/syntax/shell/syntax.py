"""The values that shell text is read into: statements, words and their parts.

Knows the shell's syntax as far as builds need it; reads nothing itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from dockerfix.text import MappedText, Piece, Span
from dockerfix.text.values import Keyed

SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ash", "ksh"})
"""The programs that run a text of this language."""


class Literal(Struct, frozen=True):
    """Characters that mean themselves."""

    text: str


class Variable(Struct, frozen=True):
    """`$NAME`, `${NAME}` or `${NAME<operator>operand}`; positional ones are `1`, `2`, `@`..."""

    name: str
    operator: str = ""
    operand: tuple[Part, ...] = ()


class Operation(Struct, frozen=True):
    """What `${NAME<operator>operand}` does to the text of a variable: `%`, `##`, `//`, `^^`, `:`
    and their like. The operand is as written, and holds no quotes and no expansions."""

    name: str
    operator: str
    operand: str


class Opaque(Struct, frozen=True):
    """A substitution or an expansion whose text the syntax alone does not give.

    `body` are the statements of a command substitution; they run in a subshell. `array` names
    the array whose elements it stands for (`${NAME[@]}`). `elements` are the words of an array
    as it is written (`(a b)`); None for anything else, and for one with indices of its own.
    `operation` is what changes a variable's text, where it is one that can be computed.
    """

    text: str
    body: tuple[Statement, ...] = ()
    array: str = ""
    elements: tuple[ShellWord, ...] | None = None
    operation: Operation | None = None


Part = Literal | Variable | Opaque


class ShellWord(Keyed, frozen=True, eq=False):
    """One word: as written, in parts, and its bytes in the file.

    `quoted` says that the whole word stands in quotes, so that it stays one word when its
    variables are expanded. `literal` says whether the bytes of `span` are exactly `written`,
    so that the word may be replaced in place.
    """

    aside = ("mapped",)

    written: str
    parts: tuple[Part, ...]
    span: Span
    quoted: bool = False
    literal: bool = True
    mapped: MappedText | None = None
    """`written` with the way back to its bytes."""

    @property
    def content(self) -> MappedText | None:
        """What stands between the quotes of a quoted word, escapes undone: the text that
        `sh -c "..."` would run. None for a word without quotes."""
        if self.mapped is None or not self.quoted or self.written[:1] not in ("'", '"'):
            return None
        inner = self.mapped.slice(1, len(self.written) - 1)
        return _unescaped(inner) if self.written[0] == '"' else inner

    @property
    def value(self) -> str | None:
        """The word when it holds no variable and nothing opaque, quotes removed; else None."""
        texts = [part.text for part in self.parts if isinstance(part, Literal)]
        return "".join(texts) if len(texts) == len(self.parts) else None

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables in the word, operands included."""
        return tuple(_names(self.parts))


class Assignment(Struct, frozen=True):
    """`NAME=value`, alone, before a command, or through `local`, `export`, `readonly`.

    No value means the empty text; `appends` is `NAME+=value`. An array is a value whose only
    part is opaque. `exported` is `export NAME=value`: what the shell runs sees it too.
    """

    name: str
    value: ShellWord | None
    span: Span
    local: bool = False
    appends: bool = False
    exported: bool = False


class Command(Keyed, frozen=True, eq=False):
    """A simple command: assignments before it, its words, and its bytes.

    `span` reaches from the first assignment or word to the last word, redirections left out;
    `heredocs` are the texts that it reads as its input, and `herestring` is the word behind
    `<<<`.
    """

    aside = ("heredocs",)

    words: tuple[ShellWord, ...]
    assignments: tuple[Assignment, ...]
    span: Span
    heredocs: tuple[MappedText, ...] = ()
    herestring: ShellWord | None = None

    @property
    def name(self) -> str:
        """The command's name when it is literal, else the empty string."""
        return (self.words[0].value or "") if self.words else ""


class Function(Struct, frozen=True):
    """A function's definition."""

    name: str
    body: tuple[Statement, ...]
    span: Span
    body_span: Span


class Loop(Struct, frozen=True):
    """`for variable in values; do body; done`; without `in` the values are `"$@"`."""

    variable: str
    values: tuple[ShellWord, ...]
    body: tuple[Statement, ...]
    span: Span


class Block(Struct, frozen=True):
    """Statements that run together: a group, a subshell, a branch, a pipeline.

    `conditional` says that they may not run; `isolated` that `cd` and assignments inside do
    not last. `operator` is what joins them (`&&`, `||`, `|`) when it is a list; what stands
    behind a test and `&&`, or behind `||`, is a conditional block inside it. With
    `alternatives` the body is one block a branch of `if` or `case`, of which at most one
    runs, and exactly one when `exhaustive`.
    """

    body: tuple[Statement, ...]
    span: Span
    conditional: bool = False
    isolated: bool = False
    operator: str = ""
    alternatives: bool = False
    exhaustive: bool = False


Statement = Command | Assignment | Function | Loop | Block


class Script(Struct, frozen=True):
    """A parsed script; `broken` are the spans that the grammar could not read."""

    statements: tuple[Statement, ...]
    broken: tuple[Span, ...] = ()
    functions: Mapping[str, Function] = field(default_factory=dict)
    outputs: tuple[ShellWord, ...] = ()
    """What redirections write, devices among them."""

    @property
    def written_files(self) -> tuple[str, ...]:
        """The files that redirections write, as their words stand; devices are none."""
        names = dict.fromkeys(word.value or word.written for word in self.outputs)
        return tuple(name for name in names if not name.startswith("/dev/"))

    def commands(self) -> Iterator[Command]:
        """All simple commands in order, whatever they stand in, functions left out."""
        return walk(self.statements)

    def every_command(self) -> Iterator[Command]:
        """All simple commands, those in substitutions and functions among them."""
        yield from self.commands()
        for part in _parts_in(self.statements):
            if isinstance(part, Opaque) and part.body:
                yield from Script(part.body).every_command()
        for function in self.functions.values():
            yield from Script(function.body).every_command()

    def assigned(self) -> Iterator[tuple[str, bool]]:
        """The variables that get a value, in functions and loops too, each with whether it is
        exported with it."""
        yield from _assigned(self.statements)
        for function in self.functions.values():
            yield from _assigned(function.body)

    def parts(self) -> Iterator[Part]:
        """All parts of all words, those in substitutions and functions among them."""
        yield from _parts_in(self.statements)
        for function in self.functions.values():
            yield from _parts_in(function.body)


def walk(statements: tuple[Statement, ...]) -> Iterator[Command]:
    """Simple commands in order, descending into loops and blocks but not into functions."""
    for statement in statements:
        if isinstance(statement, Command):
            yield statement
        elif isinstance(statement, Loop | Block):
            yield from walk(statement.body)


def _assigned(statements: tuple[Statement, ...]) -> Iterator[tuple[str, bool]]:
    for statement in statements:
        if isinstance(statement, Assignment):
            yield statement.name, statement.exported
        elif isinstance(statement, Loop):
            yield statement.variable, False
        if isinstance(statement, Loop | Block):
            yield from _assigned(statement.body)


ESCAPES = re.compile(r'\\(\r?\n|[$`"\\])')
"""What a backslash does between double quotes; before any other character it is text."""


def _unescaped(inner: MappedText) -> MappedText:
    """The text between double quotes, escapes undone, with its places."""
    pieces: list[Piece] = []
    at = 0
    for match in ESCAPES.finditer(inner.text):
        pieces += inner.slice(at, match.start()).pieces
        text = "" if match[1].endswith("\n") else match[1]
        pieces.append(Piece(text, inner.span(*match.span()), literal=False))
        at = match.end()
    return MappedText([*pieces, *inner.slice(at, len(inner.text)).pieces]) if at else inner


def _names(parts: tuple[Part, ...]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Variable):
            yield part.name
            yield from _names(part.operand)


def parameters(body: tuple[Statement, ...]) -> int | None:
    """The largest positional parameter that a function's body reads (0 for none); None when
    it takes all of them at once (`$@`, `$*`, `shift`) or may do so in what stays opaque."""
    largest = 0
    for part in _parts_in(body):
        if isinstance(part, Opaque):
            if not part.body and "$" in part.text:
                return None
        elif isinstance(part, Variable):
            if part.name in ("@", "*", "#"):
                return None
            largest = max(largest, int(part.name) if part.name.isdecimal() else 0)
    shifts = any(command.name in ("shift", "getopts") for command in walk(body))
    return None if shifts else largest


def _parts_in(statements: tuple[Statement, ...]) -> Iterator[Part]:
    """All parts of all words, operands included, nested functions left out."""
    for statement in statements:
        if isinstance(statement, Command):
            for word in statement.words:
                yield from _flattened(word.parts)
            yield from _parts_in(statement.assignments)
        elif isinstance(statement, Assignment):
            yield from _flattened(statement.value.parts if statement.value else ())
        elif isinstance(statement, Loop):
            for word in statement.values:
                yield from _flattened(word.parts)
            yield from _parts_in(statement.body)
        elif isinstance(statement, Block):
            yield from _parts_in(statement.body)


def _flattened(parts: tuple[Part, ...]) -> Iterator[Part]:
    for part in parts:
        yield part
        if isinstance(part, Variable):
            yield from _flattened(part.operand)
        elif isinstance(part, Opaque):
            yield from _parts_in(part.body)
