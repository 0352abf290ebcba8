"""Lines of shell that take a file as a text and hand it on: `cat Dockerfile.a > Dockerfile.tmp`.

What comes of such a text is not followed: a Dockerfile that is made of another one, and then
built. Knows words of commands and where files are named; knows no build.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator

from dockerfix.facts.named_words import named_words
from dockerfix.syntax.shell import parse_shell
from dockerfix.text import MappedText, Place, Snapshot, join_path

PROSE = (".md", ".markdown", ".rst", ".adoc", ".txt")
COMMENTS = ("#", "//")

_PRINTING = frozenset({"cat", "grep", "egrep", "fgrep", "head", "tail", "echo", "printf"})
"""Commands whose output is the text of the file, or its name."""
_TAKING = frozenset(
    {
        "awk", "cp", "cpp", "dd", "envsubst", "gomplate", "install", "j2", "jinja2", "ln", "m4",
        "mv", "perl", "patch", "rsync", "sed", "tac", "tee", "yq",
    }
)  # fmt: skip
"""Commands that change a file, or make another one of it."""
_IN_PLACE = frozenset({"ed", "ex", "patch", "perl", "sed", "sponge", "tee", "yq"})
"""Commands that change the file that they name; the editors of streams only when told to."""
_STREAMS = frozenset({"perl", "sed", "yq"})
_PLACING = frozenset({"cp", "dd", "envsubst", "install", "ln", "mv", "rsync"})
"""Commands that write to the last file that they name."""
_CONDENSING = frozenset(
    {
        "cksum", "cmp", "cut", "diff", "less", "md5sum", "more", "sha1sum", "sha256sum",
        "sha512sum", "sort", "uniq", "wc",
    }
)  # fmt: skip
"""Commands behind which no Dockerfile is left of the text."""
_INTO = re.compile(r"-[A-Za-z]*i|--in-?place")
"""The flag by which an editor of streams writes to its file."""
_KEPT = re.compile(r">>?\|?\s*(?!&|\s|/dev/)")
"""A redirection to a file."""


def changes_text(line: str, name: str, *, exact: bool = False) -> bool:
    """Whether a line of shell changes a file where it stands, or puts another one in its place:
    what is built from it then is not what the repository holds. `name` is the file's last name,
    or, `exact`, the whole word."""

    def means(word: str) -> bool:
        return word == name if exact else posixpath.basename(word) == name

    script = parse_shell(MappedText.whole(line.encode("utf-8", "replace")))
    if any(map(means, script.written_files)):
        return True
    for command in script.commands():
        program = posixpath.basename(command.name or "")
        words = [word.value or word.written for word in command.words[1:]]
        named = [means(word.removeprefix("of=")) for word in words]
        if program in _PLACING and named[-1:] == [True]:
            return True
        if program in _IN_PLACE and any(named):
            told = any(_INTO.match(word) for word in words)
            if program not in _STREAMS or told:
                return True
    return False


def changed_in(snapshot: Snapshot, name: str, paths: Collection[str]) -> Iterator[Place]:
    """Lines of these scripts that change a file of this name, or put another in its place."""
    for word in named_words(snapshot, (name,)) if paths else ():
        line = word.source.text(word.source.line_of(word.span.start)).strip().lstrip("@- ")
        if word.source.path in paths and not line.startswith(COMMENTS) and changes_text(line, name):
            yield word.source.place(word.span)


def handed_on(snapshot: Snapshot, path: str) -> Iterator[Place]:
    """Lines of scripts that hand the text of a file on, to another file or to a command; those
    that change it where it stands are none."""
    name = posixpath.basename(path)
    for word in named_words(snapshot, (name,)):
        source = word.source
        folder = posixpath.dirname(source.path)
        meant = {join_path("", word.text), join_path(folder, word.text)}
        line = source.text(source.line_of(word.span.start)).strip().lstrip("@- ")
        if path not in meant or source.path.endswith(PROSE) or line.startswith(COMMENTS):
            continue
        if hands_on(line, name) and not changes_text(line, word.text, exact=True):
            yield source.place(word.span)


def hands_on(line: str, name: str) -> bool:
    """Whether a line of shell that names a file hands its text on: to another file, to the
    standard input of a command, or through a program that changes it."""
    commands = list(parse_shell(MappedText.whole(line.encode("utf-8", "replace"))).commands())
    naming = [c for c in commands if any(name in word.written for word in c.words)]
    programs = [posixpath.basename(c.name or "") for c in naming]
    if any(program in _TAKING for program in programs):
        return True
    kept = _KEPT.search(line) is not None
    others = {posixpath.basename(c.name or "") for c in commands if c not in naming}
    if any(program in _PRINTING for program in programs):
        beside = others - _PRINTING - _CONDENSING
        return kept or ("|" in line.replace("||", "") and bool(beside))
    fed = re.search(rf"(?<!<)<\s*[\"']?[\w./${{}}-]*{re.escape(name)}(?![\w.-])", line)
    if fed is None or not commands:
        return False
    reading = commands[0].name or ""
    return kept or posixpath.basename(reading) not in _PRINTING | _CONDENSING
