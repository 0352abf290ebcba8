"""A patch for reading on a terminal: colours, and the words in which lines differ.

Knows the form of a git patch and styles; changes nothing of the text itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from dockerfix.report.style import Style
from dockerfix.report.word_diff import Part, changed_words

_HEADERS = ("diff ", "--- ", "+++ ", "index ", "new file", "deleted file")
_Paint = Callable[[str], str]


def coloured_patch(patch: bytes, style: Style) -> bytes:
    """A patch for reading on a terminal; without colour, the very bytes."""
    if not style.colour:
        return patch
    text = patch.decode("utf-8", "surrogateescape")
    return "\n".join(_lines(text.split("\n"), style)).encode("utf-8", "surrogateescape")


def _lines(lines: Sequence[str], style: Style) -> Iterator[str]:
    """Each line in its colour. Only below a `@@` do `-` and `+` mean lines of a file."""
    at, inside = 0, False
    while at < len(lines):
        line = lines[at]
        inside = line.startswith("@@") or (inside and not line.startswith("diff "))
        if inside and line.startswith(("-", "+")):
            removed = _run(lines, at, "-")
            added = _run(lines, at + len(removed), "+")
            yield from _block(removed, added, style)
            at += len(removed) + len(added)
            continue
        yield _line(line, inside, style)
        at += 1


def _run(lines: Sequence[str], start: int, mark: str) -> Sequence[str]:
    """The lines from `start` on that begin with a mark."""
    end = start
    while end < len(lines) and lines[end].startswith(mark):
        end += 1
    return lines[start:end]


def _line(line: str, inside: bool, style: Style) -> str:
    """A line of context, a header, or the head of a hunk."""
    if line.startswith("@@"):
        head, at, rest = line.partition(" @@")
        return style.place(head + at) + rest
    return style.heading(line) if not inside and line.startswith(_HEADERS) else line


def _block(removed: Sequence[str], added: Sequence[str], style: Style) -> Iterator[str]:
    """Removed lines and the added ones in their place. Where there are as many of both, each
    pair is compared word by word."""
    olds = [style.bad(line) for line in removed]
    news = [style.good(line) for line in added]
    if len(removed) == len(added):
        for number, (old, new) in enumerate(zip(removed, added, strict=True)):
            parts = changed_words(old[1:], new[1:])
            if parts is not None:
                olds[number] = _marked("-", parts[0], style.bad, style.gone)
                news[number] = _marked("+", parts[1], style.good, style.come)
    yield from olds
    yield from news


def _marked(mark: str, parts: Sequence[Part], plain: _Paint, strong: _Paint) -> str:
    return plain(mark) + "".join((strong if differs else plain)(text) for differs, text in parts)
