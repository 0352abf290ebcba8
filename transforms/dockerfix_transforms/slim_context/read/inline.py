"""Where a sibling is built inside the consumer's file: runs of instructions, and raw copies.

A region is a run of instructions in one stage that copies one sibling and works on it. Knows
one Dockerfile; compares with the provider's through `provider`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from msgspec import Struct

from dockerfix.api import At, Copy, Instruction, Snapshot, Stage, walk
from dockerfix_transforms.slim_context.read.consumer import Consumer
from dockerfix_transforms.slim_context.read.landing import landing, seen_from
from dockerfix_transforms.slim_context.read.sources import Source
from dockerfix_transforms.slim_context.read.steps import Step, step_of

_PASSING = frozenset({"RUN", "ENV", "ARG", "LABEL", "USER"})
"""Instructions that may stand between those that work on a sibling; none of them ends it."""


class Region(Struct, frozen=True):
    """Instructions of one stage that copy one sibling and work on it.

    `copies` take the sibling's files and `steps` are the RUNs behind them. `where` is the
    folder of the image that holds the package; None when the copies agree on none. `root` is
    the copy that takes the package as a whole (None when only parts are copied), `covered`
    are the copies of what a copy of the whole package to `where` gives too. `folder` is the
    working directory of the first copy. A `split` region is a part of one COPY that takes
    files of other packages as well.
    """

    stage: Stage
    sibling: str
    copies: tuple[Copy, ...]
    steps: tuple[Step, ...]
    where: str | None
    root: Copy | None
    covered: tuple[Copy, ...]
    folder: str
    split: bool = False

    @property
    def first(self) -> Copy:
        """The first copy: what replaces the region stands in its place."""
        return self.copies[0]

    @property
    def elsewhere(self) -> tuple[Copy, ...]:
        """The copies that stay copies of their own when the package comes as a whole."""
        return tuple(item for item in self.copies if item not in self.covered)


def regions(consumer: Consumer, snapshot: Snapshot) -> list[Region]:
    """All regions of a file in order."""
    return [r for stage in consumer.graph.stages for r in _Stage(consumer, snapshot, stage).all()]


class _Stage:
    """The regions of one stage. Private to `regions`."""

    def __init__(self, consumer: Consumer, snapshot: Snapshot, stage: Stage) -> None:
        self.consumer = consumer
        self.snapshot = snapshot
        self.stage = stage
        chain = walk(consumer.graph, stage)
        self.items = [at for at in chain if at.stage is stage]

    def all(self) -> Iterator[Region]:
        """The regions in order."""
        number = 0
        while number < len(self.items):
            siblings = self.siblings(self.items[number].item)
            if not siblings:
                number += 1
            elif self.is_mixed(self.items[number].item):
                for sibling in siblings:
                    yield self.region(sibling, self.items[number : number + 1], split=True)
                number += 1
            else:
                end = self.end(number, siblings[0])
                yield self.region(siblings[0], self.items[number:end])
                number = end

    def siblings(self, item: Instruction) -> list[str]:
        """The siblings that an instruction copies from."""
        packages = dict.fromkeys(source.package for source in self.consumer.of(item))
        return [package for package in packages if package != self.consumer.folder]

    def is_mixed(self, item: Instruction) -> bool:
        """Whether an instruction takes files of several packages."""
        return len({source.package for source in self.consumer.of(item)}) > 1

    def end(self, number: int, sibling: str) -> int:
        """Where the region that begins at an item ends."""
        places = [self.place(self.items[number])]
        end = number + 1
        while end < len(self.items) and self.belongs(self.items[end], sibling, places):
            if isinstance(self.items[end].item, Copy):
                places.append(self.place(self.items[end]))
            end += 1
        return end

    def belongs(self, at: At, sibling: str, places: Sequence[str]) -> bool:
        """Whether an instruction works on the sibling that was copied to `places` before it,
        or passes by."""
        item = at.item
        if isinstance(item, Copy):
            own = self.siblings(item) == [sibling] and not self.is_mixed(item)
            return item.from_ is None and own
        if item.keyword == "WORKDIR" and item.words:
            folder = posixpath.normpath(posixpath.join(at.folder, item.words[0].value))
            return any(folder == p or folder.startswith(f"{p}/") for p in places)
        return item.keyword in _PASSING

    def place(self, at: At) -> str:
        """The destination of a COPY as an absolute path."""
        item = at.item
        destination = item.destination if isinstance(item, Copy) else None
        text = destination.value if destination is not None else "."
        return posixpath.normpath(posixpath.join(at.folder, text))

    def region(self, sibling: str, items: Sequence[At], split: bool = False) -> Region:
        """The region of a run of instructions."""
        copies = [at for at in items if isinstance(at.item, Copy)]
        seen = {id(at.item): self.seen(at, sibling) for at in copies}
        whole = [at.item for at in copies if self.paths(at.item, sibling) == [sibling]]
        root = whole[-1] if whole else None
        first = copies[0].item
        where = seen[id(root or first)]
        covered = [at.item for at in copies if where is not None and seen[id(at.item)] == where]
        return Region(
            self.stage,
            sibling,
            tuple(at.item for at in copies if isinstance(at.item, Copy)),
            tuple(step for at in items if (step := step_of(at)) is not None),
            where,
            root if isinstance(root, Copy) else None,
            tuple(item for item in covered if isinstance(item, Copy)),
            copies[0].folder,
            split,
        )

    def sources(self, item: Instruction, sibling: str) -> list[Source]:
        """What an instruction takes of one sibling."""
        return [s for s in self.consumer.of(item) if s.package == sibling]

    def paths(self, item: Instruction, sibling: str) -> list[str]:
        """The same as paths."""
        return [source.path for source in self.sources(item, sibling)]

    def seen(self, at: At, sibling: str) -> str | None:
        """The folder that holds the package, as one copy places its files; None for a copy
        whose sources disagree, or that gives a part another name."""
        item = at.item
        if not isinstance(item, Copy):
            return None
        found = {
            seen_from(landing(self.snapshot, item, source.path, at.folder), source.inner)
            for source in self.sources(item, sibling)
        }
        return found.pop() if len(found) == 1 else None
