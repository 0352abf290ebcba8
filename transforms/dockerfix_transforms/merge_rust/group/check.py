"""What a file would notice of a chain that serves others too: the check of an alignment.

A chain is right exactly if for every file (a) each two of its steps that changed places commute,
(b) each step runs in the folder that it ran in, and (c) each slot that it has no step in is
something that its programs cannot notice, or that a person is told about. Knows nothing of how
the slots were found, so that the search for them may be simple.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from dockerfix.api import IsFolder
from dockerfix_transforms.merge_rust.group.admission import Admission, admitted
from dockerfix_transforms.merge_rust.group.commute import commute, needs_folder
from dockerfix_transforms.merge_rust.group.slots import Obstacle, Slot, representative, shortened
from dockerfix_transforms.merge_rust.group.stand_ins import written
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import Role, Step, commands

_TESTING = {"test", "[", "echo", "exit", "false", "true"}


def first_obstacle(
    slots: Sequence[Slot], files: Sequence[InputFile], is_folder: IsFolder
) -> Obstacle | None:
    """The first thing that some file would notice of the merged chain."""
    for number, file in enumerate(files):
        found = _wrong_order(slots, number, file, is_folder) or _foreign(slots, number, files)
        if found is not None:
            return found
    return _wrong_folder(slots, files)


def _wrong_order(
    slots: Sequence[Slot], number: int, file: InputFile, is_folder: IsFolder
) -> Obstacle | None:
    """The first two steps of a file that changed places and do not commute."""
    place = {id(slot[number]): n for n, slot in enumerate(slots) if slot[number] is not None}
    for index, first in enumerate(file.steps):
        for second in file.steps[index + 1 :]:
            swapped = place[id(second)] < place[id(first)]
            if swapped and not commute(first, second, is_folder):
                what = f"it comes after `{shortened(first)}` here and before it elsewhere"
                return Obstacle(file, second, what, "Write the two in the same order in all files.")
    return None


def _wrong_folder(slots: Sequence[Slot], files: Sequence[InputFile]) -> Obstacle | None:
    """The first step that would run in another folder than it did."""
    where = ""
    for slot in slots:
        step = representative(slot)
        for number, mine in enumerate(slot):
            if mine is not None and mine.where != where and needs_folder(mine):
                what = f"it runs in {mine.where or 'another folder'}"
                return Obstacle(files[number], mine, what, "Use the same WORKDIR in all files.")
        if step.item.keyword == "WORKDIR" and step.item.words:
            entered = step.instead or step.item.words[0].value
            where = posixpath.normpath(posixpath.join(where, entered))
    return None


def _foreign(slots: Sequence[Slot], number: int, files: Sequence[InputFile]) -> Obstacle | None:
    """The first step of other files that this file's programs may not have before them."""
    last = max((n for n, s in enumerate(slots) if _builds(s[number])), default=-1)
    done = 0
    for n, slot in enumerate(slots):
        if slot[number] is not None:
            done += 1
        else:
            step = representative(slot)
            owner = files[next(m for m, s in enumerate(slot) if s is not None)]
            if admitted(step, owner, files[number], n > last, done) is Admission.NO:
                why, do = _lacks(step, files[number]), _remedy(step, owner, files[number])
                return Obstacle(owner, step, why, do)
    return None


def _lacks(step: Step, file: InputFile) -> str:
    """Why a step of another file is in the way of this one."""
    if written(step):
        return f"{file.path} has no such step, and may be compiled with what it writes"
    alike = [s for s in file.steps if s.item.keyword == step.item.keyword]
    source = step.item.flag("from")
    if source is not None and any(s.item.flag("from") is not None for s in alike):
        return f"{file.path} has no such step, or copies from a stage that is made otherwise"
    return f"{file.path} has no such step"


def _remedy(step: Step, owner: InputFile, file: InputFile) -> str:
    """What to change so that two files agree about a step that one of them lacks."""
    build = next(s for s in reversed(file.steps) if s.role is Role.BUILD)
    line = file.graph.tree.source.place(build.item.code).position.line
    add = f"Add it to {file.path} before its build at line {line}"
    if step.role in (Role.BUILD, Role.COOK):
        both = f"{owner.path} and {file.path}"
        return f"Compile dependencies ahead of the sources in both {both}, or in neither."
    if step.item.flag("from") is not None:
        return f"{add}, or move it to the image of {owner.path} if no crate reads what it copies."
    if written(step):
        return f"Write the same stand-ins in {owner.path} and {file.path}, or copy the sources."
    if step.copy is not None and _is_manifest(step):
        return (
            f"Bring the sources in the same steps in {owner.path} and {file.path}: manifests and "
            "stand-ins first, everything at once, or `cargo chef`, which does the first for both."
        )
    if step.item.keyword == "COPY":
        return f"{add}, or copy it in {owner.path} where {file.path} copies it."
    if step.item.keyword == "RUN" and _tests(step):
        return (
            f"Move the check, and the ARG that it reads, behind `cargo build` in {owner.path}, or "
            "into the image's own stage."
        )
    return f"{add}, or do without it in {owner.path}."


def _is_manifest(step: Step) -> bool:
    sources = step.copy.sources if step.copy is not None else ()
    return any(posixpath.basename(source) == "Cargo.toml" for source in sources)


def _tests(step: Step) -> bool:
    """Whether a RUN does nothing but look whether something is given or there."""
    found = [posixpath.basename(command.name) for command in commands(step.script)]
    return bool({"test", "["} & {*found}) and {*found} <= _TESTING


def _builds(step: Step | None) -> bool:
    return step is not None and step.role is Role.BUILD
