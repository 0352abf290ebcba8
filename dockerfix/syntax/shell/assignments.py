"""Assignments of a shell's syntax tree: `A=b`, `local a b=c`, `export A`.

Knows the grammar's node types of assignments; what a command is stands in `reader`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dockerfix.syntax.shell.syntax import Assignment, Command, Literal, ShellWord
from dockerfix.syntax.shell.words import WORDS, Nodes, WordReader, end_of
from dockerfix.text import Span

if TYPE_CHECKING:
    from tree_sitter import Node

    from dockerfix.syntax.shell.words import WordPiece


class AssignmentReader(Nodes):
    """Reads the assignments of a syntax tree, their values by `words`."""

    def __init__(self, words: WordReader) -> None:
        super().__init__(words.mapped)
        self.words = words

    def of(self, node: Node, rest: Sequence[WordPiece] = ()) -> Iterator[Assignment]:
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
        for child, *rest in self.touching(node.named_children):
            if isinstance(child, Span):
                continue
            if child.type == "variable_assignment":
                for inner in self.of(child, rest):
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
