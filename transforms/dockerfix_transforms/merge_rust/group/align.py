"""Laying the build chains of several files over each other, step by step.

The merged chain is a list of slots; a slot holds, for each file, the step of that file that it
stands for, or nothing. Two ideas make it:

1. *Lay over.* Steps that mean the same (equal keys) share a slot. The longest common subsequence
   finds those in the same order; what is left and equal is matched out of order. A step that
   only some files have gets a slot above the next one that its file shares.
2. *Check.* Whatever order came of that, it is right exactly if for every file (a) each two of
   its steps that changed places commute, (b) each step runs in the folder that it ran in, and
   (c) each slot that it has no step in is something that its programs cannot notice, or that a
   person is told about. The check knows nothing of how the slots were found, so the search may
   be simple.

Knows steps; knows nothing of bytes to write.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from msgspec import Struct

from dockerfix.api import IsFolder, apart
from dockerfix_transforms.merge_rust.group.alone import Admission, admitted
from dockerfix_transforms.merge_rust.read.compiler import environment
from dockerfix_transforms.merge_rust.read.inputs import RustFile
from dockerfix_transforms.merge_rust.read.steps import Role, Step

Slot = list[Step | None]
"""One step of the merged chain: for each file its own step, None where it has none."""
_WEIGHTS = {Role.BUILD: 100, Role.COOK: 100, Role.SOURCES: 30, Role.RECIPE: 30, Role.PREPARE: 30}
"""A match of these is worth more than many matches of other steps."""
_METADATA = frozenset({"LABEL", "EXPOSE", "HEALTHCHECK", "CMD", "ENTRYPOINT", "STOPSIGNAL"})


class Obstacle(Struct, frozen=True):
    """Why chains cannot be laid over each other: the step that stands in the way, the file it
    belongs to, and the reason as the end of a sentence that begins with the step."""

    file: RustFile
    step: Step
    why: str


def lay_over(files: Sequence[RustFile], is_folder: IsFolder) -> list[Slot] | Obstacle:
    """The slots of these files' chains, or what stands in the way."""
    slots: list[Slot] = [[step] for step in files[0].steps]
    for number, file in enumerate(files[1:], 1):
        slots = _laid(slots, number, file.steps)
    for number, file in enumerate(files):
        found = _wrong_order(slots, number, file, is_folder) or _foreign(slots, number, files)
        if found is not None:
            return found
    return _wrong_folder(slots, files) or slots


def representative(slot: Slot) -> Step:
    """The step whose text the slot is written from: the first file's that has one."""
    return next(step for step in slot if step is not None)


# Laying one more file over the slots.


def _laid(slots: list[Slot], number: int, steps: Sequence[Step]) -> list[Slot]:
    """The slots with one more file's steps in them."""
    keys = [representative(slot).key for slot in slots]
    at = _common(keys, slots, steps)
    ordered = dict(at)
    free = [n for n in range(len(slots)) if n not in at.values()]
    for index, step in enumerate(steps):
        if index not in at:
            twin = next((n for n in free if keys[n] == step.key), None)
            if twin is not None:
                at[index] = twin
                free.remove(twin)
    above: dict[int, list[Slot]] = {}
    lifted: set[int] = set()
    for index, step in enumerate(steps):
        below = next((n for i, n in sorted(ordered.items()) if i > index), len(slots))
        if index not in at:
            above.setdefault(below, []).append([None] * number + [step])
        elif index not in ordered and _earlier(step, below, at[index]):
            above.setdefault(below, []).append([*slots[at[index]], step])
            lifted.add(at[index])
    return list(_woven(slots, above, {n: steps[i] for i, n in at.items()}, lifted))


def _earlier(step: Step, below: int, twin: int) -> bool:
    """Whether a step that is matched out of order must pull its slot up: packages stand where
    the first file that needs them has them."""
    return step.role is Role.PACKAGES and below <= twin


def _woven(
    slots: list[Slot], above: dict[int, list[Slot]], matched: dict[int, Step], lifted: set[int]
) -> list[Slot]:
    """The old slots with their new steps, each below the new slots that belong above it."""
    found: list[Slot] = []
    for n, slot in enumerate(slots):
        found += above.get(n, ())
        if n not in lifted:
            found.append([*slot, matched.get(n)])
    return [*found, *above.get(len(slots), ())]


def _common(keys: Sequence[str], slots: list[Slot], steps: Sequence[Step]) -> dict[int, int]:
    """The heaviest common subsequence: for the number of a step the number of its slot."""
    rows, columns = len(keys), len(steps)
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            best[i][j] = max(best[i + 1][j], best[i][j + 1])
            if keys[i] == steps[j].key:
                weight = _WEIGHTS.get(steps[j].role, 1)
                best[i][j] = max(best[i][j], best[i + 1][j + 1] + weight)
    found: dict[int, int] = {}
    i = j = 0
    while i < rows and j < columns:
        weight = _WEIGHTS.get(steps[j].role, 1)
        if keys[i] == steps[j].key and best[i][j] == best[i + 1][j + 1] + weight:
            found[j] = i
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found


