"""Colour for a terminal, and none anywhere else. Knows the escape codes of a few styles."""

from __future__ import annotations

from msgspec import Struct


class Style(Struct, frozen=True):
    """How text is marked up; `Style(False)` leaves it as it is."""

    colour: bool = False

    def heading(self, text: str) -> str:
        """A section's title."""
        return self._code("1", text)

    def good(self, text: str) -> str:
        """Something that holds, a new line."""
        return self._code("32", text)

    def warning(self, text: str) -> str:
        """Something to look at."""
        return self._code("33", text)

    def bad(self, text: str) -> str:
        """Something that fails, a removed line."""
        return self._code("31", text)

    def gone(self, text: str) -> str:
        """The part of a removed line in which it differs from the added one."""
        return self._code("31;7", text)

    def come(self, text: str) -> str:
        """The part of an added line in which it differs from the removed one."""
        return self._code("32;7", text)

    def place(self, text: str) -> str:
        """A file and line, a hunk's header."""
        return self._code("36", text)

    def faint(self, text: str) -> str:
        """What can be skipped."""
        return self._code("2", text)

    def _code(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text


PLAIN = Style()
