"""Laying the build chains of several files over each other, step by step.

The merged chain is a list of slots; a slot holds, for each file, the step of that file that it
stands for, or nothing. Files are laid over the slots one by one: steps that mean the same (equal
keys) share a slot. The longest common subsequence finds those in the same order; what is left and
equal is matched out of order. A step that only some files have gets a slot above the next one
that its file shares. Whether every file bears the order that came of it is checked afterwards.

Knows steps; knows nothing of bytes to write.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from dockerfix.api import IsFolder, common_subsequence
from dockerfix_transforms.merge_rust.group.check import first_obstacle
from dockerfix_transforms.merge_rust.group.slots import Obstacle, Slot, representative
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import Role, Step

_WEIGHTS = {Role.BUILD: 100, Role.COOK: 100, Role.SOURCES: 30, Role.RECIPE: 30, Role.PREPARE: 30}
"""A match of these is worth more than many matches of other steps: a chain that compiles twice
serves nobody, and a COPY on the wrong side of a cook undoes what it is for."""


def lay_over(files: Sequence[InputFile], is_folder: IsFolder) -> list[Slot] | Obstacle:
    """The slots of these files' chains, or what stands in the way."""
    slots: list[Slot] = [[step] for step in files[0].steps]
    if len(files) == 1:
        return slots
    for number, file in enumerate(files[1:], 1):
        slots = _laid(slots, number, file.steps)
    return first_obstacle(slots, files, is_folder) or slots


def _laid(slots: Sequence[Slot], number: int, steps: Sequence[Step]) -> list[Slot]:
    """The slots with one more file's steps in them."""
    in_order = _in_order(slots, steps)
    matched = in_order | _out_of_order(slots, steps, in_order)
    above: dict[int, list[Slot]] = {}
    lifted: set[int] = set()
    for index, step in enumerate(steps):
        # Only matches in order say where a step belongs: they stand in the same order here.
        below = min((n for i, n in in_order.items() if i > index), default=len(slots))
        if index not in matched:
            above.setdefault(below, []).append([None] * number + [step])
        elif index not in in_order and _earlier(step, below, matched[index]):
            above.setdefault(below, []).append([*slots[matched[index]], step])
            lifted.add(matched[index])
    return list(_woven(slots, above, {n: steps[i] for i, n in matched.items()}, lifted))


def _in_order(slots: Sequence[Slot], steps: Sequence[Step]) -> dict[int, int]:
    """For the indexes of steps, the slots that mean the same, both in the same order."""
    keys = [representative(slot).key for slot in slots]

    def weight(n: int, index: int) -> int:
        return _WEIGHTS.get(steps[index].role, 1) if keys[n] == steps[index].key else 0

    return {index: n for n, index in common_subsequence(len(slots), len(steps), weight)}


def _out_of_order(
    slots: Sequence[Slot], steps: Sequence[Step], in_order: Mapping[int, int]
) -> dict[int, int]:
    """Equal steps and slots that are left, the first with the first. Whether the file bears the
    other order is for the check to say."""
    free = [n for n in range(len(slots)) if n not in in_order.values()]
    found: dict[int, int] = {}
    for index, step in enumerate(steps):
        if index not in in_order:
            twin = next((n for n in free if representative(slots[n]).key == step.key), None)
            if twin is not None:
                found[index] = twin
                free.remove(twin)
    return found


def _earlier(step: Step, below: int, twin: int) -> bool:
    """Whether a step that is matched out of order must pull its slot up: packages stand where
    the first file that needs them has them."""
    return step.role is Role.PACKAGES and below <= twin


def _woven(
    slots: Sequence[Slot],
    above: Mapping[int, Sequence[Slot]],
    matched: Mapping[int, Step],
    lifted: Collection[int],
) -> list[Slot]:
    """The old slots with their new steps, each below the new slots that belong above it."""
    found: list[Slot] = []
    for n, slot in enumerate(slots):
        found += above.get(n, ())
        if n not in lifted:
            found.append([*slot, matched.get(n)])
    return [*found, *above.get(len(slots), ())]
