"""Shell text read on tree-sitter's bash grammar.

Every word knows its bytes in the file it came from. The one module that knows the grammar's
node types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dockerfix.syntax.shell.syntax import (
    ESCAPES,
    Assignment,
    Block,
    Command,
    Function,
    Literal,
    Loop,
    Opaque,
    Part,
    Script,
    ShellWord,
    Statement,
    Variable,
)
from dockerfix.text import MappedText, Piece, Span

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

    _Piece = Node | Span
    """A node of a word, or an escaped character between two, as bytes of the encoded text."""


def parse_shell(mapped: MappedText) -> Script:
    """The statements of a shell text. Never raises; see `Script.broken`."""
    return _parsed(mapped.pieces)


@lru_cache(maxsize=1024)
def _parsed(pieces: tuple[Piece, ...]) -> Script:
    """The same, remembered: transform, facts and checkers each ask about the same few texts,
    and spans do not depend on who asks."""
    mapped = MappedText(pieces)
    reader = _Reader(mapped)
    root = _parser().parse(mapped.encoded).root_node
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


_GROUPS = frozenset({"compound_statement", "do_group", "program"})
_WORDS = frozenset(
    {
        "word", "string", "raw_string", "concatenation", "expansion", "simple_expansion",
        "number", "command_substitution", "ansi_c_string", "arithmetic_expansion",
        "process_substitution", "brace_expression", "translated_string", "regex", "array",
    }
)  # fmt: skip
_JOINABLE = _WORDS | {"command_name", "variable_assignment", "$", "==", "=~"}
_QUOTED = frozenset({"string", "raw_string", "ansi_c_string"})
_NAMES = frozenset({"command_name", "variable_name", "unset", "$", "==", "=~"})
_DOLLAR = Literal("$")
"""A `$` that the grammar parted from the name behind it."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_TESTS = frozenset({"test", "[", "grep", "command", "which", "type", "diff", "cmp", "false"})
"""Commands whose failure is no fault: what stands behind them and `&&` may not run."""


_BETWEEN = re.compile(rb"\\\r?\n|(\\.[\x80-\xbf]*)|[^\\]+", re.DOTALL)
"""What stands between two nodes: continuations, escaped characters, blanks."""
_ESCAPED = re.compile(rb"\\[^\r\n][\x80-\xbf]*")


def _end(piece: _Piece) -> int:
    return piece.end if isinstance(piece, Span) else piece.end_byte


class _Reader:
    """One pass over a syntax tree. Private to `parse_shell`."""

    def __init__(self, mapped: MappedText) -> None:
        self.mapped = mapped

    def text(self, node: Node) -> str:
        return self.mapped.encoded[node.start_byte : node.end_byte].decode(
            "utf-8", "surrogateescape"
        )

    def span(self, node: Node) -> Span:
        return self.mapped.byte_span(node.start_byte, node.end_byte)

    def errors(self, node: Node) -> Iterator[Span]:
        """What the grammar could not read, wherever it stands."""
        if node.type == "ERROR" or node.is_missing:
            yield self.span(node)
        elif node.has_error:
            for child in node.children:
                yield from self.errors(child)

    def statements(self, node: Node) -> tuple[Statement, ...]:
        return self.sequence(node.children)

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
            return list(self.assigned(node))
        if node.type in _GROUPS:
            return [self.group(node)]
        if node.type == "redirected_statement":
            return self.redirected(node)
        return list(self.statements(node)) if node.type == "negated_command" else []

    def group(self, node: Node) -> Statement:
        return Block(self.statements(node), self.span(node))

    def pipeline(self, node: Node) -> Statement:
        return Block(self.statements(node), self.span(node), isolated=True, operator="|")

    def subshell(self, node: Node) -> Statement:
        return Block(self.statements(node), self.span(node), isolated=True)

    def repeated(self, node: Node) -> Statement:
        return Block(self.statements(node), self.span(node), conditional=True)

    def list_(self, node: Node) -> Statement:
        """`a && b || c` nests to the left; one flat block for each operator reads better."""
        at = next(n for n, c in enumerate(node.children) if c.type in ("&&", "||"))
        left, right = node.children[:at], node.children[at + 1 :]
        operator = node.children[at].type
        body = list(self.sequence(left))
        flat = len(body) == 1 and isinstance(body[0], Block) and body[0].operator == operator
        if flat and isinstance(body[0], Block):
            body = list(body[0].body)
        behind = self.sequence(right)
        last = body[-1] if body else None
        if operator == "&&" and isinstance(last, Block) and last.conditional and flat:
            body[-1] = replace(last, body=(*last.body, *behind))
        elif behind and (operator == "||" or (left and self.may_fail(left[-1]))):
            body.append(Block(behind, self.span(right[0]), conditional=True))
        else:
            body += behind
        return Block(tuple(body), self.span(node), operator=operator)

    def may_fail(self, node: Node) -> bool:
        """Whether a statement is there to be asked, not to be done."""
        if node.type == "list":
            return self.may_fail(node.children[-1]) or self.may_fail(node.children[0])
        if node.type == "command":
            # The grammar may miss a command, which then has no text.
            return not _TESTS.isdisjoint(self.text(node).split(maxsplit=1)[:1])
        return node.type in ("test_command", "negated_command")

    def if_(self, node: Node) -> Statement:
        """The condition, which runs, then the branches."""
        branches: list[Block] = []
        at = next((n for n, c in enumerate(node.children) if c.type == "then"), 0)
        condition = self.sequence(node.children[:at])
        clauses = [c for c in node.children if c.type in ("elif_clause", "else_clause")]
        own = [c for c in node.children[at:] if c not in clauses]
        branches.append(Block(self.sequence(own), self.span(node)))
        branches += [Block(self.statements(clause), self.span(clause)) for clause in clauses]
        complete = any(clause.type == "else_clause" for clause in clauses)
        return Block((*condition, self.branches(node, branches, complete)), self.span(node))

    def case(self, node: Node) -> Statement:
        """One branch an item; complete when an item takes everything."""
        items = [child for child in node.children if child.type == "case_item"]
        branches = [Block(self.statements(item), self.span(item)) for item in items]
        complete = any(self.text(item).lstrip("( ").startswith("*)") for item in items)
        return self.branches(node, branches, complete)

    def branches(self, node: Node, branches: list[Block], complete: bool) -> Block:
        return Block(
            tuple(branches),
            self.span(node),
            conditional=True,
            alternatives=True,
            exhaustive=complete,
        )

    def redirected(self, node: Node) -> list[Statement]:
        """A statement with redirections, among which the grammar also counts words of the
        command behind a redirection, and the rest of a line that opens a heredoc."""
        words: list[ShellWord] = []
        texts: list[MappedText] = []
        behind: list[Statement] = []
        for child in node.children:
            if child.type == "file_redirect":
                words += [self.word(*nodes) for nodes in self.words_of(child.named_children)[1:]]
            elif child.type == "heredoc_redirect":
                words += [self.word(*nodes) for nodes in self.words_of(child.named_children)]
                texts += [self.heredoc(c) for c in child.children if c.type == "heredoc_body"]
                behind += self.statements(child)
        body = list(self.sequence([c for c in node.children if not c.type.endswith("_redirect")]))
        if body and isinstance(body[-1], Command) and (words or texts):
            last = body[-1]
            span = last.span.cover(words[-1].span) if words else last.span
            joined = (*last.words, *words)
            body[-1] = Command(joined, last.assignments, span, (*last.heredocs, *texts))
        return [*body, *behind]

    def heredoc(self, node: Node) -> MappedText:
        character = self.mapped.character
        return self.mapped.slice(character(node.start_byte), character(node.end_byte))

    def touching(self, nodes: Sequence[Node]) -> list[list[_Piece]]:
        """Nodes in groups: what no blank parts is one word.

        The grammar parts the unquoted `$A/$B/x` behind its second `$`, and leaves escaped
        characters beside an expansion, and continuations in a word, between its nodes.
        """
        groups: list[list[_Piece]] = []
        open_ = False
        at = nodes[0].start_byte if nodes else 0
        for node in nodes:
            for match in _BETWEEN.finditer(self.mapped.encoded, at, node.start_byte):
                if match[1]:  # an escaped character
                    groups += [] if open_ else [[]]
                    groups[-1].append(Span(*match.span()))
                    open_ = True
                elif not match[0].startswith(b"\\"):
                    open_ = False
            if not (open_ and node.type in _JOINABLE):
                groups.append([])
            groups[-1].append(node)
            open_, at = node.type in _JOINABLE, node.end_byte
        if open_:  # the grammar ends a command before such a character
            behind = _ESCAPED.finditer(self.mapped.encoded, at)
            for match in behind:
                if match.start() != at:
                    break
                groups[-1].append(Span(*match.span()))
                at = match.end()
        return groups

    def words_of(self, nodes: Sequence[Node]) -> list[list[_Piece]]:
        """The pieces of each word among these."""
        words = [node for node in nodes if node.type in _WORDS]
        return self.touching(words)

    def command(self, node: Node) -> Statement:
        words: list[ShellWord] = []
        assignments: list[Assignment] = []
        for group in self.touching(node.children):
            first = group[0]
            if isinstance(first, Span):
                words.append(self.word(*group))
            elif first.type == "variable_assignment":
                assignments += self.assigned(first, group[1:])
            elif first.type in _WORDS | _NAMES:
                words.append(self.word(*group))
        return Command(tuple(words), tuple(assignments), self.span(node))

    def assigned(self, node: Node, rest: Sequence[_Piece] = ()) -> Iterator[Assignment]:
        """The assignments of a node; `rest` are pieces that belong to the value's word."""
        if node.type != "variable_assignment":
            yield from self.declared(node)
            return
        name = node.child_by_field_name("name")
        value = node.child_by_field_name("value")
        if name is not None:
            known = value is not None and value.type in _WORDS
            word = self.word(value, *rest) if value is not None and known else None
            appends = any(child.type == "+=" for child in node.children)
            span = self.mapped.byte_span(node.start_byte, _end(rest[-1] if rest else node))
            yield Assignment(self.text(name), word, span, appends=appends)

    def declared(self, node: Node) -> Iterator[Assignment]:
        """`local a b=c`: a name alone is empty if local, and as it was if exported."""
        local = bool(node.children) and node.children[0].type in ("local", "declare", "typeset")
        for child, *rest in self.touching(node.named_children):
            if isinstance(child, Span):
                continue
            if child.type == "variable_assignment":
                for inner in self.assigned(child, rest):
                    yield Assignment(inner.name, inner.value, inner.span, local, inner.appends)
            elif child.type == "variable_name" and local:
                yield Assignment(self.text(child), None, self.span(child), local)

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
        values = tuple(self.word(*nodes) for nodes in self.touching(written))
        if not any(child.type == "in" for child in node.children):
            values = (ShellWord('"$@"', (Variable("@"),), span, quoted=True, literal=False),)
        return Loop(
            self.text(variable) if variable is not None else "",
            values,
            self.statements(body) if body is not None else (),
            span,
        )

    def word(self, *pieces: _Piece) -> ShellWord:
        """The word that these pieces are, one behind the other."""
        character = self.mapped.character
        first = pieces[0]
        begin = first.start if isinstance(first, Span) else first.start_byte
        end_byte = _end(pieces[-1])
        start, end = character(begin), character(end_byte)
        return ShellWord(
            self.mapped.encoded[begin:end_byte].decode("utf-8", "surrogateescape"),
            _merged(_with_names([part for piece in pieces for part in self.parts(piece)])),
            self.mapped.span(start, end),
            len(pieces) == 1
            and not isinstance(first, Span)
            and first.type in ("string", "raw_string", "ansi_c_string"),
            self.mapped.is_literal(start, end),
            self.mapped.slice(start, end),
        )

    def parts(self, node: _Piece) -> list[Part]:
        if isinstance(node, Span):
            escaped = self.mapped.encoded[node.start : node.end]
            return [Literal(_unescape(escaped.decode("utf-8", "surrogateescape")))]
        kind = node.type
        if kind == "command_name" and node.named_children:
            return self.parts(node.named_children[0])
        if kind in ("word", "number"):
            return [Literal(_unescape(self.text(node)))]
        if kind == "raw_string":
            return [Literal(self.text(node)[1:-1])]
        if kind == "string":
            return self.string(node)
        if kind == "concatenation":
            return [part for child in node.children for part in self.parts(child)]
        if kind == "simple_expansion":
            return [Variable(self.text(node.named_children[0]))]
        if kind == "expansion":
            return [self.expansion(node)]
        if kind in ("command_substitution", "process_substitution"):
            return [Opaque(self.text(node), self.statements(node))]
        if kind == "$":
            return [_DOLLAR if self.text(node) == "$" else Literal("$")]
        if kind == "variable_name" or (not node.is_named and kind not in ('"', "'")):
            return [Literal(self.text(node))]
        return [Opaque(self.text(node))]

    def string(self, node: Node) -> list[Part]:
        parts: list[Part] = []
        at = node.start_byte + 1
        for child in node.named_children:
            # The grammar lets a `$` begin with the blanks before it.
            first = child.children[0] if child.children else None
            start = first.end_byte - len(first.type) if first is not None else child.start_byte
            parts.append(Literal(self._between(at, start)))
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


def _with_names(parts: list[Part]) -> list[Part]:
    """The parts with each lone `$` and the name behind it as a variable."""
    found: list[Part] = []
    for part in parts:
        name = _NAME.match(part.text) if isinstance(part, Literal) else None
        if found and found[-1] is _DOLLAR and isinstance(part, Literal) and name is not None:
            found[-1] = Variable(name[0])
            part = Literal(part.text[name.end() :])
            if not part.text:
                continue
        found.append(part)
    return found


def _merged(parts: list[Part]) -> tuple[Part, ...]:
    merged: list[Part] = []
    for part in parts:
        if merged and isinstance(part, Literal) and isinstance(merged[-1], Literal):
            merged[-1] = Literal(merged[-1].text + part.text)
        else:
            merged.append(part)
    return tuple(merged)


def _unescape(text: str) -> str:
    """An unquoted word: a backslash keeps the next character, and drops a newline."""
    return re.sub(r"\\(\r?\n|.)", lambda m: "" if m[1].endswith("\n") else m[1], text)


def _unescape_double(text: str) -> str:
    """Inside double quotes a backslash counts only before a few characters."""
    return ESCAPES.sub(lambda m: "" if m[1].endswith("\n") else m[1], text)
