"""The layout of the merged file: what all builders begin with, then a builder and images a file.

The builder that serves several files stands with the shared stages; one that serves a single file
stands above its images. Every instruction is a slice of the file it came from. Knows groups;
knows no call sites.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from dockerfix.api import Stage
from dockerfix_transforms.merge_go.group import Grouping
from dockerfix_transforms.merge_go.read import InputFile
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.write.layout import Merged, laid_out, with_blocks
from dockerfix_transforms.merge_rust.write.names import StageNames
from dockerfix_transforms.merge_rust.write.plan import Block, MergedStage
from dockerfix_transforms.merge_rust.write.shared import head_comments, stage_of_steps


def merged_file(grouping: Grouping, files: Sequence[InputFile]) -> Merged:
    """The merged file; `files` gives the order of the blocks."""
    groups = grouping.groups
    names = StageNames(groups)
    shared = list(_below(names, grouping.below))
    under = shared[-1].name if shared else None
    own: dict[str, list[MergedStage]] = {}
    for group in groups:
        stages = list(_builder(names, group, len(grouping.below.common), under))
        if len(group.members) > 1:
            shared += stages
        else:
            own[group.leader.file.path] = stages
    guests = groups[1:]
    plan = with_blocks(names, files, shared, ((), guests, guests))
    blocks, last = (
        tuple(_with_builder(block, own.get(block.file.path, ())) for block in part)
        for part in (plan.blocks, plan.last)
    )
    return laid_out(replace(plan, blocks=blocks, last=last), files)


def _with_builder(block: Block, stages: Sequence[MergedStage]) -> Block:
    return replace(block, stages=(*stages, *block.stages))


def _first(file: InputFile, stage: Stage) -> int:
    """How many steps of the chain come before those of a stage."""
    return file.end_of(stage) - len(stage.instructions)


def _below(names: StageNames, below: Group) -> Iterator[MergedStage]:
    """The stages that all files begin with. The last of them may be the beginning only of a
    stage of the files, and then has a name of its own."""
    leader = below.leader.file
    under: str | None = None
    for stage in leader.chain:
        indexes = [n for n, step in enumerate(below.common) if step.stage.index == stage.index]
        whole = len(indexes) == len(stage.instructions)
        name = stage.name if whole and stage.name else _what_is_there(below)
        name = names.claim(name, lambda taken: f"shared-{taken}")
        yield stage_of_steps(names, below, stage, under, name, indexes, head_comments(below, stage))
        if whole:
            names.give_shared(below, stage, name)
        under = name


def _what_is_there(below: Group) -> str:
    """What the shared beginning of the builders holds."""
    whole = any(step.copy is not None and step.copy.sources == (".",) for step in below.common)
    return "sources" if whole else "modules"


def _builder(
    names: StageNames, group: Group, count: int, under: str | None
) -> Iterator[MergedStage]:
    """The stages of a group above the first `count` steps, which stand in the stage `under`."""
    leader, several = group.leader.file, len(group.members) > 1
    for level, stage in enumerate(leader.chain):
        first, end = _first(leader, stage), leader.end_of(stage)
        if first < count and end <= count:
            continue
        last = level == len(leader.chain) - 1
        indexes = range(max(first, count), len(group.common) if last else end)
        old = stage.name or "builder"
        name = old if several or not count else f"{leader.binary}-{old}"
        name = names.claim(name, lambda taken: f"{leader.binary}-{taken}")
        head = head_comments(group, stage) if first >= count else None
        yield stage_of_steps(names, group, stage, under, name, indexes, head)
        for member in group.members:
            names.give(member.file, member.file.chain[level], name)
        under = name
