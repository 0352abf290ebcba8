"""Folders in scripts: `cd`, what `$(dirname "$0")` and its like print, globs of loops.

Knows idioms of shell scripts; knows no docker.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from dockerfix.facts.model import Value
from dockerfix.facts.shell.state import State
from dockerfix.facts.shell.words import ROOTS, Scope, expand
from dockerfix.syntax.shell import Block, Command, Opaque, ShellWord, Statement
from dockerfix.text import Snapshot, inner_path, join_path

_ROOT = "${" + ROOTS[-1] + "}"
_OWN_FOLDER = frozenset({"${0%/*}", "${BASH_SOURCE%/*}", "${BASH_SOURCE[0]%/*}"})
_SELF = frozenset({"$0", "${0}", "$BASH_SOURCE", "${BASH_SOURCE}", "${BASH_SOURCE[0]}"})


def moved(words: tuple[Value, ...], state: State) -> None:
    """`cd`, `pushd` and `popd`."""
    name = words[0].text
    before = state.folder
    plain = [w.text for w in words[1:] if w.text == "-" or not w.text.startswith("-")]
    if name == "popd":
        state.folder = state.stack[-1] if state.stack else None
        state.stack = state.stack[:-1]
    elif not plain:
        state.folder = None
    elif plain[0] == "-":
        state.folder = state.previous
    else:
        state.folder = folder_at(plain[0], state.folder)
        if state.folder is None and before == "" and state.scope.script is not None:
            # `cd ../..` leaves the repository from its root: the script runs where it stands.
            state.folder = folder_at(plain[0], posixpath.dirname(state.scope.script))
    if name == "pushd":
        state.stack = (*state.stack, before)
    state.previous = before


def folder_at(text: str, folder: str | None) -> str | None:
    """A folder written in a script that stands in `folder`, relative to the root."""
    for name in (*ROOTS, "PWD"):
        head = "${" + name + "}"
        if text == head or text.startswith(head + "/"):
            start = folder if name == "PWD" else ""
            rest = text[len(head) :].lstrip("/") or "."
            return join_path(start, rest) if start is not None and "${" not in rest else None
    return join_path(folder, text) if folder is not None and "${" not in text else None


def with_printed(words: Iterable[ShellWord | None], state: State) -> Scope:
    """The scope with what substitutions in the words print, where it is a folder or file of
    the repository: `$(pwd)`, `$(dirname "$0")`, `$(cd DIR && pwd)`,
    `$(git rev-parse --show-toplevel)`; and where it is a builder (`$(which docker)`)."""
    printed: dict[str, str] = {}
    for word in words:
        for part in word.parts if word is not None else ():
            if isinstance(part, Opaque) and (name := _program(part)):
                printed[part.text] = name
                continue
            path = _printed(part, state) if isinstance(part, Opaque) else None
            if isinstance(part, Opaque) and path is not None:
                printed[part.text] = f"{_ROOT}/{path}" if path else _ROOT
    return replace(state.scope, printed=printed)


def located_program(words: Sequence[str | None]) -> str:
    """The builder whose place `which docker`, `command -v docker` or `type -p docker` prints; its
    name serves as well. Empty for other words."""
    if words[:1] == ["which"] and len(words) == 2:
        name = words[1]
    elif words[:2] in (["command", "-v"], ["type", "-p"], ["type", "-P"]) and len(words) == 3:
        name = words[2]
    else:
        return ""
    return name if name in _BUILDERS else ""


_BUILDERS = frozenset({"docker", "podman", "buildah", "nerdctl"})


def _program(part: Opaque) -> str:
    last = part.body[0] if len(part.body) == 1 else None
    return located_program([w.value for w in last.words]) if isinstance(last, Command) else ""


def _printed(part: Opaque, state: State) -> str | None:
    """The path that a substitution prints, relative to the root."""
    if part.text in _OWN_FOLDER:
        return posixpath.dirname(state.scope.script) if state.scope.script is not None else None
    commands = _flat(part.body)
    if not commands:
        return None
    inner = state.copy()
    for command in commands[:-1]:
        if command.name != "cd" or len(command.words) < 2:
            return None
        inner.folder = _argument(command, inner)
    last = commands[-1]
    if [word.value for word in last.words] == ["git", "rev-parse", "--show-toplevel"]:
        return ""
    if last.name == "pwd":
        return inner.folder
    if last.name not in ("dirname", "realpath", "readlink") or len(last.words) < 2:
        return None
    path = _argument(last, inner)
    return posixpath.dirname(path) if path is not None and last.name == "dirname" else path


def _argument(command: Command, state: State) -> str | None:
    """The path that the last word of `cd`, `dirname` or `realpath` stands for."""
    word = command.words[-1]
    if word.written.strip("\"'") in _SELF:
        return state.scope.script
    return folder_at(expand(word.parts, with_printed((word,), state))[0], state.folder)


def _flat(statements: tuple[Statement, ...]) -> list[Command]:
    found: list[Command] = []
    for item in statements:
        if isinstance(item, Command):
            found.append(item)
        elif isinstance(item, Block) and item.operator in ("", "&&") and not item.conditional:
            found += _flat(item.body)
        else:
            return []
    return found


def globbed(snapshot: Snapshot, folder: str | None, pattern: str) -> tuple[str, ...]:
    """Files and folders that a glob of a script that stands in `folder` names, as the shell
    would write them, sorted; `*` does not cross a `/`."""
    if folder is None:
        return ()
    parts = pattern.rstrip("/").split("/")
    fixed = next(n for n, part in enumerate(parts) if any(sign in part for sign in "*?["))
    base = join_path(folder, "/".join(parts[:fixed]) or ".")
    if base is None:
        return ()
    head = "/".join(parts[:fixed])
    depth = len(parts) - fixed
    found: set[str] = set()
    for path in snapshot.below(base):
        inside = inner_path(path, base)
        names = inside.split("/")
        deep = len(names) > depth
        if len(names) < depth or (pattern.endswith("/") and not deep):
            continue
        pairs = zip(names, parts[fixed:], strict=False)
        if all(fnmatch.fnmatchcase(n, p) and (n[0] != "." or p[0] == ".") for n, p in pairs):
            found.add("/".join([*([head] if head else []), *names[:depth]]))
    return tuple(sorted(found))
