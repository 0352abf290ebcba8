"""Words of a shell's syntax tree: what touches is one word, made of texts and expansions.

Knows the grammar's node types of words; what a command is stands in `reader`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dockerfix.syntax.shell.syntax import (
    ESCAPES,
    Literal,
    Opaque,
    Operation,
    Part,
    ShellWord,
    Statement,
    Variable,
)
from dockerfix.text import MappedText, Span

if TYPE_CHECKING:
    from tree_sitter import Node

    WordPiece = Node | Span
    """A node of a word, or an escaped character between two, as bytes of the encoded text."""


WORDS = frozenset(
    {
        "word", "string", "raw_string", "concatenation", "expansion", "simple_expansion",
        "number", "command_substitution", "ansi_c_string", "arithmetic_expansion",
        "process_substitution", "brace_expression", "translated_string", "regex", "array",
    }
)  # fmt: skip
_JOINABLE = WORDS | {"command_name", "variable_assignment", "$", "==", "=~"}
_DOLLAR = Literal("$")
"""A `$` that the grammar parted from the name behind it."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_EVERY = re.compile(r"\$\{([A-Za-z_]\w*)\[@\]\}")
"""All elements of an array."""
_OPERATION = re.compile(
    r"\$\{([A-Za-z_]\w*|[1-9]\d*)(##?|%%?|//|/[#%]?|\^\^?|,,?|:(?![-+=?]))([^'\"`$!{}]*)\}",
    re.DOTALL,
)
"""A change of a variable's text whose operand is plain; the grammar gives it no one shape."""
_ANSI = re.compile(r"\\([nt\\'\"])")
_SIGNS = {"n": "\n", "t": "\t"}
_BETWEEN = re.compile(rb"\\\r?\n|(\\.[\x80-\xbf]*)|[^\\]+", re.DOTALL)
"""What stands between two nodes: continuations, escaped characters, blanks."""
_ESCAPED = re.compile(rb"\\[^\r\n][\x80-\xbf]*")


def end_of(piece: WordPiece) -> int:
    """The byte at which a piece ends."""
    return piece.end if isinstance(piece, Span) else piece.end_byte


class Nodes:
    """The nodes of a syntax tree as text and places, and which of them touch."""

    def __init__(self, mapped: MappedText) -> None:
        self.mapped = mapped

    def text(self, node: Node) -> str:
        """What stands at a node."""
        return self.mapped.encoded[node.start_byte : node.end_byte].decode(
            "utf-8", "surrogateescape"
        )

    def span(self, node: Node) -> Span:
        """Where it stands in the file."""
        return self.mapped.byte_span(node.start_byte, node.end_byte)

    def touching(self, nodes: Sequence[Node]) -> list[list[WordPiece]]:
        """Nodes in groups: what no blank parts is one word.

        The grammar parts the unquoted `$A/$B/x` behind its second `$`, and leaves escaped
        characters beside an expansion, and continuations in a word, between its nodes.
        """
        groups: list[list[WordPiece]] = []
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


class WordReader(Nodes):
    """Reads the words of a syntax tree. `statements` reads what a command substitution runs."""

    def __init__(
        self, mapped: MappedText, statements: Callable[[Node], tuple[Statement, ...]]
    ) -> None:
        super().__init__(mapped)
        self.statements = statements

    def read(self, nodes: Sequence[Node]) -> list[ShellWord]:
        """The words among these nodes."""
        words = [node for node in nodes if node.type in WORDS]
        return [self.word(*pieces) for pieces in self.touching(words)]

    def word(self, *pieces: WordPiece) -> ShellWord:
        """The word that these pieces are, one behind the other."""
        character = self.mapped.character
        first = pieces[0]
        begin = first.start if isinstance(first, Span) else first.start_byte
        end_byte = end_of(pieces[-1])
        start, end = character(begin), character(end_byte)
        if not isinstance(first, Span) and first.type == "command_name" and first.named_children:
            first = first.named_children[0]
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

    def parts(self, node: WordPiece) -> list[Part]:
        """What a piece of a word consists of."""
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
            return _named(self.text(node.named_children[0]))
        if kind == "expansion":
            return [self.expansion(node)]
        if kind == "$":
            return [_DOLLAR if self.text(node) == "$" else Literal("$")]
        if kind == "variable_name" or (not node.is_named and kind not in ('"', "'")):
            return [Literal(self.text(node))]
        return [self.unread(node)]

    def unread(self, node: Node) -> Part:
        """A piece whose text is not known, but for what it runs or holds."""
        if node.type == "ansi_c_string":
            return _ansi(self.text(node))
        if node.type == "array":
            return Opaque(self.text(node), (), "", self.elements(node))
        runs = node.type in ("command_substitution", "process_substitution")
        return Opaque(self.text(node), self.statements(node) if runs else ())

    def string(self, node: Node) -> list[Part]:
        """What a word in double quotes consists of."""
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

    def elements(self, node: Node) -> tuple[ShellWord, ...] | None:
        """The words of an array; None where one says at which index it stands."""
        words = self.read(node.named_children)
        plain = all(child.type in WORDS or child.type == "comment" for child in node.named_children)
        return tuple(words) if plain and not any(w.written[:1] == "[" for w in words) else None

    def expansion(self, node: Node) -> Part:
        """`${NAME}` with its operator; opaque where it is none that is read here."""
        name = next(
            (
                c
                for c in node.named_children
                if c.type in ("variable_name", "special_variable_name")
            ),
            None,
        )
        if name is None or node.children[1].type in ("#", "!"):
            whole = _EVERY.fullmatch(self.text(node))
            return Opaque(self.text(node), (), whole[1] if whole is not None else "")
        rest = self.mapped.encoded[name.end_byte : node.end_byte - 1].decode(
            "utf-8", "surrogateescape"
        )
        operator = next(
            (op for op in (":-", ":+", ":=", ":?", "-", "+") if rest.startswith(op)), ""
        )
        if rest and not operator:
            whole = _OPERATION.fullmatch(self.text(node))
            operation = Operation(*whole.groups()) if whole is not None else None
            return Opaque(self.text(node), operation=operation)
        operand: list[Part] = []
        for child in node.named_children:
            if child.start_byte >= name.end_byte:
                operand += self.parts(child)
        return Variable(self.text(name), operator, _merged(operand))


def _named(name: str) -> list[Part]:
    """`$NAME`; without braces a positional parameter has one digit, and the rest is text."""
    if name.isdecimal() and len(name) > 1:
        return [Variable(name[0]), Literal(name[1:])]
    return [Variable(name)]


def _ansi(written: str) -> Part:
    """`$'...'`, where the escapes in it are those of a newline, a tab and the signs themselves."""
    inner = written[2:-1]
    known = len(written) > 2 and _ANSI.sub("", inner).find("\\") < 0
    return Literal(_ANSI.sub(lambda m: _SIGNS.get(m[1], m[1]), inner)) if known else Opaque(written)


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
    if "\\" not in text:
        return text  # most words
    return re.sub(r"\\(\r?\n|.)", lambda m: "" if m[1].endswith("\n") else m[1], text)


def _unescape_double(text: str) -> str:
    """Inside double quotes a backslash counts only before a few characters."""
    if "\\" not in text:
        return text
    return ESCAPES.sub(lambda m: "" if m[1].endswith("\n") else m[1], text)
