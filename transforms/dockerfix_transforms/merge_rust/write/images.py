"""One block a binary: the images of a file, and the stages that they alone need.

Their instructions stand as they stood; steps that the file has for itself come between the
shared builder and the image. Knows one file at a time and the names of the shared stages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dockerfix.api import Stage
from dockerfix_transforms.merge_rust.group.group import Group, Member, grown_below
from dockerfix_transforms.merge_rust.read.input_file import InputFile, Leaf
from dockerfix_transforms.merge_rust.write.comments import free_comments, heading_lines
from dockerfix_transforms.merge_rust.write.names import StageNames
from dockerfix_transforms.merge_rust.write.pieces import body_pieces, from_piece, step_piece
from dockerfix_transforms.merge_rust.write.plan import Alias, Block, MergedStage


def block(names: StageNames, files: Sequence[InputFile], file: InputFile) -> Block:
    """The stages that are the file's own; `files` are all files of the merge."""
    stages: list[MergedStage | Alias] = []
    targets: dict[int, str] = {}
    unasked: list[tuple[Stage, str]] = []
    for leaf in file.leaves:
        idle = not leaf.live and not _needed(file, leaf.stage)
        if idle and leaf.stage.name is None:
            continue  # nobody can ask for it
        shared = names.known(file, leaf.stage)
        if shared is not None and not leaf.live:
            continue
        name = _leaf_name(names, files, file, leaf)
        unasked += [(leaf.stage, name)] if idle else []
        if shared is not None:
            stages.append(Alias(name, shared))
        else:
            names.give(file, leaf.stage, name)
            stages += image_stages(names, *names.place(file), leaf.stage, name)
        if leaf.live:
            targets[leaf.stage.index] = name
    for stage in file.live_chain:
        name = _chain_target(file, stage)
        if names.is_free(name):
            names.take(name)
            stages.append(Alias(name, names.of(file, stage) or ""))
        targets[stage.index] = name
    common = heading_lines(files)
    head = tuple(line for line in free_comments(file) if line not in common)
    return Block(file, tuple(stages), targets, head, tuple(unasked))


def _chain_target(file: InputFile, stage: Stage) -> str:
    """The name of a stage of the build chain that call sites ask for."""
    single = len(file.targets) == 1
    return file.binary if single else f"{file.binary}-{stage.name or 'builder'}"


def _needed(file: InputFile, stage: Stage) -> bool:
    """Whether an image that call sites ask for is made with the stage."""
    return any(
        stage.index == other.index for target in file.targets for other in file.graph.needs(target)
    )


def _leaf_name(names: StageNames, files: Sequence[InputFile], file: InputFile, leaf: Leaf) -> str:
    """The file's only target goes by the binary's name; others keep a name that tells them
    apart, else the binary's name comes before it."""
    old = leaf.stage.name
    if leaf.live and len(file.targets) == 1:
        name = file.binary
    elif old is not None and _tells_apart(names, files, file, old, leaf.live):
        name = old
    else:
        rest = "runtime" if leaf.live else f"stage-{leaf.stage.index}"
        name = f"{file.binary}-{old or rest}"
    return names.claim(name, lambda taken: f"{taken}-image")


def _tells_apart(
    names: StageNames, files: Sequence[InputFile], file: InputFile, name: str, live: bool
) -> bool:
    """Whether a stage's old name stands in this file alone, and that of an image speaks of
    what it ships: then call sites that name it need no change."""
    named = [other for other in files for stage in other.graph.stages if stage.name == name]
    words, binary = set(re.split(r"[-_]", name)), set(re.split(r"[-_]", file.binary))
    speaks = not live or bool(words & binary)
    return len(named) == 1 and speaks and names.is_free(name)


def image_stages(
    names: StageNames, group: Group, member: Member, stage: Stage, name: str
) -> Iterator[MergedStage]:
    """A stage outside of the chain under its new name, behind those that it alone stands on."""
    file = member.file
    base = file.graph.base(stage)
    if base is None or not file.in_chain(base):
        yield _renamed(names, file, stage, names.of(file, base), name)
        return
    count = file.end_of(base)
    if member.own_before(count):
        yield _on_own_steps(names, group, member, stage, name, count)
        return
    below = names.of(file, base)
    if grown_below(group, member, count):
        for lower in file.graph.chain(base):
            yield from _own_base(names, file, lower)
        below = names.own_bases[file.path, base.index]
    yield _renamed(names, file, stage, below, name)


def _renamed(
    names: StageNames, file: InputFile, stage: Stage, below: str | None, name: str
) -> MergedStage:
    """The whole stage as it stands, based on `below`."""
    first = from_piece(file, stage.from_, below, name)
    return MergedStage(file, name, (first, *body_pieces(names, file, stage)))


def _on_own_steps(
    names: StageNames, group: Group, member: Member, stage: Stage, name: str, count: int
) -> MergedStage:
    """An image that stands on the first `count` steps of the builder, some of which this file
    alone has: these come first, then what the builder has behind its cook, the sources above
    all."""
    file, steps = member.file, member.own_before(count)
    end = member.common_before(count)
    behind = [step for step in member.matched[group.split : end] if step is not None]
    pieces = (
        from_piece(file, stage.from_, names.for_own_steps(group, end), name),
        *(step_piece(names, file, step) for step in (*steps, *behind)),
        *body_pieces(names, file, stage),
    )
    return MergedStage(file, name, pieces, steps)


def _own_base(names: StageNames, file: InputFile, stage: Stage) -> Iterator[MergedStage]:
    """A copy of a chain stage for the images of one file: an image for run time stands on what
    the builder stands on, below any cargo, and the shared stage holds more than the file's
    own did."""
    key = (file.path, stage.index)
    if key in names.own_bases:
        return
    name = names.claim(f"{file.binary}-{stage.name or 'base'}", lambda taken: f"{taken}-own")
    base = file.graph.base(stage)
    below = names.own_bases[file.path, base.index] if base is not None else None
    names.own_bases[key] = name
    yield _renamed(names, file, stage, below, name)
