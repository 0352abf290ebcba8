"""The one chain of steps that serves several files, and what each file keeps for itself.

Two ways lead to it. Where some files have steps that only their own images need (a development
image's tools), these stay out of the builder and stand on the cook: then the common steps are the
longest common subsequence. Else all steps of all files are laid over each other in one builder.
Knows steps; knows nothing of what the compiler gets.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockerfix_transforms.merge_rust.group.align import lay_over
from dockerfix_transforms.merge_rust.group.group import Group, Member
from dockerfix_transforms.merge_rust.group.own_steps import with_own_steps
from dockerfix_transforms.merge_rust.group.slots import Obstacle, representative
from dockerfix_transforms.merge_rust.group.stand_ins import with_one_set
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import Role, Step, packages_of


def aligned(files: Sequence[InputFile], accepted: frozenset[str]) -> Group | Obstacle:
    """The group of these files when their chains can be laid over each other, else what stands
    in the way. Steps that only one file has stay out of the shared builder where that file has
    an image of its own for them; a file alone keeps all of its own."""
    if len(files) == 1:
        steps = tuple(files[0].steps)
        return Group((Member(files[0], steps, ()),), steps)
    files = with_one_set(files)
    found = with_own_steps(files, accepted)
    if found is None:
        slots = lay_over(files, files[0].is_folder)
        if isinstance(slots, Obstacle):
            return slots
        rows = enumerate(files)
        members = [Member(file, tuple(slot[n] for slot in slots), ()) for n, file in rows]
        found = members, [representative(slot) for slot in slots]
    members, common = found
    fullest = (_fullest(_own(step, n, members), n, members) for n, step in enumerate(common))
    return Group(tuple(members), tuple(fullest))


def _own(step: Step, index: int, members: Sequence[Member]) -> Step:
    """The common step as the file has it whose bytes it is: stand-ins for sources may be those
    of another file."""
    for member in members:
        mine = member.matched[index]
        if mine is not None and mine.item.source is member.file.graph.tree.source:
            return mine
    return step


def _fullest(step: Step, index: int, members: Sequence[Member]) -> Step:
    """The package list that holds all others', to be taken verbatim; else the step itself."""
    if step.role is not Role.PACKAGES:
        return step
    lists = [found for m in members if (found := m.matched[index]) is not None]
    everything = frozenset().union(*map(packages_of, lists))
    full = [found for found in lists if packages_of(found) == everything]
    return step if any(found is step for found in full) else next(iter(full), step)
