"""Stand-ins for Rust sources: files that a RUN writes so that cargo can read a workspace whose
sources are not there, or not there yet.

Knows one instruction at a time; whether cargo ever compiles a stand-in is not its business.
"""

from __future__ import annotations

import posixpath

from dockerfix.facts.dockerfile.places import joined
from dockerfix.syntax.dockerfile import Instruction, Run
from dockerfix.syntax.shell import Script, ShellWord, parse_shell

_WRITING = frozenset({"mkdir", "echo", "printf", "touch", "true", ":"})


def stand_ins(item: Instruction, where: str) -> frozenset[str]:
    """The absolute paths of the Rust sources that a RUN writes, in the folder `where`, when it
    does nothing but make folders and write such files; empty for any other instruction. A
    build script is no stand-in: it runs."""
    if not isinstance(item, Run) or ".rs" not in item.text or item.heredocs or item.mounts:
        return frozenset()
    if item.script is None:
        return frozenset()
    script = parse_shell(item.script)
    names = {command.name for command in script.every_command()}
    if script.broken or script.functions or not names <= _WRITING:
        return frozenset()
    written = {_path(word) for word in (*script.outputs, *_touched(script))}
    if not all(_is_source(path) for path in written) or not where.startswith("/"):
        return frozenset()
    return frozenset(joined(where, path) for path in written)


def only_touches(item: Instruction) -> bool:
    """Whether a RUN is nothing but `touch`, which leaves what is there already as it is, and
    lets cargo compile it again."""
    if not isinstance(item, Run) or item.script is None:
        return False
    script = parse_shell(item.script)
    names = {command.name for command in script.every_command()}
    return names == {"touch"} and not script.outputs and not script.broken


def _touched(script: Script) -> list[ShellWord]:
    return [
        word
        for command in script.every_command()
        if command.name == "touch"
        for word in command.words[1:]
    ]


def _path(word: ShellWord) -> str:
    """The path that a word is; empty where only a running shell knows."""
    value = word.value or ""
    return "" if any(sign in value for sign in "*?[{") else value


def _is_source(path: str) -> bool:
    return path.endswith(".rs") and posixpath.basename(path) != "build.rs"
