"""Stand-ins for sources: which of several files' own serve all of them in one builder.

A RUN that writes `fn main() {}` into members whose sources a Dockerfile does not copy differs
from file to file, since each leaves out other members. In a shared builder one file's suffice:
those that cargo needs to read the workspace, as long as no program is made of a stand-in.
Knows paths; knows nothing of what they hold.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from dockerfix.api import only_touches, read_cargo, sources_of, stand_ins, within
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import Role, Step, commands


def written(step: Step) -> frozenset[str]:
    """The stand-ins that a step writes; none when it does anything else."""
    return stand_ins(step.item, step.where)


def unheeded(file: InputFile, step: Step, done: int) -> bool:
    """Whether no program of a file is made of the stand-ins that a step writes behind the first
    `done` steps of the file; one that touches what is there already writes none."""
    touches = only_touches(step.item)
    there = {p for p in written(step) if touches and _brings(file, file.steps[:done], p)}
    return _unheeded(file, written(step) - there, done)


def _unheeded(file: InputFile, paths: Iterable[str], done: int) -> bool:
    """Whether no program is made of what stands at these paths: the package is none of theirs,
    or the source comes before cargo compiles."""
    compiles = (Role.BUILD, Role.COOK)
    end = next(n for n, step in enumerate(file.steps) if step.role in compiles)
    return all(
        not any(within(path, folder) for folder in file.compiled)
        or _brings(file, file.steps[done:end], path)
        for path in paths
    )


def _own(file: InputFile) -> list[int]:
    """The numbers of the steps that write stand-ins, those left out that touch sources."""
    return [
        n
        for n, step in enumerate(file.steps)
        if (paths := written(step))
        and not (
            only_touches(step.item) and any(_brings(file, file.steps[:n], path) for path in paths)
        )
    ]


def with_one_set(files: Sequence[InputFile]) -> Sequence[InputFile]:
    """The files with the stand-ins of one of them in place of their own, when they serve all
    that have any; else the files as they are."""
    having = [file for file in files if _own(file)]
    for leader in having if len({_texts(file) for file in having}) > 1 else ():
        if all(_serves(leader, file, files) for file in having):
            return [_with(leader, file) if file in having else file for file in files]
    return files


def _texts(file: InputFile) -> tuple[str, ...]:
    return tuple(file.steps[n].key for n in _own(file))


def _paths(file: InputFile) -> frozenset[str]:
    return frozenset[str]().union(*(written(file.steps[n]) for n in _own(file)))


def _serves(leader: InputFile, file: InputFile, files: Sequence[InputFile]) -> bool:
    """Whether a leader's stand-ins may be in place of a file's own."""
    if _texts(leader) == _texts(file):
        return True
    mine, theirs = _paths(file), _paths(leader)
    last = max(_own(file))
    missing = mine - theirs
    early = any(_reads_workspace(step) for one in files for step in one.steps)
    sources = not missing or (not early and all(_folder_comes(files, path) for path in missing))
    return sources and _unheeded(file, mine | theirs, last)


def _reads_workspace(step: Step) -> bool:
    """Whether cargo reads the workspace in a step other than a build: it would miss what only
    a build needs no longer."""
    calls = [call for call in map(read_cargo, commands(step.script)) if call is not None]
    return step.role is not Role.BUILD and any(call.verb != "install" for call in calls)


def _folder_comes(files: Sequence[InputFile], path: str) -> bool:
    """Whether some file copies the sources that belong beside a stand-in."""
    folder = posixpath.dirname(path)
    return any(
        file.is_folder(source)
        for file in files
        for step in file.steps
        if step.copy is not None and step.item.flag("from") is None
        for source in sources_of(step.copy, folder, file.is_folder)
    )


def _brings(file: InputFile, steps: Iterable[Step], path: str) -> bool:
    return any(
        file.sent(source)
        for step in steps
        if step.copy is not None and step.item.flag("from") is None
        for source in sources_of(step.copy, path, file.is_folder)
    )


def _with(leader: InputFile, file: InputFile) -> InputFile:
    """A file with the stand-ins of the leader where its own first ones are."""
    if file is leader:
        return file
    own = _own(file)
    stage = file.steps[own[0]].stage
    instead = [replace(step, stage=stage) for step in (leader.steps[n] for n in _own(leader))]
    kept = [step for n, step in enumerate(file.steps) if n not in own]
    return replace(file, steps=(*kept[: own[0]], *instead, *kept[own[0] :]))
