"""Where text files name a path, whatever language they are written in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockerfix.text import Kind, Place, Snapshot, SnapshotError, Source, Span

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


def mentions(snapshot: Snapshot, names: tuple[str, ...]) -> Iterator[tuple[Place, str]]:
    """Where text files name one of `names` as a whole path (not as a part of a longer one).

    Source code in the workspace's own languages is searched too; binary files and those that
    tools generate are not. Yields the place and the name, by path and then by place.
    """
    if not names:
        return
    needles = [name.encode("utf-8", "surrogateescape") for name in names]
    pattern = _whole(needles)
    for path in snapshot.paths:
        _, dot, ending = path.rpartition(".")
        if (dot and ending in _SKIPPED) or path.endswith(_GENERATED):
            continue
        if snapshot.entries[path].kind is not Kind.FILE:
            continue  # what a link leads to is searched under its own path
        try:
            data = snapshot.peek(path)
        except SnapshotError:
            continue
        # Most files hold none: plain searches are faster than the pattern.
        if not any(needle in data for needle in needles) or b"\0" in data[:1024]:
            continue
        source = Source(path, data)
        for match in pattern.finditer(data):
            name = match[0].decode("utf-8", "surrogateescape")
            yield source.place(Span(*match.span())), name


def _whole(needles: list[bytes]) -> re.Pattern[bytes]:
    """The names, longer ones first, where no letter, digit, `_` or `-` goes on, nor a dot
    that begins an ending (the dot that ends a sentence does)."""
    names = b"|".join(re.escape(needle) for needle in sorted(needles, key=len, reverse=True))
    word = rb"[A-Za-z0-9_-]"
    return re.compile(rb"(?<!" + word + rb")(?:" + names + rb")(?!\.?" + word + rb")")
