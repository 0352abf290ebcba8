"""Shell text read on tree-sitter's bash grammar.

Every word knows its bytes in the file it came from. With `words` the one place that knows the
grammar's node types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dockerfix.syntax.shell.blocks import BlockReader
from dockerfix.syntax.shell.syntax import (
    Assignment,
    Block,
    Command,
    Function,
    Literal,
    Loop,
    Script,
    ShellWord,
    Statement,
    Variable,
)
from dockerfix.syntax.shell.words import WORDS, WordReader, end_of
from dockerfix.text import MappedText, Piece, Span

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

    from dockerfix.syntax.shell.words import WordPiece


def parse_shell(mapped: MappedText) -> Script:
    """The statements of a shell text. Never raises; see `Script.broken`."""
    return _parsed(mapped.pieces)


@lru_cache(maxsize=1024)
def _parsed(pieces: tuple[Piece, ...]) -> Script:
    """The same, remembered: transform, facts and checkers each ask about the same few texts,
    and spans do not depend on who asks."""
    mapped = MappedText(pieces)
    reader = _StatementReader(mapped)
    root = _parser().parse(_ESCAPED_NAME.sub(rb"\1 ", mapped.encoded)).root_node
    try:
        statements = reader.statements(root)
        functions = {item.name: item for item in _functions(statements)}
        return Script(statements, tuple(reader.errors(root)), functions)
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
_NAMES = frozenset({"command_name", "variable_name", "unset", "$", "==", "=~"})


class _StatementReader(BlockReader):
    """One pass over a syntax tree. Private to `parse_shell`."""

    def __init__(self, mapped: MappedText) -> None:
        super().__init__(mapped)
        self.words = WordReader(mapped, self.statements)

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
            return [*self.assigned(node), *self.exports(node)]
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
            elif child.type == "heredoc_redirect":
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

    def command(self, node: Node) -> Statement:
        words: list[ShellWord] = []
        assignments: list[Assignment] = []
        herestring: ShellWord | None = None
        for group in self.words.touching(node.children):
            first = group[0]
            if isinstance(first, Span):
                words.append(self.words.word(*group))
            elif first.type == "variable_assignment":
                assignments += self.assigned(first, group[1:])
            elif first.type in WORDS | _NAMES:
                words.append(self.words.word(*group))
            elif first.type == "herestring_redirect":
                herestring = next(iter(self.words.read(first.named_children)), None)
        return Command(tuple(words), tuple(assignments), self.span(node), (), herestring)

    def assigned(self, node: Node, rest: Sequence[WordPiece] = ()) -> Iterator[Assignment]:
        """The assignments of a node; `rest` are pieces that belong to the value's word."""
        if node.type != "variable_assignment":
            yield from self.declared(node)
            return
        name = node.child_by_field_name("name")
        value = node.child_by_field_name("value")
        if name is not None:
            known = value is not None and value.type in WORDS
            word = self.words.word(value, *rest) if value is not None and known else None
            appends = any(child.type == "+=" for child in node.children)
            span = self.mapped.byte_span(node.start_byte, end_of(rest[-1] if rest else node))
            yield Assignment(self.text(name), word, span, appends=appends)

    def declared(self, node: Node) -> Iterator[Assignment]:
        """`local a b=c`: a name alone is empty if local, and as it was if exported."""
        word = node.children[0].type if node.children else ""
        local = word in ("local", "declare", "typeset")
        exported = word == "export" or any(
            child.type == "word" and self.text(child).startswith("-") and "x" in self.text(child)
            for child in node.named_children
        )
        for child, *rest in self.words.touching(node.named_children):
            if isinstance(child, Span):
                continue
            if child.type == "variable_assignment":
                for inner in self.assigned(child, rest):
                    yield replace(inner, local=local, exported=exported)
            elif child.type == "variable_name" and local:
                yield Assignment(self.text(child), None, self.span(child), local)

    def exports(self, node: Node) -> Iterator[Command]:
        """`export NAME`, which gives no value, as a command."""
        first = node.children[0] if node.children else None
        names = [child for child in node.named_children if child.type == "variable_name"]
        if node.type == "declaration_command" and first is not None and first.type == "export":
            words = tuple(
                ShellWord(self.text(child), (Literal(self.text(child)),), self.span(child))
                for child in (first, *names)
            )
            yield from [Command(words, (), self.span(node))] if names else []

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
        values = tuple(self.words.word(*nodes) for nodes in self.words.touching(written))
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
