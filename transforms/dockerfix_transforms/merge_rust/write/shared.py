"""The stages that the files of one group share: its build chain and its planner.

They are written from the bytes of the group's leader; lines and comments of the other members
are worked in. Knows one group at a time, and which of its stages a host stands for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dockerfix.api import Place, Stage
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import Role, Step
from dockerfix_transforms.merge_rust.write.comments import free_comments, loose_comments
from dockerfix_transforms.merge_rust.write.feeders import feeders
from dockerfix_transforms.merge_rust.write.guests import Host
from dockerfix_transforms.merge_rust.write.line import Line
from dockerfix_transforms.merge_rust.write.mounts import united_ids
from dockerfix_transforms.merge_rust.write.names import StageNames
from dockerfix_transforms.merge_rust.write.pieces import (
    from_piece,
    line_notes,
    own_comments,
    step_piece,
)
from dockerfix_transforms.merge_rust.write.plan import MergedStage
from dockerfix_transforms.merge_rust.write.widen import prepared, widened
from dockerfix_transforms.merge_rust.write.wording import said, united_lines


def shared_stages(
    names: StageNames, group: Group, hosts: Mapping[int, Host], main: bool, cooked: Sequence[Group]
) -> Iterator[MergedStage]:
    """The group's stages in the order of the leader. `main` says that it is the first group,
    which keeps the old names, `cooked` are other groups that stand on its cook; raises
    `CannotJoinError`."""
    leader = group.leader.file
    planner = [leader.planner] if leader.planner is not None else []
    for stage in sorted([*leader.chain, *planner], key=lambda stage: stage.index):
        host = hosts.get(stage.index)
        if host is not None and not host.extra:
            names.give_shared(group, stage, host.name)
        elif stage in planner:
            yield _planner(names, group, stage, main)
        else:
            yield from _chain_stage(names, group, stage, main, host, cooked)


def _claimed(names: StageNames, group: Group, name: str, main: bool) -> str:
    """A free name for a stage of the group; the leader's binary tells it from the first
    group's."""
    binary = group.leader.file.binary
    wanted = name if main else f"{binary}-{name}"
    return names.claim(wanted, lambda taken: f"{binary}-{taken}")


def _planner(names: StageNames, group: Group, stage: Stage, main: bool) -> MergedStage:
    """The stage that prepares the recipe, for all members."""
    leader = group.leader.file
    name = _claimed(names, group, stage.name or "planner", main)
    pieces = [from_piece(leader, stage.from_, names.of(leader, leader.graph.base(stage)), name)]
    notes: list[tuple[Place, str]] = []
    for number, step in enumerate(leader.planner_steps):
        others = [
            (member.file, member.file.planner_steps[number])
            for member in group.members
            if [s.key for s in member.file.planner_steps[number : number + 1]] == [step.key]
        ]
        line = prepared(step, others)
        above = leader.graph.tree.newline.bytes.decode() if _after_blank(step) else ""
        pieces.append(step_piece(names, leader, step, line, above))
        notes += line_notes(step, line)
    names.give_shared(group, stage, name)
    return MergedStage(leader, name, tuple(pieces), notes=tuple(notes))


def _chain_stage(
    names: StageNames,
    group: Group,
    stage: Stage,
    main: bool,
    host: Host | None,
    cooked: Sequence[Group],
) -> Iterator[MergedStage]:
    """One stage of the chain, behind those that it copies from. The one that copies the sources
    is split when a file has steps of its own, so that these can stand between the cook and the
    sources: on top of the sources they would run again at every change of one. It is split too
    where another builder stands on the cook."""
    leader = group.leader.file
    name = _claimed(names, group, stage.name or "builder", main)
    below = names.of(leader, leader.graph.base(stage)) if host is None else host.name
    extra = {id(step) for step in host.extra} if host is not None else None
    indexes = [
        n
        for n, step in enumerate(group.common)
        if group.home(n) == stage.index and (extra is None or id(step) in extra)
    ]
    yield from feeders(names, group, indexes)
    head = head_comments(group, stage)
    cooks = bool(cooked) and any(group.common[n].role is Role.COOK for n in indexes)
    if not (group.has_own or cooks) or group.split not in indexes:
        yield stage_of_steps(names, group, stage, below, name, indexes, head, cooked)
    elif indexes[0] == group.split:
        names.below_own_steps[leader.path] = below or ""
        yield stage_of_steps(names, group, stage, below, name, indexes, head, cooked)
    else:
        cook = _cook_name(names, group, main)
        before = [n for n in indexes if n < group.split]
        yield stage_of_steps(names, group, stage, below, cook, before, head, cooked)
        names.below_own_steps[leader.path] = cook
        yield stage_of_steps(names, group, stage, cook, name, indexes[len(before) :], None)
    names.give_shared(group, stage, name)


