"""BuildKit's `shell.Lex` as far as heredocs ask for it, with the backslash as escape.

Knows quotes, escapes and substitutions; expands nothing.
"""

from __future__ import annotations

import re
import sys

from dockerfix.syntax.dockerfile.space import SPACE

PLAIN = re.compile(r"[\w.,:;=+*?@&|()\[\]-]+")
"""Characters that mean nothing to the lexer, wherever they stand."""
_SPECIAL = "@*#?-$!0"


_CALLS_A_LEVEL = 5
"""At most so many calls lie between a substitution and one inside of it."""
_DEEPEST = 5_000
"""A line with more substitutions is not read, since each level copies all that is inside."""


class UnreadableError(Exception):
    """The lexer meets an open quote or a substitution that it does not know."""


class _Scanner:
    """The text, and the words of it so far."""

    def __init__(self, text: str) -> None:
        self.text = text.removeprefix("\ufeff")  # as Go's text/scanner does
        self.at = 0
        self.buffer: list[str] = []

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _next(self) -> str:
        char = self.text[self.at : self.at + 1]
        self.at += 1
        return char

    def _add(self, text: str, words: list[str]) -> None:
        for char in text:
            if char not in SPACE:
                self.buffer.append(char)
            else:
                self._end_word(words)

    def _end_word(self, words: list[str]) -> None:
        if word := "".join(self.buffer):
            words.append(word)
        self.buffer.clear()

    def _less_than(self) -> str:
        """`<`, or `<<` with the blanks that may stand before a heredoc's name."""
        start = self.at
        self.at += 1
        if self._peek() != "<":
            return "<"
        self.at += 1
        while self._peek() and self._peek() in "\t\r ":
            self.at += 1
        return self.text[start : self.at]

    def _name(self) -> str:
        start = self.at
        first = self._peek()
        if first.isdecimal():
            while self._peek().isdecimal():
                self.at += 1
        elif first and first in _SPECIAL:
            self.at += 1
        else:
            while (char := self._peek()) and (char.isalpha() or char.isdecimal() or char == "_"):
                self.at += 1
        return self.text[start : self.at]


class Lexer(_Scanner):
    """BuildKit's `shell.Lex` without any variable set, unset ones left as written.

    `raw` keeps quotes and escapes (how a line is split), `quotes` keeps quotes only, neither
    removes both. One quirk is kept on purpose: a substitution with an operand forgets what
    the current word held before it, since BuildKit's lexer shares one buffer.
    """

    def __init__(self, text: str, raw: bool = False, quotes: bool = False) -> None:
        super().__init__(text)
        self.raw_quotes = raw or quotes
        self.raw_escapes = raw

    def words(self) -> list[str]:
        """The words of the text. Raises `UnreadableError`."""
        # Substitutions nest as deeply as the text has them, and Go's stack grows; calls of
        # Python functions among themselves take none of C's, so that the limit may be raised.
        levels = self.text.count("${")
        if levels > _DEEPEST:
            raise UnreadableError
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + _CALLS_A_LEVEL * levels)
        try:
            return self._until("", self.raw_escapes, False)[1]
        finally:
            sys.setrecursionlimit(limit)

    def _until(self, stop: str, raw_escapes: bool, pattern: bool) -> tuple[str, list[str]]:
        """The text up to `stop` (the end when empty), as one string and split into words."""
        outer, self.raw_escapes = self.raw_escapes, raw_escapes
        result: list[str] = []
        words: list[str] = []
        while char := self._peek():
            if plain := PLAIN.match(self.text, self.at):
                self.at = plain.end()
                self.buffer.append(plain[0])
                result.append(plain[0])
                continue
            if char == stop:
                self.at += 1
                break
            piece, splits = self._piece(char, pattern)
            result.append(piece)
            if splits:
                self._add(piece, words)
            else:
                self.buffer.append(piece)
        else:
            if stop:
                raise UnreadableError
        self._end_word(words)
        self.raw_escapes = outer
        return "".join(result), words

    def _piece(self, char: str, pattern: bool) -> tuple[str, bool]:
        """What stands next, and whether blanks in it end a word."""
        if char == "$":
            return self._dollar(), True
        if char == "<":
            return self._less_than(), False
        if char == "'":
            return self._single_quoted(pattern), False
        if char == '"':
            return self._double_quoted(pattern), False
        self.at += 1
        if char != "\\":
            return char, True
        return (char if self.raw_escapes else "") + self._next(), False

    def _single_quoted(self, pattern: bool) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise UnreadableError
        body = self.text[self.at + 1 : end]
        self.at = end + 1
        if pattern:
            body = body.replace("\\", "\\\\")
        return f"'{body}'" if self.raw_quotes else body

    def _double_quoted(self, pattern: bool) -> str:
        self.at += 1
        quote = '"' if self.raw_quotes else ""
        result = [quote]
        while char := self._peek():
            if char == "$":
                result.append(self._dollar())
                continue
            self.at += 1
            if char == '"':
                return "".join((*result, quote))
            if char == "\\":
                char = self._escaped(pattern)
            result.append(char)
        raise UnreadableError

    def _escaped(self, pattern: bool) -> str:
        """What a backslash inside double quotes stands for."""
        following = self._peek()
        if following and following in '"$\\':
            self.at += 1
            return "\\" + following if self.raw_escapes else following
        doubled = self.raw_escapes and (not self.raw_quotes or pattern)
        return "\\\\" if doubled else "\\"

    def _dollar(self) -> str:
        self.at += 1
        if self._peek() != "{":
            return "$" + self._name()
        self.at += 1
        if self._peek() in ("", "{", "}", ":"):
            raise UnreadableError
        name = self._name()
        operator = self._next()
        if operator == "}":
            return f"${{{name}}}"
        if operator == "/":
            return self._replacement(name)
        if operator == ":":
            # Any operator may follow but # and %: an unset variable stays as written.
            following = self._next()
            if following in ("", "#", "%"):
                raise UnreadableError
            operator += following
        elif operator not in ("+", "-", "?", "#", "%"):
            raise UnreadableError
        pattern = operator in ("#", "%")
        operand, _ = self._until("}", pattern, pattern)
        return f"${{{name}{operator}{operand}}}"

    def _replacement(self, name: str) -> str:
        if self._peek() == "/":
            self.at += 1
        pattern, _ = self._until("/", True, True)
        replacement, _ = self._until("}", True, False)
        return f"${{{name}/{pattern}/{replacement}}}"
