"""Builds that were not followed and may be of a Dockerfile: a smaller context would break them.

Unknown is not safe: what keeps its context when the Dockerfile is written for another one is
said at its place. Knows builds, and how files name a Dockerfile; knows no kind of call site.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import pairwise

from dockerfix.facts.model import Blind, Build, SiteKind
from dockerfix.facts.repository import Facts
from dockerfix.facts.text_uses import changed_in, handed_on
from dockerfix.text import Place, SnapshotError

_EXPRESSION = "${{"
"""What a workflow writes in front of a value that stands elsewhere in it."""
_FILE_FLAGS = frozenset({"-f", "--file", "--dockerfile"})
_QUOTES = "\"';`()"
_FILLED_IN = re.compile(r"\{\}|%|\$\{[^}]*\}|\$\(\w+\)|\$\w+")
"""What stands for a word that comes later: of `xargs` and `find`, of a shell, of make."""


def unfollowed_places(
    facts: Facts, dockerfile: str, context: str | None, *, elsewhere: bool = False
) -> Iterator[tuple[Place, str]]:
    """Builds that were found but not followed and may be of this file, and places that look
    like a build and name it, each with the reason; with `elsewhere` only those that may have
    another context than this one (None: not known)."""
    for build in facts.builds.builds:
        if build.site.kind is SiteKind.DOCUMENT or build.dockerfile == dockerfile:
            continue
        if elsewhere and context is not None and build.context == context:
            continue
        why = _doubt(facts, build, dockerfile, context)
        if why:
            yield build.site.place, _shown(why)
    for blind in facts.builds.blind:
        if _is_about(facts, blind, dockerfile):
            yield blind.place, _shown(f"{blind.what}: {blind.why}")
    for place in handed_on(facts.snapshot, dockerfile):
        yield place, "its text is handed on, and what is made of it is not followed"
    builders = {b.site.place.path for b in facts.builds.builds if b.dockerfile == dockerfile}
    for place in changed_in(facts.snapshot, ".dockerignore", builders):
        yield place, "an ignore file is written for the context that it has"


def names_file(facts: Facts, path: str, dockerfile: str) -> bool:
    """Whether a file names the Dockerfile, from the root or from its own folder."""
    text = _text(facts, path)
    beside = posixpath.dirname(path) == posixpath.dirname(dockerfile)
    return dockerfile in text or (beside and posixpath.basename(dockerfile) in text)


def is_given(build: Build) -> bool:
    """Whether a build's context is an address or an archive on standard input."""
    text = build.context_written.text if build.context_written is not None else ""
    return text == "-" or "://" in text or text.startswith("git@")


def _doubt(facts: Facts, build: Build, dockerfile: str, context: str | None) -> str:
    """Why a build may be of this file; empty where it is not."""
    written = build.dockerfile_written.text if build.dockerfile_written is not None else ""
    if build.dockerfile is None:
        near = None in (build.context, context) or build.context == context
        copied = _is_copy(written, dockerfile) and not is_given(build)
        ours = copied or (_may_be(written, dockerfile) and not _is_elsewhere(build, written))
        why = "; ".join(build.unknown) or "its Dockerfile is not known"
        return why if near and ours else ""
    missing = build.dockerfile not in facts.snapshot
    copied = _is_copy(build.dockerfile, dockerfile)
    ours = copied or posixpath.normpath(written or ".") == dockerfile
    return f"{build.dockerfile} does not exist" if missing and ours else ""


def _may_be(written: str, dockerfile: str) -> bool:
    """Whether a Dockerfile that is written with a variable may be this one: it ends as what is
    written behind the last variable."""
    tail = written.rpartition("}")[2] if "${" in written else ""
    return f"/{dockerfile}".endswith(tail)


def _is_copy(path: str, dockerfile: str) -> bool:
    """Whether a path ends as the Dockerfile's does, folder and all: a script may have put a copy
    of the tree there, `cp -r web lib _build` or a second clone."""
    return "/" in dockerfile and path.endswith(f"/{dockerfile}")


def _is_elsewhere(build: Build, written: str) -> bool:
    """Whether the context is an address or standard input, or the Dockerfile a plain absolute
    path: neither holds a file of ours."""
    return is_given(build) or (written.startswith("/") and "$" not in written)


def _is_about(facts: Facts, blind: Blind, dockerfile: str) -> bool:
    """Whether what was not followed may build this file: its file names it, or, where what is
    not read stands elsewhere, the words that are handed to that."""
    path = blind.place.path
    if path not in facts.snapshot:
        return False
    handed = facts.snapshot.source(path).text(blind.place.span)
    if not blind.apart:
        return names_file(facts, path, dockerfile) or _may_name(handed, dockerfile)
    if _EXPRESSION in handed and _whole(dockerfile).search(_text(facts, path)):
        return True  # a row of a matrix, or a value of the environment
    return _whole(dockerfile).search(handed) is not None


def _may_name(command: str, dockerfile: str) -> bool:
    """Whether a command that another one fills in (`xargs`, `find -exec`, `sh -c`) may name the
    Dockerfile, with another context than the folder that it fills in: `-f {}/Dockerfile .`.

    Its words may stand in quotes, for a shell that is started later.
    """
    words = [word.strip(_QUOTES) for word in command.split()]
    words = words[words.index("build") + 1 :] if "build" in words else words
    for flag, following in pairwise([*words, ""]):
        name, _, value = flag.partition("=")
        value = (value or following).strip(_QUOTES)
        if name not in _FILE_FLAGS or posixpath.dirname(value) in words:
            continue
        parts = _FILLED_IN.split(value.removeprefix("./"))
        if len(parts) > 1 and re.fullmatch(".*".join(map(re.escape, parts)), dockerfile):
            return True
    return False


def _whole(dockerfile: str) -> re.Pattern[str]:
    """A path of the repository where it is no part of a longer one; a variable in front of it
    is taken for the root."""
    before = r"(?<![\w./-])(?:\./|\$\w+/)?|(?<=\}/)"
    return re.compile(rf"(?:{before}){re.escape(dockerfile)}(?!\.?[\w/-])")


def _text(facts: Facts, path: str) -> str:
    try:
        return facts.snapshot.read(path).decode("utf-8", "replace")
    except SnapshotError:
        return ""  # a link out of the repository: no file of ours names anything in it


def _shown(why: str) -> str:
    """A reason with what a command prints as a person writes it."""
    return why.replace("${OPAQUE}", "$(command)")
