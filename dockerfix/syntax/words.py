"""Words and flags of a logical line, as BuildKit's line parsers split them.

Works on decoded text; offsets are characters from 0 into the logical line. Knows quotes,
escapes and variables; knows no instruction.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)[^}]*\}|([A-Za-z_][A-Za-z0-9_]*))")


@dataclass(frozen=True, slots=True)
class RawWord:
    """A word as written, and where it stands in the logical line."""

    text: str
    start: int
    end: int


def skip_space(line: str, at: int) -> int:
    """The offset of the first character at or after `at` that is no white space."""
    while at < len(line) and line[at].isspace():
        at += 1
    return at


def plain_words(line: str, at: int = 0) -> list[RawWord]:
    """Words between white space, quotes being ordinary characters (FROM, COPY, EXPOSE...)."""
    return [RawWord(m[0], m.start(), m.end()) for m in _NOT_SPACE.finditer(line, at)]


_NOT_SPACE = re.compile(r"\S+")


def quoted_words(line: str, at: int, escape: str) -> list[RawWord]:
    """Words between white space outside of quotes (ENV, LABEL, ARG, flags)."""
    words: list[RawWord] = []
    at = skip_space(line, at)
    while at < len(line):
        end = quoted_end(line, at, escape)
        words.append(RawWord(line[at:end], at, end))
        at = skip_space(line, end)
    return words


def quoted_end(line: str, at: int, escape: str) -> int:
    """Where the word that begins at `at` ends, quotes and escapes respected."""
    quote = ""
    while at < len(line):
        char = line[at]
        if char == escape and quote != "'":
            at += 2
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char.isspace():
            return at
        at += 1
    return min(at, len(line))


def flag_words(line: str, at: int, escape: str) -> tuple[list[RawWord], int]:
    """The leading `--flag` words from `at`, and the offset at which the arguments begin.

    A bare `--` ends the flags and is swallowed, as in BuildKit's extractBuilderFlags.
    """
    flags: list[RawWord] = []
    at = skip_space(line, at)
    while line.startswith("--", at):
        end = quoted_end(line, at, escape)
        if end - at == 2:
            return flags, skip_space(line, end)
        flags.append(RawWord(line[at:end], at, end))
        at = skip_space(line, end)
    return flags, at


def unquote(word: str, escape: str = "\\") -> str:
    """The word without quotes and escapes; variables stay as written."""
    if not any(char in word for char in ("'", '"', escape)):
        return word
    out: list[str] = []
    quote, at = "", 0
    while at < len(word):
        char = word[at]
        if quote == "'":
            if char == "'":
                quote = ""
            else:
                out.append(char)
        elif char == escape and at + 1 < len(word):
            following = word[at + 1]
            if quote == '"' and following not in '"$' + escape:
                out.append(char)
            out.append(following)
            at += 1
        elif char == quote:
            quote = ""
        elif char in "'\"" and not quote:
            quote = char
        else:
            out.append(char)
        at += 1
    return "".join(out)


def variables(word: str) -> tuple[str, ...]:
    """The names of the variables that a word refers to, single-quoted ones left out."""
    if "$" not in word:
        return ()
    plain = re.sub(r"'[^']*'", "", word) if "'" in word else word
    plain = plain.replace("\\$", "")
    return tuple(match[1] or match[2] for match in _VARIABLE.finditer(plain))


def json_words(line: str, at: int) -> list[tuple[str, RawWord]] | None:
    """A JSON list of strings from `at` to the end: each value with its quoted word.

    None when the text is anything else: BuildKit then takes the shell form.
    """
    text = line[at:].rstrip()
    if not text.startswith("["):
        return None
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return None
    found: list[tuple[str, RawWord]] = []
    offset = 0
    for value in values:
        start = text.index('"', offset)
        offset = start + 1
        while text[offset] != '"':
            offset += 2 if text[offset] == "\\" else 1
        offset += 1
        found.append((value, RawWord(text[start:offset], at + start, at + offset)))
    return found
