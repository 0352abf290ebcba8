"""RUNs that take what they find where cargo leaves programs: `cp -r target/release`, `find target`.

What such a RUN makes depends on every program that its stage compiles. One that names its programs
does not, and what is only printed is in no image. Knows the words of commands; knows no obligation.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from dockerfix.proof.cargo.crates import Compilation, output_folders, target_folder
from dockerfix.proof.cargo.origins import Origins
from dockerfix.proof.steps.chain import Step, flatten
from dockerfix.proof.steps.commands import script_of
from dockerfix.proof.steps.events import Compiled
from dockerfix.syntax.dockerfile import Run, Stage
from dockerfix.syntax.shell import Command
from dockerfix.text import Place

_ELSEWHERE = frozenset(
    {"cargo", "cross", "cd", "pushd", "mkdir", "rm", "export", "test", "[", "[["}
)
_PRINTING = frozenset({"ls", "du", "tree", "stat", "file", "echo", "printf"})


def taken_whole(origins: Origins, stage: Stage, programs: frozenset[str]) -> Iterator[Place]:
    """The RUNs of a stage's chain that take a folder of cargo's, or some of these programs by a
    pattern."""
    folders = tuple(_folders(origins, stage))
    for step in flatten(origins.graph, stage).steps if folders else ():
        if any(_takes(path, folders, programs) for path in _named(step)):
            yield step.place


def _folders(origins: Origins, stage: Stage) -> Iterator[tuple[str, str]]:
    """The `target/` of each compilation, with the folder of its programs."""
    events = origins.history(stage).events
    for event in (event for event in events if isinstance(event, Compiled)):
        found = origins.compilation(events, event)
        if isinstance(found, Compilation) and event.call.verb != "install":
            for folder in output_folders(origins.sources, found):
                yield target_folder(origins.sources, found), folder


def _named(step: Step) -> Iterator[str]:
    """The paths that the commands of a RUN name."""
    item = step.instruction
    script = script_of(item) if isinstance(item, Run) else None
    if script is None:
        return
    kept = any(sign in item.text.replace("||", "") for sign in ">|`") or "$(" in item.text
    for command in script.every_command():
        if command.name not in _ELSEWHERE and (kept or command.name not in _PRINTING):
            yield from _words(command, step.where)


def _words(command: Command, where: str) -> Iterator[str]:
    for word in command.words[1:]:
        text = word.value if word.value is not None else word.written.strip("\"'")
        yield posixpath.normpath(posixpath.join(where or "/", text))


def _takes(path: str, folders: Sequence[tuple[str, str]], programs: frozenset[str]) -> bool:
    """Whether a path is one of the folders, or a pattern for some of the programs in one."""
    return any(_takes_of(path, *pair, programs) for pair in folders)


def _takes_of(path: str, target: str, folder: str, programs: frozenset[str]) -> bool:
    parts, names = _parts(path), _parts(folder)
    if len(parts) < len(_parts(target)) or len(parts) > len(names) + 1:
        return False
    pairs = zip_longest(names[: len(parts)], parts)
    above = all(fnmatch.fnmatchcase(n, p) for n, p in pairs if n is not None and p is not None)
    if not above or len(parts) <= len(names):
        return above
    last = parts[-1]
    globbed = any(sign in last for sign in "*?[")
    return globbed and any(fnmatch.fnmatchcase(program, last) for program in programs)


def _parts(path: str) -> list[str]:
    """The names of a path; one with a variable may be any."""
    return ["*" if "$" in part else part for part in path.split("/") if part]
