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


def is_more(verb: str, command: ReadCommand) -> bool:
    """Whether a command beside builds or cooks is one more of them."""
    call = command.cargo
    if call is None:
        return False
    same = call.compiles if verb == "build" else call.verb == verb
    return same and not call.opaque and not command.plain.redirections


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
    if not words or name in SAYING:
        return True
    if any(char in last_part(word) for word in operands for char in "*?[$`"):
        return False
    if name in CARRYING:
        *sources, last = operands or [""]
        folder = last.endswith("/") or len(sources) > 1 or not sources
        return not any(last_part(word) in taken for word in (sources if folder else [last]))
    return name in _FINISHING and not any(last_part(word) in named for word in operands)


def _is_mode(word: str) -> bool:
    """Whether a word is permissions: `0755`, `+x`, `u=rw`."""
    return word.isdigit() or word[:1] in "+=" or (word[1:2] in "+=" and word[0] in "ugoa")
