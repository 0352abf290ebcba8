r"""A file tree written as one readable text, after Go's txtar.

    -- app/Dockerfile --
    FROM alpine
    -- app/build.sh (executable) --
    docker build .
    -- app/Dockerfile.windows (crlf, bom, no final newline) --
    FROM alpine
    -- app/latin1.txt (escapes) --
    caf\xe9\r
    -- app/link -> /etc/passwd --

A file's bytes are the lines below its heading, each with its newline. A line that looks like a
heading, or like a section of a case, begins with a backslash, which is taken off. `escapes`
reads `\r`, `\t`, `\\` and `\xNN`. Knows the format; knows nothing of transforms.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from dockerfix.text import Entry, Kind, Snapshot
from dockerfix.text.source import BOM

_HEADING = re.compile(r"^-- (?P<path>\S.*?)(?: \((?P<how>[a-z ,]+)\))? --$")
_GUARDED = re.compile(r"^\\+(--|==) ")
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[rt\\])")
_ATTRIBUTES = ("executable", "crlf", "bom", "no final newline", "escapes")


class TreeError(ValueError):
    """A text that is no tree: the line, from 1, and what is wrong."""


class FileTree(Struct, frozen=True):
    """Files and symbolic links by path, relative to the root."""

    files: Mapping[str, bytes]
    executable: frozenset[str] = frozenset()
    links: Mapping[str, str] | None = None

    def with_files(self, other: FileTree) -> FileTree:
        """The files of both; where both have a path, that of `other`."""
        mine = {path: data for path, data in self.files.items() if path not in (other.links or {})}
        links = {p: to for p, to in (self.links or {}).items() if p not in other.files}
        return FileTree(
            {**mine, **other.files},
            (self.executable - other.files.keys()) | other.executable,
            {**links, **(other.links or {})},
        )

    def snapshot(self) -> Snapshot:
        """The tree as a snapshot in memory."""
        entries: dict[str, Entry] = {
            path: Entry(Kind.FILE, 0o755 if path in self.executable else 0o644, len(data))
            for path, data in self.files.items()
        }
        targets: dict[str, str] = {}
        for path, target in (self.links or {}).items():
            entries[path] = Entry(Kind.SYMLINK, 0o777, len(target), target)
            targets[path] = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))

        def load(path: str) -> bytes:
            from dockerfix.text import SnapshotError

            real = targets.get(path, path)
            if real not in self.files:
                raise SnapshotError(path, f"a link that leads out of the repository, to {real}")
            return self.files[real]

        return Snapshot(entries, load)


def parse_tree(text: str) -> tuple[str, FileTree]:
    """What stands before the first heading, and the tree. Raises `TreeError`."""
    preamble: list[str] = []
    files: dict[str, bytes] = {}
    links: dict[str, str] = {}
    executable: set[str] = set()
    for heading, number, lines in _sections(text):
        if heading is None:
            preamble = lines
            continue
        path, arrow, target = heading["path"].partition(" -> ")
        if path in files or path in links:
            raise TreeError(f"line {number}: {path} appears twice")
        if arrow:
            links[path] = target
            continue
        how = _attributes(heading["how"], number)
        files[path] = _bytes(lines, how)
        if "executable" in how:
            executable.add(path)
    return "\n".join(preamble), FileTree(files, frozenset(executable), links)


def _sections(text: str) -> Iterator[tuple[re.Match[str] | None, int, list[str]]]:
    """Each heading with its line number and the lines below it; None for the preamble."""
    heading: re.Match[str] | None = None
    start = 0
    lines: list[str] = []
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        found = _HEADING.match(line)
        if found is None:
            lines.append(line[1:] if _GUARDED.match(line) else line)
            continue
        yield heading, start, lines
        heading, start, lines = found, number, []
    yield heading, start, lines


def _attributes(written: str | None, number: int) -> frozenset[str]:
    names = frozenset(name.strip() for name in (written or "").split(",") if name.strip())
    unknown = sorted(names.difference(_ATTRIBUTES))
    if unknown:
        known = ", ".join(_ATTRIBUTES)
        raise TreeError(f"line {number}: no attribute is called {unknown[0]}; there are: {known}")
    return names


def _bytes(lines: list[str], how: frozenset[str]) -> bytes:
    data = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    if "escapes" in how:
        data = _ESCAPE.sub(_unescaped, data)
    if "crlf" in how:
        data = data.replace(b"\n", b"\r\n")
    if "no final newline" in how:
        data = data.removesuffix(b"\n").removesuffix(b"\r")
    return BOM + data if "bom" in how else data


def _unescaped(match: re.Match[bytes]) -> bytes:
    mark = match[1]
    if mark.startswith(b"x"):
        return bytes([int(mark[1:], 16)])
    return {b"r": b"\r", b"t": b"\t", b"\\": b"\\"}[mark]