def _cook_name(names: StageNames, group: Group, main: bool) -> str:
    cooks = any(step.role is Role.COOK for step in group.common)
    name = "cook" if cooks else "toolchain"
    wanted = name if main else f"{group.leader.file.binary}-{name}"
    return names.claim(wanted, lambda taken: f"{taken}-stage")


def stage_of_steps(
    names: StageNames,
    group: Group,
    stage: Stage,
    below: str | None,
    name: str,
    indexes: Sequence[int],
    head: str | None,
    cooked: Sequence[Group] = (),
) -> MergedStage:
    """A stage with the group's common steps of these indexes, below the comments `head`; None
    for the second half of a stage. What stood in the middle of one follows its FROM without a
    blank line."""
    leader = group.leader.file
    newline = leader.graph.tree.newline.bytes.decode()
    pieces = [from_piece(leader, stage.from_, below, name, head or "")]
    notes: list[tuple[Place, str]] = []
    for index in indexes:
        step = group.common[index]
        owner = group.owner(step)
        beside = [(g.leader.file, s) for g in cooked for s in g.common if s.key == step.key]
        line = widened(group, index, beside)
        follows = len(pieces) > 1 or step.item is step.stage.instructions[0]
        gap = newline if follows and _after_blank(step) else ""
        above = gap + loose_comments(owner, step.item)
        pieces.append(step_piece(names, owner, step, line, above))
        alike = [step, *(more for _, more in line.more)]
        for file, more in line.more:
            ids = list(united_ids(more, alike))
            pieces.append(step_piece(names, file, more, Line(edits=ids)))
        notes += line_notes(step, line)
    return MergedStage(leader, name, tuple(pieces), notes=tuple(notes))


def _after_blank(step: Step) -> bool:
    """Whether a blank line stands above the instruction and its comments."""
    source = step.item.source
    start = step.item.owned.start
    return start > 0 and not source.slice(source.line_of(start - 1)).strip()


# The comments above a shared stage.


def head_comments(group: Group, stage: Stage) -> str:
    """What stands above the FROM line: the leader's comments, and what the other members say
    there and the leader does not."""
    leader = group.leader.file
    loose = loose_comments(leader, stage.from_)
    if len(group.members) == 1:
        return loose + own_comments(leader, stage.from_)
    heads = _is_head(leader, stage)
    mine = _common_head(group, stage) if heads else _united_head(group, stage)
    return loose + mine + _foreign_comments(group, stage)


def _united_head(group: Group, stage: Stage) -> str:
    """The leader's comments, with the names that the others have in their place."""
    text = own_comments(group.leader.file, stage.from_)
    mine = [comment.text for comment in stage.from_.comments]
    others = [[c.text for c in other.from_.comments] for _, other in _twins(group, stage)]
    for old, new in zip(mine, united_lines(mine, others), strict=True):
        text = text.replace(old, new, 1)
    return text


def _common_head(group: Group, stage: Stage) -> str:
    """The comments above the first line of every file: what only one says is about that
    file, and stands above its own image."""
    newline = group.leader.file.graph.tree.newline.bytes.decode()
    heads = [
        {comment.text for comment in member.file.graph.tree.instructions[0].comments}
        for member in group.members
    ]
    kept = [c.text for c in stage.from_.comments if all(c.text in head for head in heads)]
    says = any(char.isalnum() for text in kept for char in text)
    return "".join(f"{text}{newline}" for text in kept) if says else ""


def _foreign_comments(group: Group, stage: Stage) -> str:
    """What other members say above their stages that end where this one ends, and the leader
    does not."""
    newline = group.leader.file.graph.tree.newline.bytes.decode()
    known = [_united_head(group, stage)]
    lines = []
    for file, other in _twins(group, stage):
        for comment in other.from_.comments:
            if not any(said(comment.text, text) for text in known):
                known.append(comment.text)
                text = comment.text.lstrip("#").strip()
                lines.append(f"# {text} ({file.binary}){newline}")
    return "".join(lines)


def _twins(group: Group, stage: Stage) -> Iterator[tuple[InputFile, Stage]]:
    """The other members' stages that end where a stage of the leader ends."""
    leader = group.leader
    end = leader.common_before(leader.file.end_of(stage))
    for member in group.members[1:]:
        for other in _inner_stages(member.file):
            if member.common_before(member.file.end_of(other)) == end:
                yield member.file, other


def _inner_stages(file: InputFile) -> list[Stage]:
    """The chain without a first line whose comments are about the file."""
    return [stage for stage in file.chain if not _is_head(file, stage)]


def _is_head(file: InputFile, stage: Stage) -> bool:
    """Whether what stands above a FROM line is about the file: it is the first one, and no
    other comments stand above it."""
    return stage.from_ is file.graph.tree.instructions[0] and not free_comments(file)
