"""Words of text files that end in the name of a file, whatever language they are written in.

Reads; which file a word means, and what follows from it, is for others to judge: `mentions`
says what a word must become, and *no dangling reference* which words count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from dockerfix.text import Kind, Snapshot, SnapshotError, Source, Span

_SKIPPED = frozenset(
    {
        "7z", "a", "avi", "bin", "bmp", "bz2", "class", "diff", "dll", "dylib", "eot", "exe",
        "flac", "gif", "gz", "ico", "jar", "jpeg", "jpg", "lock", "map", "mov", "mp3", "mp4", "o",
        "ogg", "orig", "otf", "patch", "pdf", "png", "pyc", "rar", "rej", "rlib", "rmeta", "so",
        "sum", "svg", "tar", "tgz", "tif", "tiff", "ttf", "wasm", "wav", "webm", "webp", "woff",
        "woff2", "xz", "zip", "zst",
    }
)  # fmt: skip
"""Endings of files that hold no text, or text that a tool writes."""
_GENERATED = ("-lock.json", "-lock.yaml", ".min.js", ".min.css")
PATH_SIGNS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+@~%")
"""The bytes that a word with a path consists of."""
_BRACED = re.compile(rb"\$\{(\w+)\}$")
_LONGEST_NAME = 60


class NamedWord(Struct, frozen=True):
    """A word that ends in `name`. `text` is the word without a variable in front of it, `at`
    where that begins; `behind` is the name of that variable, `?` for what is no plain variable,
    empty where there is none."""

    source: Source
    span: Span
    name: str
    text: str
    at: int
    behind: str = ""


def named_words(snapshot: Snapshot, names: tuple[str, ...]) -> Iterator[NamedWord]:
    """The words of all text files that end in one of `names`, by path and then by place.

    A name counts where it ends: no letter, digit, `_` or `-` goes on, nor a dot that begins an
    ending (the dot that ends a sentence does). Source code in the workspace's own languages is
    searched too; binary files and those that tools generate are not.
    """
    if not names:
        return
    needles = [name.encode("utf-8", "surrogateescape") for name in names]
    pattern = _whole(needles)
    # Most files hold none: plain searches are faster than the pattern.
    for path in snapshot.groups(Holding(tuple(needles))).get(True, ()):
        source = Source(path, snapshot.peek(path))
        for match in pattern.finditer(source.data):
            yield _word(source, *match.span())


class Holding(Struct, frozen=True):
    """Says True of a text file with one of some needles in it: a key for `Snapshot.groups`."""

    needles: tuple[bytes, ...]

    def __call__(self, snapshot: Snapshot, path: str) -> bool | None:
        """Whether the file counts; None where it does not."""
        data = _text(snapshot, path)
        if data is None or b"\0" in data[:1024]:
            return None
        return any(needle in data for needle in self.needles) or None


def _text(snapshot: Snapshot, path: str) -> bytes | None:
    """The bytes of a file that may hold text; None for others. A link is searched where what it
    leads to stands."""
    _, dot, ending = path.rpartition(".")
    if (dot and ending in _SKIPPED) or path.endswith(_GENERATED):
        return None
    if snapshot.entries[path].kind is not Kind.FILE:
        return None
    try:
        data = snapshot.peek(path)
    except SnapshotError:
        return None
    # Reading may have found a link only then.
    return data if snapshot.entries[path].kind is Kind.FILE else None


def _whole(needles: list[bytes]) -> re.Pattern[bytes]:
    """The names, longer ones first, as whole ends of words."""
    names = b"|".join(re.escape(needle) for needle in sorted(needles, key=len, reverse=True))
    word = rb"[A-Za-z0-9_-]"
    return re.compile(rb"(?<!" + word + rb")(?:" + names + rb")(?!\.?" + word + rb")")


def _word(source: Source, start: int, end: int) -> NamedWord:
    """The whole word that ends in a name."""
    data, name = source.data, source.data[start:end]
    while start > 0 and data[start - 1] in PATH_SIGNS:
        start -= 1
    at, behind = _below_variable(data[max(start - _LONGEST_NAME, 0) : start], data[start:end])
    return NamedWord(
        source,
        Span(start, end),
        name.decode("utf-8", "surrogateescape"),
        data[start + at : end].decode("utf-8", "surrogateescape"),
        start + at,
        behind,
    )


def _below_variable(before: bytes, word: bytes) -> tuple[int, str]:
    """How much of a word names the variable in front of it and the slash behind that, and which
    variable it is (see `NamedWord.behind`)."""
    if before.endswith(b"$"):
        variable, slash, rest = word.partition(b"/")
        return len(word) - len(rest) if slash else 0, variable.decode() if slash else "?"
    braced = _BRACED.search(before)
    if braced is not None and word.startswith(b"/"):
        return len(word) - len(word.lstrip(b"/")), braced[1].decode()
    hidden = before.endswith(b"}") or (before.endswith((b")", b"`")) and word.startswith(b"/"))
    return 0, "?" if hidden else ""
