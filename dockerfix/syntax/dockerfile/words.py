"""Words and flags of a logical line, as BuildKit's line parsers split them.

Works on decoded text; offsets are characters from 0 into the logical line. Knows quotes,
escapes and variables; knows no instruction.
"""

from __future__ import annotations

import json
import re

from msgspec import Struct

from dockerfix.syntax.dockerfile.space import BLANKS, SPACE, skip_space

_PLAIN_WORD = re.compile(f"[^{BLANKS}]+")
_SURROGATE = re.compile("[\ud800-\udfff]")


class RawWord(Struct, frozen=True):
    """A word as written, and where it stands in the logical line."""

    text: str
    start: int
    end: int


class Command(Struct, frozen=True):
    """A logical line, split as BuildKit's `splitCommand` does.

    The keyword stands at `start` to `keyword_end`, the flags follow, the arguments run from
    `arguments` to `end`; white space around each is left out.
    """

    start: int
    keyword_end: int
    flags: tuple[RawWord, ...]
    arguments: int
    end: int

    def keyword(self, line: str) -> str:
        """The keyword in upper case."""
        return upper_keyword(line[self.start : self.keyword_end])


def upper_keyword(word: str) -> str:
    """The keyword in upper case; one with letters beyond ASCII is none and stays as it is."""
    return word.upper() if word.isascii() else word


def split_command(line: str, at: int, escape: str) -> Command:
    """Keyword, flags and arguments of the line from `at` on."""
    end = len(line.rstrip(SPACE))
    start = min(skip_space(line, at), end)
    match = _PLAIN_WORD.match(line, start, end)
    keyword_end = match.end() if match else start
    flags, arguments = flag_words(line[:end], keyword_end, escape)
    return Command(start, keyword_end, tuple(flags), skip_space(line[:end], arguments), end)


def plain_words(line: str, at: int, end: int) -> list[RawWord]:
    """Words between blanks, quotes being ordinary characters (FROM, COPY, EXPOSE...)."""
    return [RawWord(m[0], m.start(), m.end()) for m in _PLAIN_WORD.finditer(line, at, end)]


def quoted_words(line: str, at: int, escape: str, space: str = SPACE) -> list[RawWord]:
    """Words between white space outside of quotes (ENV, LABEL, ARG).

    An escape character alone can only stand at the very end; BuildKit skips it there.
    """
    words: list[RawWord] = []
    size = len(line)
    while True:
        while at < size and line[at] in space:
            at += 1
        if at >= size:
            return words
        end = quoted_end(line, at, escape, space)
        if line[at:end] != escape:
            words.append(RawWord(line[at:end], at, end))
        at = end


def quoted_end(line: str, at: int, escape: str, space: str = SPACE) -> int:
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
        elif char in space:
            return at
        at += 1
    return min(at, len(line))


def flag_words(line: str, at: int, escape: str) -> tuple[list[RawWord], int]:
    """The leading `--flag` words from `at`, and the offset at which the arguments begin.

    A bare `--` ends the flags and is swallowed, as in BuildKit's `extractBuilderFlags`. That
    function reads bytes as Latin-1 and cuts a flag inside some letters beyond ASCII (`à`); a
    build cannot mean that, and the flag is kept whole here.
    """
    flags: list[RawWord] = []
    while True:
        while at < len(line) and line[at] in _FLAG_SPACE:
            at += 1
        if not line.startswith("--", at):
            return flags, at
        end = _flag_end(line, at, escape)
        text = line[at:end]
        if flag_text(text, escape) == "--":
            return flags, end
        flags.append(RawWord(text, at, end))
        at = end


_FLAG_SPACE = "\t\n\v\f\r "


def _flag_end(line: str, at: int, escape: str) -> int:
    """The end of a flag: the escape works inside single quotes too, unlike elsewhere."""
    quote = ""
    while at < len(line):
        char = line[at]
        if char == escape:
            at += 2
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in _FLAG_SPACE:
            return at
        at += 1
    return min(at, len(line))


def flag_text(word: str, escape: str) -> str:
    """A flag without quotes and escapes: every escape goes, whatever follows it."""
    if not any(char in word for char in ("'", '"', escape)):
        return word
    out: list[str] = []
    quote, at = "", 0
    while at < len(word):
        char = word[at]
        if char == escape:
            out.append(word[at + 1 : at + 2])
            at += 1
        elif quote:
            out.append("" if char == quote else char)
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        else:
            out.append(char)
        at += 1
    return "".join(out)


def unquote(word: str, escape: str = "\\") -> str:
    """The word without quotes and escapes, as `shell.Lex` takes them off; variables stay as
    written. An open quote runs to the end of the word."""
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
        elif char == escape:
            following = word[at + 1 : at + 2]
            if quote and following not in ('"', "$", escape):
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


def variables(word: str, escape: str = "\\") -> tuple[str, ...]:
    """The names of the variables that a word refers to, operands included (`${A:-$B}`).

    Single-quoted and escaped ones are left out, and so are positional parameters.
    """
    if "$" not in word:
        return ()
    names: list[str] = []
    quote, at = "", 0
    while at < len(word):
        char = word[at]
        if char == escape and quote != "'":
            at += 2
            continue
        if quote == "'":
            quote = "" if char == "'" else quote
        elif char in "'\"":
            quote = "" if char == quote else quote or char
        elif char == "$" and (match := _VARIABLE.match(word, at)):
            names.append(match[1])
            at = match.end()
            continue
        at += 1
    return tuple(names)


_VARIABLE = re.compile(r"\$\{?([^\W\d]\w*)")


def csv_fields(text: str) -> list[str]:
    """The comma-separated fields of a `--mount`; one in double quotes may hold commas."""
    if '"' not in text:
        return text.split(",")
    import csv

    try:
        return next(csv.reader([text], strict=True))
    except (csv.Error, StopIteration):
        return text.split(",")


def json_words(line: str, at: int) -> list[tuple[str, RawWord]] | None:
    """A JSON list of strings from `at` to the end: each value with its quoted word.

    None when the text is anything else: BuildKit then takes the shell form, or rejects a
    list that holds something else than strings (see `is_mixed_json`).
    """
    values = _json_list(line[at:])
    if values is None or not all(isinstance(value, str) for value in values):
        return None
    found: list[tuple[str, RawWord]] = []
    offset = at
    for value in values:
        start = line.index('"', offset)
        offset = start + 1
        while line[offset] != '"':
            offset += 2 if line[offset] == "\\" else 1
        offset += 1
        # Go decodes what is no character as U+FFFD.
        text = _SURROGATE.sub("\ufffd", str(value))
        found.append((text, RawWord(line[start:offset], start, offset)))
    return found


def is_mixed_json(text: str) -> bool:
    """Whether the text is a JSON list that holds something else than strings."""
    values = _json_list(text)
    return values is not None and not all(isinstance(value, str) for value in values)


def _json_list(text: str) -> list[object] | None:
    text = text.strip(SPACE)
    if not text.startswith("["):
        return None
    try:
        values = json.loads(
            text, parse_int=_number, parse_float=_number, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, list) else None


def _number(digits: str) -> float:
    """A number as Go reads it: one that no 64-bit float holds makes the text no JSON."""
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError(digits)
    return value


def _no_constant(name: str) -> object:
    """Python's own NaN and Infinity are no JSON."""
    raise ValueError(name)
