"""A builder group: the steps that its files have in common, and what each file has beside them.

Values only; how a group comes about is the business of `grouping` and `alignment`.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from dockerfix.api import Build
from dockerfix_transforms.merge_rust.group.admission import Admission, admitted
from dockerfix_transforms.merge_rust.group.reasons import Reason
from dockerfix_transforms.merge_rust.read.compiler import environment
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import Role, Step, packages_of

SHARED_ROLES = frozenset(
    {Role.CHEF, Role.PREPARE, Role.RECIPE, Role.COOK, Role.SOURCES, Role.BUILD}
)
"""What a builder is there for: such steps are never one file's own."""


class Member(Struct, frozen=True):
    """A file in a group: `matched[i]` is its step that stands for the group's common step i
    (None for a package list that it lacks), `own` its steps that no other file has, `dropped`
    those that set what was accepted to change and have no target of their own to stand in."""

    file: InputFile
    matched: tuple[Step | None, ...]
    own: tuple[Step, ...]
    dropped: tuple[Step, ...] = ()

    def common_before(self, count: int) -> int:
        """How many common steps are done after the file's first `count` steps; those that it
        lacks count when one that it has follows them."""
        first = {id(step) for step in self.file.steps[:count]}
        done = (
            n for n, step in enumerate(self.matched, 1) if step is not None and id(step) in first
        )
        return max(done, default=0)

    def own_before(self, count: int) -> tuple[Step, ...]:
        """The file's own steps among its first `count` steps."""
        first = {id(step) for step in self.file.steps[:count]}
        return tuple(step for step in self.own if id(step) in first)


class Group(Struct, frozen=True):
    """Files that share one builder. `apart` says what keeps it from the group before it that
    is nearest."""

    members: tuple[Member, ...]
    common: tuple[Step, ...]
    apart: tuple[Reason, ...] = ()

    @property
    def leader(self) -> Member:
        """The file whose bytes the shared stages are taken from."""
        return self.members[0]

    @property
    def split(self) -> int:
        """The index of the common step before which own steps stand: the sources."""
        for index, step in enumerate(self.common):
            if step.role is Role.SOURCES:
                return index
        cooked = [n for n, step in enumerate(self.common) if step.role is Role.COOK]
        return cooked[-1] + 1 if cooked else len(self.common)

    def home(self, index: int) -> int:
        """The index of the leader's stage to which a common step belongs. One that the leader
        lacks comes with the next one that it has, or lower where a file has it lower: what
        stands there may be below other stages, a planner for one."""
        chain = self.leader.file.chain
        own = [_level(self.leader.file, s) for s in self.leader.matched if s is not None]
        before = sum(1 for step in self.leader.matched[:index] if step is not None)
        if before == len(own):
            return chain[-1].index
        if self.leader.matched[index] is not None:
            return chain[own[before]].index
        levels = [_level(m.file, s) for m in self.members if (s := m.matched[index]) is not None]
        floor = own[before - 1] if before else 0
        return chain[max(floor, min(*levels, own[before]))].index

    def owner(self, step: Step) -> InputFile:
        """The first file that has this very step."""
        return next(m.file for m in self.members if any(s is step for s in m.file.steps))

    @property
    def arguments(self) -> tuple[str, ...]:
        """The build arguments that reach the compiler or its base image, by name. Each value
        compiles what stands below its ARG again; one below the last build splits nothing."""
        compiling = (Role.BUILD, Role.COOK, Role.GO)
        end = max((n for n, s in enumerate(self.common) if s.role in compiling), default=-1)
        steps = (step.item for step in self.common[: end + 1] if step.item.keyword == "ARG")
        graph, chain = self.leader.file.graph, self.leader.file.chain
        words = (word for stage in chain for word in (stage.from_.image, stage.from_.platform))
        based = graph.named_arguments(" ".join(word.value or "" for word in words if word))
        return tuple(sorted({name for item in steps for name, _ in environment(item)} | based))

    def values(self, build: Build) -> tuple[str | None, ...]:
        """What a build gives to `arguments`, in their order; None where it gives nothing."""
        return tuple(given_argument(build, name) for name in self.arguments)

    @property
    def has_own(self) -> bool:
        """Whether any file has steps of its own."""
        return any(member.own for member in self.members)


def _level(file: InputFile, step: Step) -> int:
    """How many stages of the chain lie below the one that a step belongs to."""
    return next(n for n, stage in enumerate(file.chain) if stage.index == step.stage.index)


def given_argument(build: Build, name: str) -> str | None:
    """The value that a build gives to an argument; None when it gives none."""
    found = (a.value.text if a.value is not None else "" for a in build.arguments if a.name == name)
    return next(found, None)


def added_steps(group: Group, member: Member) -> Iterator[tuple[Step, Admission]]:
    """The common steps that a member lacks, and what each of them is to it."""
    own = [n for n, s in enumerate(member.matched) if s is not None and s.role is Role.BUILD]
    last, done = max(own, default=-1), 0
    for index, step in enumerate(group.common):
        if member.matched[index] is not None:
            done += 1
        else:
            owner = next(m.file for m in group.members if m.matched[index] is not None)
            yield step, admitted(step, owner, member.file, index > last, done)


def grown_below(group: Group, member: Member, end: int) -> bool:
    """Whether the shared steps that stand for a file's first `end` steps hold more than these,
    and no cargo runs among them: an image for run time may stand there, which must not grow."""
    mine = member.file.steps[:end]
    if any(s.role in SHARED_ROLES or s.calls or _runs_cargo(s) for s in mine):
        return False
    for index, step in enumerate(group.common[: member.common_before(end)]):
        own = member.matched[index]
        if own is None and step.item.keyword != "WORKDIR":
            return True
        if own is not None and step.role is Role.PACKAGES:
            lists = (m.matched[index] for m in group.members)
            everyone = {word for s in lists if s is not None for word in packages_of(s)}
            if everyone != packages_of(own):
                return True
    return False


def _runs_cargo(step: Step) -> bool:
    return step.item.keyword == "RUN" and "cargo" in step.item.text
