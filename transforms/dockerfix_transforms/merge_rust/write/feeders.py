"""Stages beside the chain that shared steps copy from, a stage that builds a tool for example.

They stand above the stage that has these steps, once where several files have the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dockerfix.api import Place, Stage
from dockerfix_transforms.merge_rust.group.group import Group, Member
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import Role, Step, steps_of, words_of
from dockerfix_transforms.merge_rust.write.images import image_stages
from dockerfix_transforms.merge_rust.write.names import StageNames
from dockerfix_transforms.merge_rust.write.pieces import from_piece, line_notes, step_piece
from dockerfix_transforms.merge_rust.write.plan import MergedStage
from dockerfix_transforms.merge_rust.write.widen import cooked, prepared


def feeders(names: StageNames, group: Group, indexes: Iterable[int]) -> Iterator[MergedStage]:
    """The stages that the group's common steps of these indexes copy from, as far as they have
    no place in the merged file yet."""
    for index in indexes:
        for member in group.members:
            step = member.matched[index]
            for stage in _fed_by(member.file, step) if step is not None else ():
                if names.known(member.file, stage) is None:
                    yield from _feeder(names, group, member, stage)


def _fed_by(file: InputFile, step: Step) -> Iterator[Stage]:
    """The stages beside the chain that an instruction copies from, with what they need."""
    planner = file.planner.index if file.planner is not None else -1
    for reference in file.graph.references(step.stage):
        if reference.instruction is step.item and reference.stage is not None:
            for stage in file.graph.needs(reference.stage):
                if not file.in_chain(stage) and stage.index != planner:
                    yield stage


def _feeder(names: StageNames, group: Group, member: Member, stage: Stage) -> Iterator[MergedStage]:
    """The stage under its old name where that is free; nothing where an equal one has a place
    already."""
    file = member.file
    words = _words(names, file, stage)
    steps = steps_of(file.graph, stage)
    cooks = any(step.role in (Role.COOK, Role.PREPARE) for step in steps)
    key = f"{group.leader.file.path if cooks else ''}\n{words}"  # a group cooks for itself
    known = names.fed.get(key)
    if known is not None:
        names.give(file, stage, known)
        return
    old = stage.name or f"stage-{stage.index}"
    name = names.claim(old, lambda taken: f"{file.binary}-{taken}")
    names.give(file, stage, name)
    names.fed[key] = name
    if cooks:
        yield _cooking(names, group, file, stage, steps, words, name)
    else:
        yield from image_stages(names, group, member, stage, name)


def _words(names: StageNames, file: InputFile, stage: Stage) -> str:
    """All that makes a stage, in the words of the merged file: of the build chain, which all
    members share, only the name of the stage that it stands on."""
    shared = {lower.index for lower in file.chain}
    below = names.of(file, file.graph.base(stage)) or ""
    return f"{below}\n{words_of(file.graph, stage, shared - {stage.index})}"


def _cooking(
    names: StageNames,
    group: Group,
    file: InputFile,
    stage: Stage,
    steps: tuple[Step, ...],
    words: str,
    name: str,
) -> MergedStage:
    """A stage whose cook and recipe serve all files that have an equal stage."""
    twins = [
        (member.file, steps_of(member.file.graph, other))
        for member in group.members
        for other in member.file.graph.stages
        if _words(names, member.file, other) == words
    ]
    pieces = [from_piece(file, stage.from_, names.of(file, file.graph.base(stage)), name)]
    notes: list[tuple[Place, str]] = []
    for number, step in enumerate(steps):
        pairs = [(twin, step if twin is file else other[number]) for twin, other in twins]
        line = cooked(group, step, pairs) if step.role is Role.COOK else prepared(step, pairs)
        pieces.append(step_piece(names, file, step, line))
        notes += line_notes(step, line)
    return MergedStage(file, name, tuple(pieces), notes=tuple(notes))