# The check.


def _wrong_order(
    slots: list[Slot], number: int, file: RustFile, is_folder: IsFolder
) -> Obstacle | None:
    """The first two steps of a file that changed places and do not commute."""
    place = {id(slot[number]): n for n, slot in enumerate(slots) if slot[number] is not None}
    for index, first in enumerate(file.steps):
        for second in file.steps[index + 1 :]:
            swapped = place[id(second)] < place[id(first)]
            if swapped and not commute(first, second, is_folder):
                what = f"it comes after `{_short(first)}` here and before it elsewhere"
                return Obstacle(file, second, what)
    return None


def commute(first: Step, second: Step, is_folder: IsFolder) -> bool:
    """Whether `second` may come before `first`, which it follows in its file.

    Not symmetric: packages may be installed earlier than they were, never later.
    """
    one, other = first.item, second.item
    if first.copy is not None and second.copy is not None:
        return apart(first.copy, second.copy, is_folder)
    if {one.keyword, other.keyword} & _METADATA:
        return one.keyword != other.keyword
    if one.keyword == "WORKDIR" or other.keyword == "WORKDIR":
        return one.keyword != other.keyword  # the check of folders sees to the rest
    if one.keyword in ("ARG", "ENV") or other.keyword in ("ARG", "ENV"):
        return _variable_apart(first, second) and _variable_apart(second, first)
    if second.role is Role.PACKAGES:
        return first.copy is None or _beside_system(first)
    tool = Role.CHEF in (first.role, second.role) or first.role is Role.PACKAGES
    return (
        tool
        and (first.copy is not None or second.copy is not None)
        and all(step.copy is None or _beside_system(step) for step in (first, second))
    )


_SYSTEM = ("/", "/usr", "/etc", "/bin", "/lib", "/opt", "/var", "/root")


def _beside_system(step: Step) -> bool:
    """Whether a COPY brings nothing to where packages and tools are installed."""
    target = step.copy.target if step.copy is not None else "/"
    return target.startswith("/") and not any(
        target == folder or (folder != "/" and target.startswith(f"{folder}/"))
        for folder in _SYSTEM
        if not target.startswith("/usr/src")
    )


def _variable_apart(setting: Step, other: Step) -> bool:
    """Whether another step does not see the variables that an ARG or ENV sets. What a program
    reads of its environment is not written anywhere, so that an ENV keeps its place among
    RUNs."""
    names = [name for name, _ in environment(setting.item)]
    if not names:
        return True
    if other.item.keyword == "RUN" and other.role not in (Role.PACKAGES, Role.CHEF):
        return False
    return not any(name in other.item.text for name in names)


def _wrong_folder(slots: list[Slot], files: Sequence[RustFile]) -> Obstacle | None:
    """The first step that would run in another folder than it did."""
    where = ""
    for slot in slots:
        step = representative(slot)
        owner = files[next(n for n, s in enumerate(slot) if s is not None)]
        for number, mine in enumerate(slot):
            if mine is not None and mine.where != where and needs_folder(mine):
                return Obstacle(files[number], mine, f"it runs in {mine.where or 'another folder'}")
        if step.item.keyword == "WORKDIR" and step.item.words:
            where = posixpath.normpath(posixpath.join(where, step.item.words[0].value))
        del owner
    return None


def needs_folder(step: Step) -> bool:
    """Whether what a step does depends on the folder that it runs in."""
    item = step.item
    if step.copy is not None:
        return not item.words[-1].value.startswith("/")
    if item.keyword == "WORKDIR":
        return bool(item.words) and not item.words[0].value.startswith("/")
    return item.keyword == "RUN" and step.role not in (Role.PACKAGES, Role.CHEF)


def _foreign(slots: list[Slot], number: int, files: Sequence[RustFile]) -> Obstacle | None:
    """The first step of other files that this file's programs may not have before them."""
    done = max((n for n, s in enumerate(slots) if _builds(s[number])), default=-1)
    for n, slot in enumerate(slots):
        if slot[number] is None:
            step = representative(slot)
            owner = files[next(m for m, s in enumerate(slot) if s is not None)]
            if admitted(step, owner, files[number], late=n > done) is Admission.NO:
                return Obstacle(owner, step, _lacks(step, files[number]))
    return None


def _lacks(step: Step, file: RustFile) -> str:
    """Why a step of another file is in the way of this one."""
    alike = [s for s in file.steps if s.item.keyword == step.item.keyword]
    source = step.item.flag("from")
    if source is not None and any(s.item.flag("from") is not None for s in alike):
        return f"{file.path} has no such step, or copies from a stage that is made otherwise"
    return f"{file.path} has no such step"


def _builds(step: Step | None) -> bool:
    return step is not None and step.role is Role.BUILD


def _short(step: Step) -> str:
    text = " ".join(step.item.text.split())
    return text if len(text) <= 60 else f"{text[:57]}..."
