"""Shell scripts as statements, words and variables, on tree-sitter's bash grammar.

Reads the text of a RUN, of a pipeline's script line, of a Makefile recipe or of a script
file; every word knows its bytes in the file it came from. Knows the shell's syntax; knows
nothing of docker, cargo or GitLab. Substitutions and what a command does stay opaque.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from dockerfix.text import MappedText, Span

if TYPE_CHECKING:
    from tree_sitter import Node, Parser


@dataclass(frozen=True, slots=True)
class Literal:
    """Characters that mean themselves."""

    text: str


@dataclass(frozen=True, slots=True)
class Variable:
    """`$NAME`, `${NAME}` or `${NAME<operator>operand}`; positional ones are `1`, `2`, `@`..."""

    name: str
    operator: str = ""
    operand: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Opaque:
    """A command substitution, a glob with side effects, an expansion we do not follow."""

    text: str


Part = Literal | Variable | Opaque


@dataclass(frozen=True, slots=True)
class ShellWord:
    """One word: as written, in parts, and its bytes in the file.

    `quoted` says that the whole word stands in quotes, so that it stays one word when its
    variables are expanded. `literal` says whether the bytes of `span` are exactly `written`,
    so that the word may be replaced in place.
    """

    written: str
    parts: tuple[Part, ...]
    span: Span
    quoted: bool = False
    literal: bool = True

    @property
    def value(self) -> str | None:
        """The word when it holds no variable and nothing opaque, quotes removed; else None."""
        if all(isinstance(part, Literal) for part in self.parts):
            return "".join(part.text for part in self.parts if isinstance(part, Literal))
        return None

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables in the word, operands included."""
        return tuple(_names(self.parts))


@dataclass(frozen=True, slots=True)
class Assignment:
    """`NAME=value`, alone, before a command, or through `local`, `export`, `readonly`."""

    name: str
    value: ShellWord | None
    span: Span
    local: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command: assignments before it, its words, and its bytes."""

    words: tuple[ShellWord, ...]
    assignments: tuple[Assignment, ...]
    span: Span

    @property
    def name(self) -> str:
        """The command's name when it is literal, else the empty string."""
        return (self.words[0].value or "") if self.words else ""


@dataclass(frozen=True, slots=True)
class Function:
    """A function's definition."""

    name: str
    body: tuple[Statement, ...]
    span: Span
    body_span: Span


