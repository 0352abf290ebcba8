"""The layout of the merged file: shared stages first, one block a binary, aliases last.

Makes a plan from groups and has it printed; every instruction is a slice of the file it came
from. Knows the order of the work; knows no call sites.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dockerfix.api import Arg
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.write.comments import (
    heading_lines,
    homeless_comments,
    piece_of,
    recounted,
)
from dockerfix_transforms.merge_rust.write.guests import hosts, shares_cook
from dockerfix_transforms.merge_rust.write.images import block
from dockerfix_transforms.merge_rust.write.names import StageNames
from dockerfix_transforms.merge_rust.write.plan import Alias, Block, MergedStage, Plan
from dockerfix_transforms.merge_rust.write.printer import printed
from dockerfix_transforms.merge_rust.write.runtime_bases import runtime_bases
from dockerfix_transforms.merge_rust.write.shared import shared_stages


class Merged(Struct, frozen=True):
    """The merged file: its plan, and its text."""

    plan: Plan
    text: str


def merged_file(groups: Sequence[Group], files: Sequence[InputFile]) -> Merged:
    """The merged file of all groups; `files` gives the order of the blocks.

    Raises `CannotJoinError` when lines of one group cannot become one line.
    """
    return laid_out(planned(groups, files), files)


def laid_out(plan: Plan, files: Sequence[InputFile]) -> Merged:
    """A planned file with its text."""
    newline = _newline(files)
    text = printed(plan, newline, {})
    homeless = homeless_comments(files, text)  # only the text shows what was lost
    return Merged(plan, recounted(printed(plan, newline, homeless) if homeless else text))


def planned(groups: Sequence[Group], files: Sequence[InputFile]) -> Plan:
    """The stages of the merged file. Names go to those who come first: the shared stages, the
    files' own, the aliases, and at the end what a build without a target gives."""
    names = StageNames(groups)
    shared: list[MergedStage] = []
    strangers, guests = [], []
    cooked = tuple(group for group in groups[1:] if shares_cook(groups[0], group))
    for group in groups:
        main = group is groups[0]
        serving = {} if main else hosts(names, groups[0], group)
        if serving:
            guests.append(group)
        elif not main and len(group.members) == 1:
            strangers.append(group.leader.file)
        shared += shared_stages(names, group, serving, main, cooked if main else ())
    return with_blocks(names, files, shared, (tuple(strangers), tuple(guests), cooked))


Others = tuple[tuple[InputFile, ...], tuple[Group, ...], tuple[Group, ...]]
"""The strangers, guests and cooked groups of a plan."""


def with_blocks(
    names: StageNames, files: Sequence[InputFile], shared: Sequence[MergedStage], others: Others
) -> Plan:
    """The plan of a merged file whose shared stages have their names: what each file has for
    itself, and the bare names of the binaries."""
    blocks = [block(names, files, file) for file in files if not _is_last(file)]
    aliases = _aliases(names, blocks)
    last = [block(names, files, file) for file in files if _is_last(file)]
    bases, every = runtime_bases(names, [*blocks, *last])
    blocks, last = every[: len(blocks)], every[len(blocks) :]
    stages = (*shared, *bases)
    return Plan(_head(files), stages, tuple(blocks), aliases, tuple(last), *others)


def _is_last(file: InputFile) -> bool:
    """Whether the file's only image is what a build without a target has to give."""
    return _is_plain(file) and len(file.targets) == 1


def _is_plain(file: InputFile) -> bool:
    """Whether a build of the folder without `--file` takes this file: its image stays last."""
    return file.path.rpartition("/")[2] == "Dockerfile"


def _head(files: Sequence[InputFile]) -> tuple[str, ...]:
    """Parser directives, the comments at the head of every file, and all global ARGs."""
    directives = (
        file.graph.tree.source.text(item.span).rstrip("\r\n")
        for file in files
        for item in file.graph.tree.directives
    )
    equal: dict[str, list[Arg]] = {}
    for file in files:
        for item in file.graph.tree.preamble:
            if isinstance(item, Arg) and not set(item.entries) & set(file.own_defaults):
                equal.setdefault(item.text, []).append(item)
    arguments = [piece_of(first, rest).rstrip("\r\n") for first, *rest in equal.values()]
    newline = _newline(files)
    parts = (dict.fromkeys(directives), heading_lines(files), arguments)
    return tuple(newline.join(part) for part in parts)


def _aliases(names: StageNames, blocks: Sequence[Block]) -> tuple[Alias, ...]:
    """The bare name of each file with several targets; the plain `Dockerfile`'s last, so that
    a build without a target gives what it gave."""
    found: list[tuple[bool, Alias]] = []
    for part in blocks:
        file = part.file
        if len(file.targets) > 1 and names.is_free(file.binary):
            names.take(file.binary)
            alias = Alias(file.binary, part.targets[file.graph.stages[-1].index])
            found.append((_is_plain(file), alias))
    return tuple(alias for _, alias in sorted(found, key=lambda pair: pair[0]))


def _newline(files: Sequence[InputFile]) -> str:
    return files[0].graph.tree.newline.bytes.decode()
