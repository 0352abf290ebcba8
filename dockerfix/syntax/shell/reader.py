"""Shell text read on tree-sitter's bash grammar.

Every word knows its bytes in the file it came from. With `words`, `assignments` and `blocks` the
one place that knows the grammar's node types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from dockerfix.syntax.shell.assignments import AssignmentReader
from dockerfix.syntax.shell.blocks import BlockReader
from dockerfix.syntax.shell.syntax import (
    Assignment,
    Block,
    Command,
    Function,
    Loop,
    Script,
    ShellWord,
    Statement,
    Variable,
)
from dockerfix.syntax.shell.words import WORDS, WordReader
from dockerfix.text import MappedText, Piece, Span

if TYPE_CHECKING:
    from tree_sitter import Node, Parser


def parse_shell(mapped: MappedText) -> Script:
    """The statements of a shell text. Never raises; see `Script.broken`."""
    return _parsed(mapped.pieces)


@lru_cache(maxsize=4096)
def _parsed(pieces: tuple[Piece, ...]) -> Script:
    """The same, remembered: transform, facts and checkers each ask about the same few texts,
    and spans do not depend on who asks."""
    mapped = MappedText(pieces)
    reader = _StatementReader(mapped)
    root = _parser().parse(_ESCAPED_NAME.sub(rb"\1 ", mapped.encoded)).root_node
    try:
        statements = reader.statements(root)
        functions = {item.name: item for item in _functions(statements)}
        return Script(statements, tuple(reader.errors(root)), functions, tuple(reader.outputs))
    except RecursionError:
        return Script((), (reader.span(root),))


def _functions(statements: tuple[Statement, ...]) -> Iterator[Function]:
    for statement in statements:
        if isinstance(statement, Function):
            yield statement
        elif isinstance(statement, Block | Loop):
            yield from _functions(statement.body)


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


_ESCAPED_NAME = re.compile(rb"((?<!\\)\n[ \t]*)\\(?=[A-Za-z])")
"""The backslash of `\\docker` where a line begins, which the grammar takes for a continuation."""
_GROUPS = frozenset({"compound_statement", "do_group", "program"})
_WRITING = frozenset({">", ">>", "&>", "&>>", ">|"})
_NAMES = frozenset({"command_name", "variable_name", "unset", "$", "==", "=~"})


class _StatementReader(BlockReader):
    """One pass over a syntax tree. Private to `parse_shell`."""

    def __init__(self, mapped: MappedText) -> None:
        super().__init__(mapped)
        self.words = WordReader(mapped, self.statements)
        self.assignments = AssignmentReader(self.words)
        self.outputs: list[ShellWord] = []

    def errors(self, node: Node) -> Iterator[Span]:
        """What the grammar could not read, wherever it stands."""
        if node.type == "ERROR" or node.is_missing:
            yield self.span(node)
        elif node.has_error:
            for child in node.children:
                yield from self.errors(child)

    def sequence(self, nodes: list[Node]) -> tuple[Statement, ...]:
        return tuple(made for node in nodes for made in self.statement(node))

    def statement(self, node: Node) -> list[Statement]:
        make = {
            "ERROR": self.group,
            "command": self.command,
            "unset_command": self.command,
            "function_definition": self.function,
            "for_statement": self.loop,
            "list": self.list_,
            "if_statement": self.if_,
            "case_statement": self.case,
            "while_statement": self.repeated,
            "c_style_for_statement": self.repeated,
            "pipeline": self.pipeline,
            "subshell": self.subshell,
        }.get(node.type)
        if make is not None:
            made = make(node)
            if isinstance(made, Command) and not made.words and not made.heredocs:
                return list(made.assignments)
            return [made]
        if node.type in ("variable_assignment", "declaration_command", "variable_assignments"):
            return [*self.assignments.of(node), *self.assignments.exports(node)]
        if node.type in _GROUPS:
            return [self.group(node)]
        if node.type == "redirected_statement":
            return self.redirected(node)
        return list(self.statements(node)) if node.type == "negated_command" else []

    def redirected(self, node: Node) -> list[Statement]:
        """A statement with redirections, among which the grammar also counts words of the
        command behind a redirection, and the rest of a line that opens a heredoc."""
        words: list[ShellWord] = []
        texts: list[MappedText] = []
        behind: list[Statement] = []
        for child in node.children:
            if child.type == "file_redirect":
                words += self.words.read(child.named_children)[1:]
                self.output(child)
            elif child.type == "heredoc_redirect":
                for inner in child.children:
                    self.output(inner)
                words += self.words.read(child.named_children)
                texts += [
                    _heredoc(self.mapped, c) for c in child.children if c.type == "heredoc_body"
                ]
                behind += self.statements(child)
        body = list(self.sequence([c for c in node.children if not c.type.endswith("_redirect")]))
        if body and isinstance(body[-1], Command) and (words or texts):
            last = body[-1]
            span = last.span.cover(words[-1].span) if words else last.span
            joined = (*last.words, *words)
            heredocs = (*last.heredocs, *texts)
            body[-1] = Command(joined, last.assignments, span, heredocs, last.herestring)
        return [*body, *behind]

    def output(self, node: Node) -> None:
        """Note the file that a redirection writes."""
        operators = {child.type for child in node.children}
        if node.type == "file_redirect" and operators & _WRITING:
            target = node.child_by_field_name("destination")
            self.outputs += self.words.read([target]) if target is not None else []

    def command(self, node: Node) -> Statement:
        words: list[ShellWord] = []
        assignments: list[Assignment] = []
        herestring: ShellWord | None = None
        for group in self.touching(node.children):
            first = group[0]
            if isinstance(first, Span):
                words.append(self.words.word(*group))
            elif first.type == "variable_assignment":
                assignments += self.assignments.of(first, group[1:])
            elif first.type in WORDS | _NAMES:
                words.append(self.words.word(*group))
            elif first.type == "herestring_redirect":
                herestring = next(iter(self.words.read(first.named_children)), None)
        return Command(tuple(words), tuple(assignments), self.span(node), (), herestring)

    def function(self, node: Node) -> Statement:
        name = node.child_by_field_name("name")
        body = node.child_by_field_name("body")
        inner = self.statements(body) if body is not None else ()
        if body is not None and body.type == "subshell":
            inner = (Block(inner, self.span(body), isolated=True),)
        return Function(
            self.text(name) if name is not None else "",
            inner,
            self.span(node),
            self.span(body if body is not None else node),
        )

    def loop(self, node: Node) -> Statement:
        variable = node.child_by_field_name("variable")
        body = node.child_by_field_name("body")
        span = self.span(node)
        written = node.children_by_field_name("value")
        values = tuple(self.words.word(*nodes) for nodes in self.touching(written))
        if not any(child.type == "in" for child in node.children):
            values = (ShellWord('"$@"', (Variable("@"),), span, quoted=True, literal=False),)
        return Loop(
            self.text(variable) if variable is not None else "",
            values,
            self.statements(body) if body is not None else (),
            span,
        )


def _heredoc(mapped: MappedText, node: Node) -> MappedText:
    """The body of a heredoc with its places."""
    character = mapped.character
    return mapped.slice(character(node.start_byte), character(node.end_byte))
