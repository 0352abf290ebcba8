"""Where a sibling is built inside the consumer's file: runs of instructions, and raw copies.

A region is a run of instructions in one stage that copies one sibling and works on it. Knows
one Dockerfile; compares with the provider's through `provider`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from dockerfix.api import Copy, Instruction, Run, Stage
from dockerfix_transforms.slim_context.consumer import Consumer, refusal


@dataclass(frozen=True, slots=True)
class Region:
    """Instructions of one stage that copy one sibling and work on it.

    `copies` take the sibling's files; `root` is the one that takes the package as a whole
    (None when only parts are copied); `runs` work on what was copied. `where` is the folder
    of the image that holds the package, `folder` the working directory there.
    """

    stage: Stage
    sibling: str
    copies: tuple[Copy, ...]
    runs: tuple[Run, ...]
    root: Copy | None
    where: str
    folder: str

    @property
    def first(self) -> Copy:
        """The first copy: what replaces the region stands in its place."""
        return self.copies[0]


def regions(consumer: Consumer) -> list[Region]:
    """All regions of a file in order. Raises `CannotSlimError` for one that mixes packages."""
    found: list[Region] = []
    for stage in consumer.graph.stages:
        found += _in_stage(consumer, stage)
    return found


def _in_stage(consumer: Consumer, stage: Stage) -> Iterator[Region]:
    items = stage.instructions
    at = 0
    while at < len(items):
        sibling = _sibling(consumer, items[at])
        if sibling is None:
            at += 1
            continue
        end = at + 1
        own_folder = at > 0 and items[at - 1].keyword == "WORKDIR"
        where = _folder_before(consumer, stage, at)
        while end < len(items) and _belongs(consumer, items[end], sibling, own_folder, where):
            end += 1
        run = items[at:end]
        yield _region(consumer, stage, sibling, run, where)
        at = end


def _sibling(consumer: Consumer, item: Instruction) -> str | None:
    """The sibling that an instruction copies from; None when it copies none."""
    packages = dict.fromkeys(source.package for source in consumer.of(item))
    others = [package for package in packages if package != consumer.folder]
    if not others:
        return None
    if len(packages) > 1:
        raise refusal(
            consumer.graph, "mixed-copy",
            f"one {item.keyword} takes files of {' and '.join(packages)}",
            "write one instruction for each package", item.code,
        )  # fmt: skip
    return others[0]


def _belongs(
    consumer: Consumer, item: Instruction, sibling: str, own_folder: bool, where: str
) -> bool:
    """Whether an instruction works on the sibling that was copied before it."""
    if isinstance(item, Copy):
        return item.from_ is None and _sibling(consumer, item) == sibling
    if isinstance(item, Run):
        return own_folder or _enters(item, where)
    return False


def _enters(item: Run, where: str) -> bool:
    """Whether a RUN begins with `cd` to an absolute folder that is not the stage's own."""
    words = item.arguments.split()
    return len(words) > 3 and words[0] == "cd" and posixpath.isabs(words[1]) and words[1] != where


def _folder_before(consumer: Consumer, stage: Stage, count: int) -> str:
    """The working directory before the stage's instruction of that number, as an absolute
    path; `/` where a base image decides it."""
    folder = "/"
    for part in consumer.graph.chain(stage):
        items = part.instructions[:count] if part.index == stage.index else part.instructions
        for item in items:
            if item.keyword == "WORKDIR" and item.words:
                folder = posixpath.normpath(posixpath.join(folder, item.words[0].value))
    return folder


def _region(
    consumer: Consumer,
    stage: Stage,
    sibling: str,
    items: tuple[Instruction, ...],
    folder: str,
) -> Region:
    copies = tuple(item for item in items if isinstance(item, Copy))
    runs = tuple(item for item in items if isinstance(item, Run))
    whole = [c for c in copies if [s.path for s in consumer.of(c)] == [sibling]]
    root = whole[-1] if whole else None
    if runs and root is None:
        raise refusal(
            consumer.graph, "partial-build", f"{sibling} is built here from a part of its files",
            "copy the package as a whole before its steps", copies[0].code,
        )  # fmt: skip
    destination = (root or copies[0]).destination
    text = destination.value if destination is not None else "."
    where = posixpath.normpath(posixpath.join(folder, text))
    return Region(stage, sibling, copies, runs, root, where, folder)
