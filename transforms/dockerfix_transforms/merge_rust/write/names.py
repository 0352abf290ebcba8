"""The names of stages in the merged file: which stage an input's stage has become.

Knows groups and stages; knows nothing of text. Names are claimed in the order of the merged file,
since an instruction may name only a stage above it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dockerfix.api import Stage
from dockerfix_transforms.merge_rust.group.group import Group, Member
from dockerfix_transforms.merge_rust.read.input_file import InputFile


class StageNames:
    """The names given so far."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._names: dict[tuple[str, int], str] = {}
        self._taken: set[str] = set()
        self._places = {
            member.file.path: (group, member) for group in groups for member in group.members
        }
        self.below_own_steps: dict[str, str] = {}
        """For the path of a group's leader, the stage on which members' own steps stand: the
        cook, or what the stage with the sources is based on ("" for a base image)."""
        self.fed: dict[str, str] = {}
        """For all that makes a stage beside the chain (`words_of`), its name."""
        self.own_bases: dict[tuple[str, int], str] = {}
        """For a file's path and the index of a chain stage, the copy of that stage which the
        file keeps for itself."""

    def is_free(self, name: str) -> bool:
        """Whether no stage has the name; BuildKit compares names without regard to case."""
        return name.lower() not in self._taken

    def take(self, name: str) -> None:
        """No other stage may have the name from here on."""
        self._taken.add(name.lower())

    def claim(self, name: str, otherwise: Callable[[str], str]) -> str:
        """The name, or while it is taken what `otherwise` makes of it."""
        while not self.is_free(name):
            name = otherwise(name)
        self.take(name)
        return name

    def place(self, file: InputFile) -> tuple[Group, Member]:
        """The group that a file belongs to, and the file as its member."""
        return self._places[file.path]

    def known(self, file: InputFile, stage: Stage) -> str | None:
        """The name that was given to exactly this stage."""
        return self._names.get((file.path, stage.index))

    def give(self, file: InputFile, stage: Stage, name: str) -> None:
        """The stage goes by `name` from here on."""
        self._names[file.path, stage.index] = name

    def give_shared(self, group: Group, stage: Stage, name: str) -> None:
        """All members' stages that end where this stage of the leader ends go by `name`."""
        leader, planner = group.leader, group.leader.file.planner
        if planner is not None and stage.index == planner.index:
            for member in group.members:
                if member.file.planner is not None:
                    self.give(member.file, member.file.planner, name)
            return
        end = leader.common_before(leader.file.end_of(stage))
        for member in group.members:
            for other in member.file.chain:
                if member.common_before(member.file.end_of(other)) == end:
                    self.give(member.file, other, name)

    def of(self, file: InputFile, stage: Stage | None) -> str | None:
        """The name of a stage; for a chain stage that has none that of the next shared stage
        which holds at least as much. None for what is no stage, or has no name yet."""
        if stage is None:
            return None
        name = self.known(file, stage)
        if name is not None or not file.in_chain(stage):
            return name
        group, member = self.place(file)
        leader, end = group.leader, member.common_before(file.end_of(stage))
        for other in leader.file.chain:
            if leader.common_before(leader.file.end_of(other)) >= end:
                name = self.known(leader.file, other)
                if name is not None:
                    return name
        # What only this file does at the end is part of the last shared stage.
        return self.known(leader.file, leader.file.chain[-1])

    def for_own_steps(self, group: Group, end: int) -> str:
        """The stage on which a file's own steps stand when the first `end` common steps belong
        below its image: the cook, or what ends before it."""
        leader = group.leader
        if end >= group.split:
            below = self.below_own_steps.get(leader.file.path)
            if below:
                return below
        for stage in reversed(leader.file.chain):
            if leader.common_before(leader.file.end_of(stage)) <= min(end, group.split):
                return self._names[leader.file.path, stage.index]
        return leader.file.graph.image(leader.file.chain[0])
