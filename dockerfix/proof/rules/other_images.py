"""What makes or finishes the programs of other images beside those of this one.

Knows which files a command names; judges no chain.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from dockerfix.proof.rules.pair import Pair
from dockerfix.proof.steps.reading import (
    ReadCommand,
    taken_from_stages,
)
from dockerfix.proof.steps.tools import (
    command_words,
)
from dockerfix.syntax.shell import Assignment, Command, walk

CARRYING = frozenset({"cp", "mv", "mkdir", "install"})


_FINISHING = frozenset(
    {"strip", "objcopy", "upx", "chmod", "ls", "du", "file", "test", "ldd", "xx-verify"}
)
"""Commands that change or show the files that they name, and no others."""


SAYING = frozenset(
    {"echo", "printf", "true", "false", "exit", "set", "[", "sccache", "cd", "touch"}
)
"""Commands that change no contents."""
_LISTING = frozenset({"-name", "-type", "-path", "-not", "-print", "-print0", "-maxdepth"})
"""Words of a `find` that does no more than list files."""
_SILENT = ("2>/dev/null", ">/dev/null", "&>/dev/null", "2>&1", ">/dev/null2>&1")
"""Redirections after which no file is written."""


def is_more(verb: str, command: ReadCommand) -> bool:
    """Whether a command beside builds or cooks is one more of them."""
    call = command.cargo
    if call is None:
        return False
    same = call.compiles if verb == "build" else call.verb == verb
    return same and not call.opaque and is_silenced(command)


def is_silenced(command: ReadCommand) -> bool:
    """Whether what a command prints comes to the build's output or to nothing: no file is
    written with it."""
    return "".join(command.plain.redirections) in ("", *_SILENT)


def finishes_another(pair: Pair, command: ReadCommand, old: Sequence[ReadCommand] = ()) -> bool:
    """Whether a statement changes or shows files of another image only: none that the old
    commands name or the old file's images take."""
    item = command.plain.command
    if isinstance(item, Assignment) or command.plain.redirections:
        return False
    taken = {last_part(path) for path in taken_from_stages(pair.before.graph)}
    named = taken | {last_part(word) for other in old for word in other.text.split()}
    return all(_is_local(simple, taken, named) for simple in walk((item,)))


def last_part(path: str) -> str:
    """The name that a path ends with."""
    return posixpath.basename(path.rstrip("/"))


def _is_local(command: Command, taken: set[str], named: set[str]) -> bool:
    """Whether a simple command is known to change only files that it names: none that an
    image takes, and for what finishes a file none that the old commands name."""
    words = command_words(command)
    name = posixpath.basename(words[0]) if words else ""
    operands = [word for word in words[1:] if not word.startswith("-") and not _is_mode(word)]
    if not words or name in SAYING or _touches(words):
        return True
    if any(char in last_part(word) for word in operands for char in "*?[$`"):
        return False
    if name in CARRYING:
        *sources, last = operands or [""]
        folder = last.endswith("/") or len(sources) > 1 or not sources
        return not any(last_part(word) in taken for word in (sources if folder else [last]))
    return name in _FINISHING and not any(last_part(word) in named for word in operands)


def _touches(words: Sequence[str]) -> bool:
    """Whether a part of `find … | xargs touch` only lists files, or gives them another time."""
    flags = {word for word in words[1:] if word.startswith("-")}
    if words[0] == "find":
        return flags <= _LISTING
    plain = [word for word in words[1:] if not word.startswith("-")]
    return words[0] == "xargs" and plain == ["touch"] and flags <= {"-0", "-r"}


def _is_mode(word: str) -> bool:
    """Whether a word is permissions: `0755`, `+x`, `u=rw`."""
    return word.isdigit() or word[:1] in "+=" or (word[1:2] in "+=" and word[0] in "ugoa")
