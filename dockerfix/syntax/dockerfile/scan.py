r"""The line scanner: bytes to items, each blank lines, a comment, a directive, an instruction.

This is the eager half of the parser and its hot path: it finds where items begin and end,
their keywords and their heredocs. The lines inside an instruction (`layout`), its words,
flags and form are read on first use. The rules are those of BuildKit's
`frontend/dockerfile/parser/parser.go`: lines end at b"\n"; leading white space goes; a comment
line inside a continuation is dropped whole; blank lines inside one are joined. Knows nothing
of what an instruction means.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import Struct

from dockerfix.syntax.dockerfile.space import SPACE_BYTES, lstrip_space, strip_space
from dockerfix.syntax.dockerfile.words import split_command
from dockerfix.text.source import BOM


class Kind(enum.Enum):
    """What an item is."""

    BLANK = enum.auto()
    COMMENT = enum.auto()
    DIRECTIVE = enum.auto()
    INSTRUCTION = enum.auto()


@dataclass(slots=True)
class Scanned:
    """One item and its byte offsets from 0, the end exclusive.

    `keyword` is in upper case. The command of an instruction, its heredoc bodies left out,
    ends at `command_end`. `lines` is set where the instruction is a part of another one
    (ONBUILD) and its lines cannot be found again from the bytes.
    """

    kind: Kind
    start: int
    end: int
    keyword: str = ""
    heredocs: tuple[RawHeredoc, ...] = ()
    lines: Layout | None = None

    @property
    def command_end(self) -> int:
        """Where the heredoc bodies begin."""
        return self.heredocs[0].body_start if self.heredocs else self.end


class RawHeredoc(Struct, frozen=True):
    """A heredoc's opening word, the span of its body, and the end of the end marker's line."""

    word: str
    name: str
    expand: bool
    strip_tabs: bool
    fd: int
    body_start: int
    body_end: int
    end: int
    terminated: bool


class Layout(NamedTuple):
    """The lines of an instruction as (start, end) byte offsets.

    `code` are the lines that make the logical line, without newline and continuation
    character; `comments` and `blanks` are the whole lines that a continuation drops.
    """

    code: tuple[tuple[int, int], ...]
    comments: tuple[tuple[int, int], ...] = ()
    blanks: tuple[tuple[int, int], ...] = ()


class Directives(NamedTuple):
    """The parser directives at the top, the escape character, and where they end.

    `repeated` is the line that names one of them again, which BuildKit rejects.
    """

    items: list[Scanned]
    escape: bytes
    end: int
    repeated: tuple[int, int] | None


_ITEM = re.compile(
    rb"""
      ( \s*\n | \s+\Z )                              # 1: blank lines
    | [ \t\r\v\f]* (\#) [^\n]* \n?                   # 2: a comment
    | [ \t\r\v\f]* (?:([A-Za-z]+)[ \t])? [^\n]+ \n?  # 3: a keyword, where it is a plain one
    """,
    re.VERBOSE,
)
"""Blank lines, a comment, or the first line of an instruction. Where no group matches, the line
has no plain keyword or begins with white space beyond ASCII: `_odd` looks at it again."""


def _lines_of_a_command(escape: bytes) -> re.Pattern[bytes]:
    """Group 1 is a line that goes on (a comment may look like one, and goes on as well), group
    2 one that a continuation drops. Blanks may follow the escape character; a doubled one does
    not go on."""
    return re.compile(
        rb"""
          ( [^\n]* %(escape)s (?<!%(escape)s%(escape)s) [ \t]* \r*\n )
        | ( \s*\n | %(space)s (?:\#[^\n]*)? (?:\n|\Z) )
        | [^\n]* \n?
        """
        % {b"escape": re.escape(escape), b"space": SPACE_BYTES},
        re.VERBOSE,
    )


_MAY_GO_ON = {escape: frozenset(escape + b" \t\r") for escape in (b"\\", b"`")}
"""What stands before the newline of a line that may go on. (A last line without newline
shows its last but one character; nothing follows it either way.)"""

_COMMAND_LINES = {escape: _lines_of_a_command(escape) for escape in (b"\\", b"`")}
_DIRECTIVE = re.compile(rb"([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*\Z")
_DIRECTIVE_NAMES = frozenset({"syntax", "escape", "check"})
_MAY_OPEN_HEREDOCS = frozenset({"RUN", "COPY", "ADD", "ONBUILD"})
_KEYWORDS: dict[bytes | None, str] = {
    written.encode(): name
    for name in (
        *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK"),
        *("LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME"),
        "WORKDIR",
    )
    for written in (name, name.lower(), name.title())
}
_HASH = ord("#")


def scan(data: bytes) -> tuple[list[Scanned], bytes]:
    """All items in order, whose spans tile `data` after the BOM, and the escape character."""
    items, escape, at, _ = directives(data)
    blank, comment, instruction = Kind.BLANK, Kind.COMMENT, Kind.INSTRUCTION
    add, keyword_of, size = items.append, _KEYWORDS.get, len(data)
    may_go_on = _MAY_GO_ON[escape]
    may_open = _MAY_OPEN_HEREDOCS if b"<<" in data else frozenset()
    while at < size:
        for match in _ITEM.finditer(data, at):
            start, at = match.span()
            group = match.lastindex
            if group == 2:
                add(Scanned(comment, start, at))
                continue
            if group == 1:
                add(Scanned(blank, start, at))
                continue
            keyword = keyword_of(match[3])
            if keyword is None:
                item = _odd(data, start, at, escape)
            else:
                goes_on = data[at - 2] in may_go_on
                end = _command_end(data, start, escape) if goes_on else at
                item = Scanned(instruction, start, end, keyword)
            add(item)
            if item.keyword in may_open and data.find(b"<<", start, item.end) >= 0:
                _read_heredocs(data, item, escape)
            if item.end != at:
                at = item.end
                break
    return items, escape


def layout(data: bytes, item: Scanned, escape: bytes) -> Layout:
    """Which lines of an instruction are code, and which the continuation drops."""
    code: list[tuple[int, int]] = []
    comments: list[tuple[int, int]] = []
    blanks: list[tuple[int, int]] = []
    at, stop = item.start, item.command_end
    while at < stop:
        end = _line_end(data, at)
        line = data[at:end].rstrip(b"\r\n")
        text = lstrip_space(line)
        if not text:
            blanks.append((at, end))
        elif text[0] == _HASH and code:
            comments.append((at, end))
        else:
            # White space before the keyword goes; on later lines it is part of the command.
            begin = at if code else at + len(line) - len(text)
            cut = _continuation(line, escape)
            code.append((begin, at + (len(line) if cut < 0 else cut)))
        at = end
    return Layout(tuple(code), tuple(comments), tuple(blanks))


def joined(data: bytes, lines: Layout) -> bytes:
    """The logical line: continuations joined, comment lines and blank lines dropped."""
    return b"".join([data[start:end] for start, end in lines.code])


def directives(data: bytes) -> Directives:
    """The leading parser directives; the first line that is none ends them for good."""
    at = len(BOM) if data.startswith(BOM) else 0
    items: list[Scanned] = []
    escape = b"\\"
    seen: set[str] = set()
    while at < len(data):
        end = _line_end(data, at)
        found = directive(data[at:end])
        if found is None:
            break
        name, value = found
        if name in seen:
            return Directives(items, escape, at, (at, end))
        seen.add(name)
        items.append(Scanned(Kind.DIRECTIVE, at, end))
        if name == "escape" and value in ("\\", "`"):
            escape = value.encode()
        at = end
    return Directives(items, escape, at, None)


def directive(line: bytes) -> tuple[str, str] | None:
    """Name in lower case and value, when the line has the form of a known directive."""
    text = lstrip_space(line.rstrip(b"\r\n"))
    match = _DIRECTIVE.match(lstrip_space(text[1:])) if text.startswith(b"#") else None
    if match is None:
        return None
    name = match[1].decode().lower()
    if name not in _DIRECTIVE_NAMES:
        return None
    return name, match[2].decode("utf-8", "surrogateescape")


def _line_end(data: bytes, at: int) -> int:
    """The offset after the newline of the line that holds `at`."""
    return data.find(b"\n", at) + 1 or len(data)


def _continuation(line: bytes, escape: bytes) -> int:
    """The offset of a continuation character at the end of a line without newline, or -1.

    The character may be followed by blanks and tabs; a doubled one does not continue.
    """
    body = line.rstrip(b" \t")
    if not body.endswith(escape) or body.endswith(escape * 2):
        return -1
    return len(body) - 1


def _command_end(data: bytes, start: int, escape: bytes) -> int:
    """Where the command ends whose first line begins at `start`, continuation lines included."""
    for match in _COMMAND_LINES[escape].finditer(data, start):
        if match.lastindex is None:
            return match.end()
    return len(data)


def _odd(data: bytes, start: int, end: int, escape: bytes) -> Scanned:
    """An item whose first line has no plain keyword: one split by a continuation, one that is
    no word, white space or a comment behind white space beyond ASCII."""
    stripped = strip_space(data[start:end])
    if not stripped:
        return Scanned(Kind.BLANK, start, end)
    if stripped[0] == _HASH:
        return Scanned(Kind.COMMENT, start, end)
    item = Scanned(Kind.INSTRUCTION, start, _command_end(data, start, escape))
    line = joined(data, layout(data, item, escape)).decode("utf-8", "surrogateescape")
    item.keyword = split_command(line, 0, escape.decode()).keyword(line)
    return item


def _read_heredocs(data: bytes, item: Scanned, escape: bytes) -> None:
    """Find the heredocs that the logical line opens, and their bodies below it."""
    # Words are needed only here, and only for the few instructions that hold "<<".
    from dockerfix.syntax.dockerfile.heredoc import openings

    line = joined(data, layout(data, item, escape)).decode("utf-8", "surrogateescape")
    found: list[RawHeredoc] = []
    at = item.end
    for opening in openings(line, escape.decode()):
        body_end, at_end = _heredoc_end(data, at, opening.name, opening.strip_tabs)
        found.append(
            RawHeredoc(
                opening.word,
                opening.name,
                opening.expand,
                opening.strip_tabs,
                opening.fd,
                body_start=at,
                body_end=body_end,
                end=at_end,
                terminated=body_end < at_end,
            )
        )
        at = at_end
    item.heredocs = tuple(found)
    item.end = at


def _heredoc_end(data: bytes, at: int, name: str, strip_tabs: bool) -> tuple[int, int]:
    """Where the body from `at` ends, and where the line of its end marker does; both the end
    of the file when the marker is missing."""
    marker = name.encode("utf-8", "surrogateescape")
    while at < len(data):
        end = _line_end(data, at)
        line = data[at:end].rstrip(b"\r\n")
        if (line.lstrip(b"\t") if strip_tabs else line) == marker:
            return at, end
        at = end
    return at, at
