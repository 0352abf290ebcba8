"""Where files name a path of the repository: settings, lists, scripts, documents.

A word counts when it is the whole path, from the root or from the folder of the file that
names it; a plain `Dockerfile` in running text is a word of the language and counts only where
it stands as a value of its own. Knows words and paths; knows no format but what a comment is.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from dockerfix.text import Kind, Place, Snapshot, SnapshotError, Source, Span, join_path

MAX_BYTES = 1_000_000
_ENDINGS = (
    ".yml", ".yaml", ".json", ".json5", ".toml", ".hcl", ".tf", ".md", ".markdown", ".rst",
    ".adoc", ".txt", ".sh", ".bash", ".mk", ".py", ".rb", ".cfg", ".ini", ".nix", ".bzl", ".star",
    ".gradle", ".kts", ".groovy", ".just", ".ps1", ".bat", ".j2", ".tpl", ".jsonnet", ".xml",
)  # fmt: skip
_NAMES = frozenset(
    {
        "Makefile", "GNUmakefile", "Justfile", "justfile", "Jenkinsfile", "Tiltfile", "Earthfile",
        "Rakefile", "CODEOWNERS", "BUILD", "WORKSPACE", "Vagrantfile", "Procfile",
    }
)  # fmt: skip
_HISTORY = ("CHANGELOG", "CHANGES", "HISTORY", "NEWS", "RELEASE")
_PATH = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+@~%")
_PLAIN = frozenset({"Dockerfile", "Containerfile"})
_HASHED = (
    ".yml", ".yaml", ".toml", ".hcl", ".tf", ".sh", ".bash", ".mk", ".py", ".rb", ".cfg", ".ini",
    ".nix", ".bzl", ".star", ".just", ".ps1",
)  # fmt: skip
_ROOTS = ("CI_PROJECT_DIR", "GITHUB_WORKSPACE", "PWD")


class NamedPath(Struct, frozen=True):
    """A word that names `path`. `remark` is empty where it counts: in a comment or in a list
    of past changes it says so."""

    place: Place
    path: str
    remark: str = ""


def named_paths(snapshot: Snapshot, wanted: Iterable[str]) -> Iterator[NamedPath]:
    """Every place that names one of the wanted paths (relative to the root)."""
    by_name: dict[bytes, list[str]] = {}
    for path in wanted:
        by_name.setdefault(posixpath.basename(path).encode(), []).append(path)
    if not by_name:
        return
    for path in snapshot.paths:
        data = _text(snapshot, path) if _may_name(path) else None
        for name, candidates in by_name.items() if data is not None else ():
            if data is not None and name in data:
                yield from _named(Source(path, data), name, candidates)


def _may_name(path: str) -> bool:
    name = posixpath.basename(path)
    if name.endswith(("ignore", "-lock.json", "-lock.yaml")):
        return False
    return name.endswith(_ENDINGS) or _is_named(name)


def _is_named(name: str) -> bool:
    """Files that are known by their names and not by an ending; their comments begin with
    `#`."""
    dockerfile = "Dockerfile" in name or name.startswith("Containerfile")
    dotted = name.startswith(".env") or (name.startswith(".") and name.endswith("rc"))
    return name in _NAMES or dockerfile or dotted


def _text(snapshot: Snapshot, path: str) -> bytes | None:
    """The bytes of a small text file; None for anything else."""
    try:
        entry = snapshot.entries[path]
        if entry.kind is not Kind.FILE or entry.size > MAX_BYTES:
            return None
        data = snapshot.peek(path)
    except SnapshotError:
        return None
    return None if b"\0" in data[:1024] else data


def _named(source: Source, name: bytes, candidates: list[str]) -> Iterator[NamedPath]:
    data = source.data
    at = data.find(name)
    while at >= 0:
        start, end = at, at + len(name)
        at = data.find(name, at + 1)
        while start > 0 and data[start - 1] in _PATH:
            start -= 1
        if _goes_on(data, end):
            continue
        span = Span(start, end)
        path = _meant(source, span, candidates)
        if path is not None:
            yield NamedPath(source.place(span), path, _remark(source, span))


def _goes_on(data: bytes, end: int) -> bool:
    """Whether the word continues behind the name: then it is another path, or a pattern."""
    after = data[end : end + 1]
    if after in (b".", b"-", b"+", b"~", b"@", b"/"):
        # A full stop at the end of a sentence ends the word.
        following = data[end + 1 : end + 2]
        return bool(following) and (following[0] in _PATH or following in b"*?[{$")
    return bool(after) and (after[0] in _PATH or after in b"*?[{$")


def _meant(source: Source, span: Span, candidates: list[str]) -> str | None:
    token = _below_root(source, span)
    if token is None:
        return None
    folder = posixpath.dirname(source.path)
    bare = "/" not in token
    for path in candidates:
        from_root = join_path("", token.lstrip("/")) == path
        from_file = join_path(folder, token) == path
        if not (from_root or from_file):
            continue
        plain = posixpath.basename(path) in _PLAIN
        if not bare or (not plain and from_file) or _is_value(source, span):
            return path
    return None


def _below_root(source: Source, span: Span) -> str | None:
    """The word without a variable for the root in front; None behind any other variable."""
    token = source.text(span)
    before = source.data[max(span.start - 60, 0) : span.start]
    if before.endswith(b"$"):
        name, _, rest = token.partition("/")
        return rest if name in _ROOTS else None
    braced = re.search(rb"\$\{(\w+)\}$", before)
    if braced is not None:
        return token.lstrip("/") if braced[1].decode() in _ROOTS else None
    return None if before.endswith((b"}", b")", b"`")) and token.startswith("/") else token


_VALUE = rb"""\s*(?:-\s+|[\w.-]*(?:file|path)[\w.-]*\s*[:=]\s*)?\[?["']?"""
"""What stands before a value on its line: an item's dash, or a key that speaks of files."""


def _is_value(source: Source, span: Span) -> bool:
    """Whether the word is all of an item or value, as in `- Dockerfile` or `["Dockerfile"]`;
    Compose's `dockerfile:` counts from the context, and the builds know it."""
    line = source.line_of(span.start)
    head = source.data[line.start : span.start]
    tail = source.data[span.end : line.end].strip()
    compose = re.match(rb"\s*dockerfile\s*:", head) is not None
    whole = re.fullmatch(_VALUE, head, re.IGNORECASE) is not None or head.rstrip().endswith(
        (b'["', b"['", b'", "'[1:])
    )
    return whole and not compose and re.fullmatch(rb"""["']?\]?,?""", tail) is not None


def _remark(source: Source, span: Span) -> str:
    name = posixpath.basename(source.path)
    if name.upper().startswith(_HISTORY):
        return "a list of past changes"
    line = source.line_of(span.start)
    head = source.data[line.start : span.start].lstrip()
    hashed = name.endswith(_HASHED) or _is_named(name)
    return "a comment" if hashed and head.startswith(b"#") else ""