@dataclass(frozen=True, slots=True)
class Loop:
    """`for variable in values; do body; done`."""

    variable: str
    values: tuple[ShellWord, ...]
    body: tuple[Statement, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Block:
    """Statements that run together: a group, a subshell, a branch, a pipeline.

    `conditional` says that they may not run; `isolated` that `cd` and assignments inside do
    not last. `operator` is what joins them (`&&`, `||`, `|`) when it is a list.
    """

    body: tuple[Statement, ...]
    span: Span
    conditional: bool = False
    isolated: bool = False
    operator: str = ""


Statement = Command | Assignment | Function | Loop | Block


@dataclass(frozen=True, slots=True)
class Script:
    """A parsed script; `broken` are the spans that the grammar could not read."""

    statements: tuple[Statement, ...]
    broken: tuple[Span, ...] = ()
    functions: Mapping[str, Function] = field(default_factory=dict)

    def commands(self) -> Iterator[Command]:
        """All simple commands in order, whatever they stand in, functions left out."""
        return walk(self.statements)


def walk(statements: tuple[Statement, ...]) -> Iterator[Command]:
    """Simple commands in order, descending into loops and blocks but not into functions."""
    for statement in statements:
        if isinstance(statement, Command):
            yield statement
        elif isinstance(statement, Loop | Block):
            yield from walk(statement.body)


def parse_shell(mapped: MappedText) -> Script:
    """The statements of a shell text. Never raises; see `Script.broken`."""
    reader = _Reader(mapped)
    root = _parser().parse(mapped.encoded).root_node
    statements = reader.statements(root)
    functions = {item.name: item for item in _functions(statements)}
    return Script(statements, tuple(reader.broken), functions)


def parameters(body: tuple[Statement, ...]) -> int | None:
    """The largest positional parameter that a function's body reads (0 for none); None when
    it takes all of them at once (`$@`, `$*`, `shift`) or may do so in what stays opaque."""
    largest = 0
    for part in _parts_in(body):
        if isinstance(part, Opaque):
            if "$" in part.text or "`" in part.text:
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


def _functions(statements: tuple[Statement, ...]) -> Iterator[Function]:
    for statement in statements:
        if isinstance(statement, Function):
            yield statement
        elif isinstance(statement, Block | Loop):
            yield from _functions(statement.body)


def _names(parts: tuple[Part, ...]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Variable):
            yield part.name
            yield from _names(part.operand)


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


_GROUPS = frozenset({"compound_statement", "do_group", "program", "else_clause", "elif_clause"})
_BRANCHES = frozenset({"if_statement", "while_statement", "case_statement", "case_item"})
_WORDS = frozenset(
    {
        "word", "string", "raw_string", "concatenation", "expansion", "simple_expansion",
        "number", "command_substitution", "ansi_c_string", "arithmetic_expansion",
        "process_substitution", "brace_expression", "translated_string", "regex",
    }
)  # fmt: skip


class _Reader:
    """One pass over a syntax tree. Private to `parse_shell`."""

    def __init__(self, mapped: MappedText) -> None:
        self.mapped = mapped
        self.broken: list[Span] = []

    def text(self, node: Node) -> str:
        return self.mapped.encoded[node.start_byte : node.end_byte].decode(
            "utf-8", "surrogateescape"
        )

    def span(self, node: Node) -> Span:
        return self.mapped.byte_span(node.start_byte, node.end_byte)

    def statements(self, node: Node) -> tuple[Statement, ...]:
        found: list[Statement] = []
        for child in node.children:
            found += self.statement(child)
        return tuple(found)

    def statement(self, node: Node) -> list[Statement]:
        kind = node.type
        if kind == "ERROR" or node.is_missing:
            self.broken.append(self.span(node))
            return list(self.statements(node)) if kind == "ERROR" else []
        if kind == "command":
            return [self.command(node)]
        if kind in ("variable_assignment", "declaration_command"):
            return list(self.assigned(node))
        if kind == "function_definition":
            return [self.function(node)]
        if kind == "for_statement":
            return [self.loop(node)]
        if kind == "list":
            return [self.list_(node)]
        if kind == "pipeline":
            return [Block(self.statements(node), self.span(node), isolated=True, operator="|")]
        if kind == "subshell":
            return [Block(self.statements(node), self.span(node), isolated=True)]
        if kind in _BRANCHES:
            return [Block(self.statements(node), self.span(node), conditional=True)]
        if kind in _GROUPS:
            return [Block(self.statements(node), self.span(node))]
        if kind in ("redirected_statement", "negated_command"):
            return list(self.statements(node))
        return []

    def list_(self, node: Node) -> Block:
        operator = next((c.type for c in node.children if c.type in ("&&", "||")), "")
        body: list[Statement] = []
        for child in node.children:
            made = self.statement(child)
            # `a && b || c` nests to the left; one flat block per operator reads better.
            if len(made) == 1 and isinstance(made[0], Block) and made[0].operator == operator:
                body += made[0].body if not made[0].isolated else made
            else:
                body += made
        return Block(tuple(body), self.span(node), operator == "||", operator=operator)

    def command(self, node: Node) -> Command:
        words: list[ShellWord] = []
        assignments: list[Assignment] = []
        for child in node.named_children:
            if child.type == "variable_assignment":
                assignments += self.assigned(child)
            elif child.type == "command_name":
                words.append(self.word(child.named_children[0] if child.named_children else child))
            elif child.type in _WORDS:
                words.append(self.word(child))
        return Command(tuple(words), tuple(assignments), self.span(node))

    def assigned(self, node: Node) -> Iterator[Assignment]:
        if node.type == "declaration_command":
            local = bool(node.children) and node.children[0].type in ("local", "declare")
            for child in node.named_children:
                for inner in self.assigned(child) if child.type == "variable_assignment" else ():
                    yield Assignment(inner.name, inner.value, inner.span, local)
            return
        name = node.child_by_field_name("name")
        value = node.child_by_field_name("value")
        if name is not None:
            word = self.word(value) if value is not None and value.type in _WORDS else None
            yield Assignment(self.text(name), word, self.span(node))

    def function(self, node: Node) -> Function:
        name = node.child_by_field_name("name")
        body = node.child_by_field_name("body")
        return Function(
            self.text(name) if name is not None else "",
            self.statements(body) if body is not None else (),
            self.span(node),
            self.span(body if body is not None else node),
        )

    def loop(self, node: Node) -> Loop:
        variable = node.child_by_field_name("variable")
        body = node.child_by_field_name("body")
        values = tuple(self.word(child) for child in node.children_by_field_name("value"))
        return Loop(
            self.text(variable) if variable is not None else "",
            values,
            self.statements(body) if body is not None else (),
            self.span(node),
        )

    def word(self, node: Node) -> ShellWord:
        span = self.span(node)
        start, end = self._characters(node)
        return ShellWord(
            self.text(node),
            _merged(self.parts(node)),
            span,
            node.type in ("string", "raw_string", "ansi_c_string"),
            self.mapped.is_literal(start, end),
        )

    def _characters(self, node: Node) -> tuple[int, int]:
        encoded = self.mapped.encoded
        start = len(encoded[: node.start_byte].decode("utf-8", "surrogateescape"))
        return start, start + len(self.text(node))

    def parts(self, node: Node) -> list[Part]:
        kind = node.type
        if kind in ("word", "number"):
            return [Literal(_unescape(self.text(node)))]
        if kind == "raw_string":
            return [Literal(self.text(node)[1:-1])]
        if kind == "string":
            return self.string(node)
        if kind == "concatenation":
            return [part for child in node.children for part in self.parts(child)]
        if kind == "simple_expansion":
            return [Variable(self.text(node)[1:])]
        if kind == "expansion":
            return [self.expansion(node)]
        if not node.is_named and kind not in ('"', "'"):
            return [Literal(self.text(node))]
        return [Opaque(self.text(node))]

    def string(self, node: Node) -> list[Part]:
        parts: list[Part] = []
        at = node.start_byte + 1
        for child in node.named_children:
            parts.append(Literal(self._between(at, child.start_byte)))
            if child.type == "string_content":
                parts.append(Literal(_unescape_double(self.text(child))))
            else:
                parts += self.parts(child)
            at = child.end_byte
        parts.append(Literal(self._between(at, node.end_byte - 1)))
        return [part for part in parts if part != Literal("")]

    def _between(self, start: int, end: int) -> str:
        raw = self.mapped.encoded[start:end].decode("utf-8", "surrogateescape")
        return _unescape_double(raw)

    def expansion(self, node: Node) -> Part:
        name = next(
            (
                c
                for c in node.named_children
                if c.type in ("variable_name", "special_variable_name")
            ),
            None,
        )
        if name is None or node.children[1].type in ("#", "!"):
            return Opaque(self.text(node))
        rest = self.mapped.encoded[name.end_byte : node.end_byte - 1].decode(
            "utf-8", "surrogateescape"
        )
        operator = next(
            (op for op in (":-", ":+", ":=", ":?", "-", "+") if rest.startswith(op)), ""
        )
        if rest and not operator:
            return Opaque(self.text(node))
        operand: list[Part] = []
        for child in node.named_children:
            if child.start_byte >= name.end_byte:
                operand += self.parts(child)
        return Variable(self.text(name), operator, _merged(operand))


def _merged(parts: list[Part]) -> tuple[Part, ...]:
    merged: list[Part] = []
    for part in parts:
        if merged and isinstance(part, Literal) and isinstance(merged[-1], Literal):
            merged[-1] = Literal(merged[-1].text + part.text)
        else:
            merged.append(part)
    return tuple(merged)


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    out, at = [], 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text):
            at += 1
            if text[at] != "\n":
                out.append(text[at])
        else:
            out.append(text[at])
        at += 1
    return "".join(out)


def _unescape_double(text: str) -> str:
    for char in '$`"\\':
        text = text.replace("\\" + char, char)
    return text.replace("\\\n", "")
