"""Which words of a logical line open a heredoc.

The rule is BuildKit's `heredocsFromLine`: any shell word of RUN, COPY, ADD (also under
ONBUILD) of the form `[fd]<<[-]NAME`; quotes round the name only switch expansion off; none in
JSON form. The words are those of BuildKit's `shell.Lex` with the backslash as escape, whatever
the `escape` directive says: a line that this lexer cannot read (an open quote, a substitution
it does not know) opens no heredoc at all, and neither does it here. PyPI `dockerfile` 3.4 has
an older parser that does not take blanks between `<<` and the name.
"""

from __future__ import annotations

import re

from msgspec import Struct

from dockerfix.syntax.dockerfile.shell_lex import PLAIN, Lexer, UnreadableError
from dockerfix.syntax.dockerfile.words import json_words, split_command

KEYWORDS = frozenset({"RUN", "COPY", "ADD"})
"""The instructions whose words may open heredocs."""

_OPENING = re.compile(r"([0-9]*)<<(-?)[\t\n\f\r ]*([^<]*)")

_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_LARGEST_FD = 2**64 - 1


class Opening(Struct, frozen=True):
    """A word that opens a heredoc: the name without quotes, and how the body is read."""

    word: str
    name: str
    expand: bool
    strip_tabs: bool
    fd: int


def openings(line: str, escape: str) -> list[Opening]:
    """The heredocs that an instruction's logical line opens, in order."""
    if not _may_open(line, escape):
        return []
    # Go's scanner reads each byte that is not UTF-8 as U+FFFD.
    text = _NOT_UTF8.sub("\ufffd", line)
    try:
        words = Lexer(text, raw=True).words()
    except UnreadableError:
        return []
    return [found for word in words if (found := opening(word)) is not None]


def opening(word: str) -> Opening | None:
    """The heredoc that one word opens, as BuildKit's `ParseHeredoc`; None when it does not."""
    match = _OPENING.fullmatch(word)
    if match is None or not match[3]:
        return None
    if PLAIN.fullmatch(match[3]):
        return Opening(word, match[3], True, match[2] == "-", _descriptor(match[1]))
    try:
        names = Lexer(match[3]).words()
        quoted = Lexer(match[3], quotes=True).words()
    except UnreadableError:
        return None
    if len(names) != 1 or len(quoted) != 1:
        return None
    # An escaped quote counts on both sides; only a removed one says that the name is quoted.
    expand = _quotes(names[0]) == _quotes(quoted[0])
    return Opening(word, names[0], expand, match[2] == "-", _descriptor(match[1]))


def _may_open(line: str, escape: str) -> bool:
    """Whether the line is one that can open heredocs; ONBUILD looks one level deep."""
    command = split_command(line, 0, escape)
    if command.keyword(line) == "ONBUILD":
        command = split_command(line, command.arguments, escape)
    if command.keyword(line) not in KEYWORDS:
        return False
    return json_words(line, command.arguments) is None


def _quotes(word: str) -> int:
    return word.count("'") + word.count('"')


def _descriptor(digits: str) -> int:
    """The number, 0 without digits; Go's ParseUint stops at the largest one."""
    if not digits:
        return 0
    digits = digits.lstrip("0")
    if len(digits) > len(str(_LARGEST_FD)):
        return _LARGEST_FD
    return min(int(digits or "0"), _LARGEST_FD)
