"""The steps of a Go image's build chain, and the programs that they write.

A step's key is its text with every path resolved, so that equal keys are the same step in two
files. Knows one Dockerfile at a time.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from msgspec import Struct

from dockerfix.api import (
    Assignment,
    Command,
    Copy,
    GoCall,
    IsFolder,
    Run,
    Script,
    Stage,
    StageGraph,
    fetches_modules,
    folders,
    only_reads_go,
    parse_shell,
    placed,
    read_go,
)
from dockerfix_transforms.merge_rust.read.steps import Role, Step, commands, statement_list

_QUIET = frozenset({"set", "echo", "printf", "mkdir", "export", "true", ":"})


class Built(Struct, frozen=True):
    """A program that a step writes: the call, and the absolute path (empty where a variable or
    the module hides it)."""

    call: GoCall
    output: str


def go_steps(graph: StageGraph, chain: Sequence[Stage], is_folder: IsFolder) -> tuple[Step, ...]:
    """The steps of a chain, FROM lines left out. The level of its stage is a part of each key:
    only stages that are cut alike share their steps."""
    return tuple(
        step
        for level, stage in enumerate(chain)
        for step in _steps_of(graph, stage, level, is_folder)
    )


def _steps_of(graph: StageGraph, stage: Stage, level: int, is_folder: IsFolder) -> Iterator[Step]:
    where = folders(graph, stage)
    for number, item in enumerate(stage.instructions):
        copy = placed(item, where[number], is_folder) if isinstance(item, Copy) else None
        script = parse_shell(item.script) if isinstance(item, Run) and item.script else None
        key = f"{item.text} in {where[number]}"
        if copy is not None and isinstance(item, Copy):
            image = item.from_.value if item.from_ is not None else ""
            key = f"{copy.keyword} {copy.flags} {image} {copy.sources} {copy.destination}"
        elif item.keyword == "WORKDIR" and item.words:
            key = (
                f"WORKDIR {posixpath.normpath(posixpath.join(where[number], item.words[0].value))}"
            )
        role = Role.GO if fetches_modules(commands(script)) else Role.OTHER
        yield Step(item, stage, role, f"{level} {key}", script, where[number], copy)


def fetches(step: Step) -> bool:
    """Whether a step brings the modules that a build needs."""
    return step.role is Role.GO


def builds(step: Step) -> bool:
    """Whether a step runs `go build` in whatever stands around it."""
    return any(call is not None and call.verb == "build" for call in _calls(step.script))


def _calls(script: Script | None) -> Iterator[GoCall | None]:
    return (read_go(command) for command in commands(script))


def written_by(step: Step) -> tuple[Built, ...] | None:
    """The programs that a step writes with go, when it does nothing else; None else."""
    statements = statement_list(step.script)
    if not statements or not step.where.startswith("/"):
        return None
    folder, found = step.where, list[Built]()
    for item in statements:
        if isinstance(item, Assignment):
            continue
        if not isinstance(item, Command):
            return None
        call = read_go(item)
        words = [word.value for word in item.words]
        if call is not None and call.verb == "build" and not call.opaque:
            found.append(Built(call, _output(folder, call)))
        elif words[:1] == ["cd"] and len(words) == 2 and words[1] is not None:
            folder = posixpath.normpath(posixpath.join(folder, words[1]))
        elif call is not None or not (item.name in _QUIET or only_reads_go(item)):
            return None
    return tuple(found) if found else None


def _output(folder: str, call: GoCall) -> str:
    """The absolute path of a program."""
    named = call.program
    folder = posixpath.normpath(posixpath.join(folder, call.folder))
    path = posixpath.join(folder, call.output) if call.output else posixpath.join(folder, named)
    known = (named or not call.output.endswith("/")) and (call.output or named)
    if call.output.endswith("/"):
        path = posixpath.join(path, named)
    return posixpath.normpath(path) if known and "$" not in path else ""
