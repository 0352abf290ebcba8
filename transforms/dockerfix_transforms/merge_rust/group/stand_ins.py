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

from dockerfix.api import read_cargo, sources_of, stand_ins, within
from dockerfix_transforms.merge_rust.read.rust_file import RustFile
from dockerfix_transforms.merge_rust.read.steps import Role, Step, commands


def written(step: Step) -> frozenset[str]:
    """The stand-ins that a step writes; none when it does anything else."""
    return stand_ins(step.item, step.where)


def unheeded(file: RustFile, paths: Iterable[str], done: int) -> bool:
    """Whether no program of a file is made of stand-ins that are written behind its first
    `done` steps: the package is none of theirs, or the source comes before cargo compiles."""
    compiles = (Role.BUILD, Role.COOK)
    end = next(n for n, step in enumerate(file.steps) if step.role in compiles)
    return all(
        not any(within(path, folder) for folder in file.compiled)
        or _brings(file, file.steps[done:end], path)
        for path in paths
    )


def with_one_set(files: Sequence[RustFile]) -> Sequence[RustFile]:
    """The files with the stand-ins of one of them in place of their own, when they serve all
    that have any; else the files as they are."""
    having = [file for file in files if any(map(written, file.steps))]
    for leader in having if len({_texts(file) for file in having}) > 1 else ():
        if all(_serves(leader, file, files) for file in having):
            return [_with(leader, file) if file in having else file for file in files]
    return files


def _texts(file: RustFile) -> tuple[str, ...]:
    return tuple(step.key for step in file.steps if written(step))


def _paths(file: RustFile) -> frozenset[str]:
    return frozenset[str]().union(*map(written, file.steps))


def _serves(leader: RustFile, file: RustFile, files: Sequence[RustFile]) -> bool:
    """Whether a leader's stand-ins may be in place of a file's own."""
    if _texts(leader) == _texts(file):
        return True
    mine, theirs = _paths(file), _paths(leader)
    last = max(n for n, step in enumerate(file.steps) if written(step))
    missing = mine - theirs
    early = any(_reads_workspace(step) for one in files for step in one.steps)
    sources = not missing or (not early and all(_folder_comes(files, path) for path in missing))
    return sources and unheeded(file, mine | theirs, last)


def _reads_workspace(step: Step) -> bool:
    """Whether cargo reads the workspace in a step other than a build: it would miss what only
    a build needs no longer."""
    calls = [call for call in map(read_cargo, commands(step.script)) if call is not None]
    return step.role is not Role.BUILD and any(call.verb != "install" for call in calls)


def _folder_comes(files: Sequence[RustFile], path: str) -> bool:
    """Whether some file copies the sources that belong beside a stand-in."""
    folder = posixpath.dirname(path)
    return any(
        file.is_folder(source)
        for file in files
        for step in file.steps
        if step.copy is not None and step.item.flag("from") is None
        for source in sources_of(step.copy, folder, file.is_folder)
    )


def _brings(file: RustFile, steps: Iterable[Step], path: str) -> bool:
    return any(
        file.sent(source)
        for step in steps
        if step.copy is not None and step.item.flag("from") is None
        for source in sources_of(step.copy, path, file.is_folder)
    )


def _with(leader: RustFile, file: RustFile) -> RustFile:
    """A file with the stand-ins of the leader where its own first ones are."""
    if file is leader:
        return file
    own = [n for n, step in enumerate(file.steps) if written(step)]
    stage = file.steps[own[0]].stage
    instead = [replace(step, stage=stage) for step in leader.steps if written(step)]
    kept = [step for n, step in enumerate(file.steps) if n not in own]
    return replace(file, steps=(*kept[: own[0]], *instead, *kept[own[0] :]))
