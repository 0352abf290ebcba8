r"""The line scanner: bytes to runs of lines, each blank, comment, directive or instruction.

This is the eager half of the parser and its hot path; words, flags and forms are read later,
on first use. The rules are those of BuildKit's `frontend/dockerfile/parser/parser.go`: lines
end at b"\n"; leading white space goes; a comment line inside a continuation is dropped whole;
blank lines inside one are joined. Knows nothing of what an instruction means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dockerfix.text.source import BOM

SPACE = b" \t\r\n\x0b\x0c"
DIRECTIVES = (b"syntax", b"escape", b"check")

_DIRECTIVE = re.compile(rb"^\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$")
_KEYWORD = re.compile(rb"\S+")
_HEREDOC_KEYWORDS = frozenset({b"RUN", b"COPY", b"ADD", b"ONBUILD"})


@dataclass(slots=True)
class Run:
    """One scanned item: its kind and byte offsets from 0, ends exclusive.

    `kind` is one of the letters B (blank lines), C (comment), D (directive), I (instruction).
    For an instruction, `lines` are the (start, end) of the code lines without newline and
    without the continuation character, `comments` and `blanks` those of the lines dropped
    inside the continuation, and `heredocs` its heredocs with their bodies.
    """

    kind: str
    start: int
    end: int
    keyword: bytes = b""
    lines: tuple[tuple[int, int], ...] = ()
    comments: tuple[tuple[int, int], ...] = ()
    blanks: tuple[tuple[int, int], ...] = ()
    heredocs: tuple[RawHeredoc, ...] = ()
    escape: bytes = b"\\"


@dataclass(frozen=True, slots=True)
class RawHeredoc:
    """A heredoc's opening word and the span of its body, the end marker's line excluded."""

    word: str
    name: str
    expand: bool
    strip_tabs: bool
    fd: int
    body_start: int
    body_end: int
    terminated: bool


def scan(data: bytes) -> list[Run]:
    """All items in order; their spans tile `data` after the BOM."""
    size = len(data)
    at = len(BOM) if data.startswith(BOM) else 0
    at, runs, escape = _directives(data, at)
    find = data.find
    while at < size:
        newline = find(b"\n", at)
        end = newline + 1 if newline >= 0 else size
        line = _strip(data[at:end])
        if not line:
            if runs and runs[-1].kind == "B":
                runs[-1].end = end
            else:
                runs.append(Run("B", at, end))
            at = end
        elif line[0] == 35:  # "#"
            runs.append(Run("C", at, end))
            at = end
        else:
            run = _instruction(data, at, end, escape)
            runs.append(run)
            at = run.end
    return runs


def joined(data: bytes, run: Run) -> bytes:
    """The logical line of an instruction: continuations joined, comment lines dropped."""
    if len(run.lines) == 1:
        start, end = run.lines[0]
        return data[start:end]
    return b"".join(data[start:end] for start, end in run.lines)


def directive(line: bytes) -> tuple[str, str] | None:
    """Name (lower case) and value of a directive-shaped line, whatever its name."""
    match = _DIRECTIVE.match(line)
    if match is None:
        return None
    return match[1].decode().lower(), match[2].decode("utf-8", "surrogateescape")


def _directives(data: bytes, at: int) -> tuple[int, list[Run], bytes]:
    """Leading parser directives; the first line that is none ends them for good."""
    runs: list[Run] = []
    escape = b"\\"
    seen: set[str] = set()
    while at < len(data):
        newline = data.find(b"\n", at)
        end = newline + 1 if newline >= 0 else len(data)
        found = directive(data[at:end])
        if found is None or found[0].encode() not in DIRECTIVES or found[0] in seen:
            break
        seen.add(found[0])
        runs.append(Run("D", at, end))
        if found[0] == "escape" and found[1] in ("\\", "`"):
            escape = found[1].encode()
        at = end
    return at, runs, escape


def _strip(line: bytes) -> bytes:
    """Without the white space that Go's unicode.IsSpace knows, at both ends."""
    line = line.strip(SPACE)
    if line and (line[0] >= 0x80 or line[-1] >= 0x80):
        text = line.decode("utf-8", "surrogateescape")
        return text.strip(_GO_SPACE).encode("utf-8", "surrogateescape")
    return line


_GO_SPACE = (
    " \t\r\n\x0b\x0c\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


def _continues(line: bytes, escape: bytes) -> int:
    """The offset of a continuation character at the end of `line`, or -1.

    The character may be followed by blanks and tabs; a doubled one does not continue.
    """
    body = line.rstrip(b" \t")
    if not body.endswith(escape) or body.endswith(escape * 2):
        return -1
    return len(body) - 1


def _instruction(data: bytes, start: int, end: int, escape: bytes) -> Run:
    """The instruction whose first line is data[start:end], heredoc bodies included."""
    line = data[start:end].rstrip(b"\r\n")
    indent = len(line) - len(line.lstrip(SPACE))
    lines: list[tuple[int, int]] = []
    comments: list[tuple[int, int]] = []
    blanks: list[tuple[int, int]] = []
    cut = _continues(line, escape)
    if cut < 0:
        lines.append((start + indent, start + len(line)))
    else:
        lines.append((start + indent, start + max(cut, indent)))
        end = _continuation(data, end, escape, lines, comments, blanks)
    run = Run("I", start, end, b"", tuple(lines), tuple(comments), tuple(blanks), (), escape)
    text = joined(data, run)
    match = _KEYWORD.match(text.lstrip(SPACE))
    run.keyword = match[0].upper() if match else b""
    if b"<<" in text and run.keyword in _HEREDOC_KEYWORDS:
        _heredocs(data, run, text)
    return run


def _continuation(
    data: bytes,
    at: int,
    escape: bytes,
    lines: list[tuple[int, int]],
    comments: list[tuple[int, int]],
    blanks: list[tuple[int, int]],
) -> int:
    """Follow continuation lines from `at`; returns where the instruction ends."""
    size = len(data)
    while at < size:
        newline = data.find(b"\n", at)
        end = newline + 1 if newline >= 0 else size
        line = data[at:end].rstrip(b"\r\n")
        stripped = _strip(line)
        if not stripped:
            blanks.append((at, end))
        elif stripped[0] == 35:
            comments.append((at, end))
        else:
            cut = _continues(line, escape)
            lines.append((at, at + (len(line) if cut < 0 else cut)))
            if cut < 0:
                return end
        at = end
    return size


def _heredocs(data: bytes, run: Run, text: bytes) -> None:
    """Find the heredocs that the logical line opens, and their bodies below it."""
    # Words are needed only here, and only for the few instructions that hold "<<".
    from dockerfix.syntax.heredoc import openings

    size, at = len(data), run.end
    found: list[RawHeredoc] = []
    for opening in openings(text.decode("utf-8", "surrogateescape")):
        marker = opening.name.encode("utf-8", "surrogateescape")
        body, terminated = at, False
        while at < size:
            newline = data.find(b"\n", at)
            end = newline + 1 if newline >= 0 else size
            line = data[at:end].rstrip(b"\r\n")
            if opening.strip_tabs:
                line = line.lstrip(b"\t")
            if line == marker:
                terminated = True
                break
            at = end
        stop = at
        if terminated:
            newline = data.find(b"\n", at)
            at = newline + 1 if newline >= 0 else size
        found.append(
            RawHeredoc(
                opening.word,
                opening.name,
                opening.expand,
                opening.strip_tabs,
                opening.fd,
                body,
                stop,
                terminated,
            )
        )
    run.heredocs = tuple(found)
    run.end = at
