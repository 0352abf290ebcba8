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

    def place(self, text: str) -> str:
        """A file and line, a hunk's header."""
        return self._code("36", text)

    def faint(self, text: str) -> str:
        """What can be skipped."""
        return self._code("2", text)

    def _code(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text


PLAIN = Style()


def coloured_patch(patch: bytes, style: Style) -> bytes:
    """A patch for reading on a terminal; without colour, the very bytes."""
    if not style.colour:
        return patch
    return b"\n".join(_line(line, style) for line in patch.split(b"\n"))


def _line(line: bytes, style: Style) -> bytes:
    mark = line[:1]
    text = line.decode("utf-8", "surrogateescape")
    if line.startswith((b"diff ", b"--- ", b"+++ ", b"index ", b"new file", b"deleted file")):
        text = style.heading(text)
    elif mark == b"+":
        text = style.good(text)
    elif mark == b"-":
        text = style.bad(text)
    elif mark == b"@":
        head, at, rest = text.partition(" @@")
        text = style.place(head + at) + rest
    return text.encode("utf-8", "surrogateescape")
