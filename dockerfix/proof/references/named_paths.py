"""Which words of files name a path that is gone: settings, lists, scripts, documents.

A word counts when it is the whole path, from the root or from the folder of the file that
names it; a plain `Dockerfile` in running text is a word of the language and counts only where
it stands as a value of its own. Judges words that `facts.named_words` reads; knows
no format but what a comment is.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from dockerfix.facts.named_words import PATH_SIGNS, NamedWord, named_words
from dockerfix.facts.past import tells_of_the_past
from dockerfix.text import Place, Snapshot, Source, Span, join_path

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
_PLAIN = frozenset({"Dockerfile", "Containerfile"})
_HASHED = (
    ".yml", ".yaml", ".toml", ".hcl", ".tf", ".sh", ".bash", ".mk", ".py", ".rb", ".cfg", ".ini",
    ".nix", ".bzl", ".star", ".just", ".ps1",
)  # fmt: skip
_ROOTS = frozenset({"CI_PROJECT_DIR", "GITHUB_WORKSPACE", "PWD"})


class NamedPath(Struct, frozen=True):
    """A word that names `path`. `remark` is empty where it counts: in a comment, or where a
    document tells of the past, it says so."""

    place: Place
    path: str
    remark: str = ""


def named_paths(snapshot: Snapshot, wanted: Iterable[str]) -> Iterator[NamedPath]:
    """Every place that names one of the wanted paths (relative to the root)."""
    by_name: dict[str, list[str]] = {}
    for path in wanted:
        by_name.setdefault(posixpath.basename(path), []).append(path)
    for word in named_words(snapshot, tuple(by_name)):
        source, span = word.source, word.span
        if not _may_name(source.path) or len(source.data) > MAX_BYTES or _goes_on(word):
            continue
        found = _meant(word, by_name[word.name])
        if found is not None:
            yield NamedPath(source.place(span), found, _remark(source, span))


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


def _goes_on(word: NamedWord) -> bool:
    """Whether the word continues behind the name: then it is another path, or a pattern."""
    data, end = word.source.data, word.span.end
    after = data[end : end + 1]
    if after in (b".", b"-", b"+", b"~", b"@", b"/"):
        # A full stop at the end of a sentence ends the word.
        following = data[end + 1 : end + 2]
        return bool(following) and (following[0] in PATH_SIGNS or following in b"*?[{$")
    return bool(after) and (after[0] in PATH_SIGNS or after in b"*?[{$")


def _meant(word: NamedWord, candidates: Sequence[str]) -> str | None:
    """The path that a word names; none behind a variable that is not the root."""
    if word.behind and word.behind not in _ROOTS:
        return None
    folder = posixpath.dirname(word.source.path)
    bare = "/" not in word.text
    for path in candidates:
        from_root = join_path("", word.text.lstrip("/")) == path
        from_file = join_path(folder, word.text) == path
        if not (from_root or from_file):
            continue
        plain = posixpath.basename(path) in _PLAIN
        if not bare or (not plain and from_file) or _is_value(word.source, word.span):
            return path
    return None


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
    if tells_of_the_past(source, span.start):
        return "what was"
    line = source.line_of(span.start)
    head = source.data[line.start : span.start].lstrip()
    hashed = name.endswith(_HASHED) or _is_named(name)
    return "a comment" if hashed and head.startswith(b"#") else ""
