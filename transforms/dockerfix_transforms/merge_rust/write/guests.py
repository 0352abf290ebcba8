"""Groups that differ from the first one in what they compile, and begin as it does.

Such a group is a guest: its builder stands on leading stages of the first group. Knows groups and
names; knows nothing of text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from dockerfix.api import Stage
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.read.compiler import base_images
from dockerfix_transforms.merge_rust.read.steps import Role, Step, packages_of
from dockerfix_transforms.merge_rust.write.names import StageNames


class Host(Struct, frozen=True):
    """A stage of the first group that stands for the beginning of a guest's stage: its name, and
    the steps that the guest has on top of it."""

    name: str
    extra: tuple[Step, ...] = ()


def hosts(names: StageNames, main: Group, group: Group) -> dict[int, Host]:
    """For the index of each stage of the group's leader that needs no stage of its own, or not
    all of one, the stage of the `main` group that serves it."""
    found: dict[int, Host] = {}
    theirs, ours = main.leader.file, group.leader.file
    if base_images(theirs) != base_images(ours):
        return found
    for stage, other in zip(ours.chain, theirs.chain, strict=False):
        host = _host(names, main, other, group, stage)
        if host is None:
            break
        found[stage.index] = host
        if host.extra:
            break  # what comes behind these steps stands on the guest's own stage
    planner = _planner_host(names, main, group, found) if found else None
    if planner is not None and ours.planner is not None:
        found[ours.planner.index] = planner
    return found


def _host(names: StageNames, main: Group, other: Stage, group: Group, stage: Stage) -> Host | None:
    """The main group's stage `other` as the host of the guest's `stage`: it must begin with the
    same steps, compile nothing, and have every package that the guest needs."""
    steps = [step for n, step in enumerate(main.common) if main.home(n) == other.index]
    if any(step.role in (Role.COOK, Role.BUILD) for step in steps):
        return None  # what is compiled there is not what this group compiles
    extra = _extra([s for s in group.common if s.stage.index == stage.index], steps)
    name = names.known(main.leader.file, other)
    if extra is None or name is None or not _has_packages(main, group):
        return None
    return Host(name, extra)


def _extra(steps: Sequence[Step], beginning: Sequence[Step]) -> tuple[Step, ...] | None:
    """The steps behind those of `beginning`, when they begin with all of them; else None."""
    count = len(beginning)
    same = [step.key for step in steps[:count]] == [step.key for step in beginning]
    return tuple(steps[count:]) if same else None


def _has_packages(main: Group, group: Group) -> bool:
    """Whether the main group's lists hold every package of the guest."""
    theirs = {
        word
        for member in main.members
        for step in member.matched
        if step is not None and step.role is Role.PACKAGES
        for word in packages_of(step)
    }
    return all(packages_of(s) <= theirs for s in group.common if s.role is Role.PACKAGES)


def _planner_host(
    names: StageNames, main: Group, group: Group, found: Mapping[int, Host]
) -> Host | None:
    """The main group's planner, when the guest's does the same on top of the same."""
    ours, theirs = group.leader.file, main.leader.file
    if ours.planner is None or theirs.planner is None:
        return None
    base = ours.graph.base(ours.planner)
    if base is not None and (base.index not in found or found[base.index].extra):
        return None  # it would run above steps that it does not run above here
    if [s.key for s in ours.planner_steps] != [s.key for s in theirs.planner_steps]:
        return None
    name = names.known(theirs, theirs.planner)
    return Host(name) if name is not None else None
