"""Which words of a logical line open a heredoc.

The rule is BuildKit's `heredocsFromLine`: any shell word of RUN, COPY, ADD (also under
ONBUILD) of the form `[fd]<<[-]NAME`; quotes round the name only switch expansion off; none in
JSON form. Words are split at blanks outside of quotes, with the backslash as escape whatever
the `escape` directive says.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_OPENING = re.compile(r"^(\d*)<<(-?)([^<]*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Opening:
    """A word that opens a heredoc: the name without quotes, and how the body is read."""

    word: str
    name: str
    expand: bool
    strip_tabs: bool
    fd: int
    start: int


def openings(line: str) -> list[Opening]:
    """The heredocs that an instruction's logical line opens, in order."""
    if _is_json(line):
        return []
    found = []
    for start, word in shell_words(line):
        match = _OPENING.match(word)
        if match is None or not match[3]:
            continue
        name = _unquoted(match[3])
        if name is None or not name:
            continue
        fd = int(match[1]) if match[1] else 0
        found.append(Opening(word, name, name == match[3], match[2] == "-", fd, start))
    return found


def shell_words(line: str) -> list[tuple[int, str]]:
    """Words with their character offsets, quotes and escapes kept as written."""
    words: list[tuple[int, str]] = []
    at, size = 0, len(line)
    while at < size:
        if line[at].isspace():
            at += 1
            continue
        start = at
        while at < size and not line[at].isspace():
            at = _skip(line, at)
        words.append((start, line[start:at]))
    return words


def _skip(line: str, at: int) -> int:
    """The offset after one character, one escape or one quoted run."""
    char = line[at]
    if char == "\\":
        return min(at + 2, len(line))
    if char not in "'\"":
        return at + 1
    at += 1
    while at < len(line) and line[at] != char:
        at += 2 if char == '"' and line[at] == "\\" else 1
    return min(at + 1, len(line))


def _unquoted(word: str) -> str | None:
    """The word without quotes and escapes; None when a quote stays open."""
    out: list[str] = []
    at = 0
    while at < len(word):
        end = _skip(word, at)
        char = word[at]
        if char in "'\"":
            if end - at < 2 or word[end - 1] != char:
                return None
            out.append(word[at + 1 : end - 1])
        elif char == "\\":
            out.append(word[at + 1 : end])
        else:
            out.append(char)
        at = end
    return "".join(out)


def _is_json(line: str) -> bool:
    """Whether the arguments, flags aside, are a JSON list: that form has no heredocs."""
    words = line.split(None, 1)
    rest = words[1] if len(words) > 1 else ""
    if words and words[0].upper() == "ONBUILD":
        inner = rest.split(None, 1)
        rest = inner[1] if len(inner) > 1 else ""
    while rest.startswith("--"):
        pieces = rest.split(None, 1)
        rest = pieces[1] if len(pieces) > 1 else ""
    if not rest.startswith("["):
        return False
    try:
        value = json.loads(rest)
    except ValueError:
        return False
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
