"""Long lines of a report on a terminal: broken between words, further lines further in.

A command between backticks stays in one piece, so that it can be copied. Knows text and escape
codes; knows no terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_CODE = re.compile(r"\x1b\[[0-9;]*m")
_SHORTEST = 40
"""Columns of a terminal too narrow to fold for."""


def fold(text: str, width: int) -> str:
    """The text with no line longer than `width` columns where words allow it; the further lines of
    one begin two columns behind its first."""
    if width < _SHORTEST:
        return text
    return "".join("\n".join(_folded(line, width)) for line in text.splitlines(keepends=True))


def _folded(line: str, width: int) -> Iterator[str]:
    if _columns(line.rstrip("\n")) <= width:
        yield line
        return
    inner = line.lstrip(" ")
    indent = line[: len(line) - len(inner)]
    row, used = indent, len(indent)
    for word in _words(inner):
        columns = _columns(word.rstrip("\n"))
        if used + columns > width and row.strip(" "):
            yield row.rstrip(" ")
            row, used = f"{indent}  ", len(indent) + 2
            word, columns = word.lstrip(" "), _columns(word.strip())
        row, used = row + word, used + columns
    yield row


def _words(text: str) -> Iterator[str]:
    """The words with the blanks before each; what stands between two backticks is one."""
    closed = text.count("`") % 2 == 0
    word, quoted = "", False
    for char in text:
        if char == "`" and closed:
            quoted = not quoted
        if char == " " and not quoted and word.strip(" "):
            yield word
            word = ""
        word += char
    yield word


def _columns(text: str) -> int:
    return len(_CODE.sub("", text))
