"""Groups that differ from the first one in what they compile, and begin as it does.

Such a group is a guest: its builder stands on leading stages of the first group. Knows groups and
names; knows nothing of text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from dockerfix.api import Stage, only_prints
from dockerfix_transforms.merge_rust.group.admission import harmless_environment
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.read.compiler import base_images
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import (
    Role,
    Step,
    commands,
    only_installs,
    packages_of,
)
from dockerfix_transforms.merge_rust.write.line import CannotJoinError
from dockerfix_transforms.merge_rust.write.names import StageNames
from dockerfix_transforms.merge_rust.write.widen import widened


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
            cook = _cook_host(names, main, other, group, stage)
            found |= {stage.index: cook} if cook is not None else {}
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
    steps = _steps_of(main, other)
    if any(step.role in (Role.COOK, Role.BUILD) for step in steps):
        return None  # what is compiled there is not what this group compiles
    extra = _extra(_steps_of(group, stage), steps)
    name = names.known(main.leader.file, other)
    if extra is None or name is None or not _has_packages(main, group):
        return None
    return Host(name, extra)


def _extra(
    steps: Sequence[Step], beginning: Sequence[Step], variables: bool = False
) -> tuple[Step, ...] | None:
    """The steps behind those of `beginning`, when they begin with all of them but lists of
    packages, RUNs that only print and, with `variables`, those that the compiler does not read;
    else None. What only prints among the first ones comes behind them."""
    at, said = 0, list[Step]()
    for step in beginning:
        while steps[at : at + 1] and only_prints(steps[at].item) and not _alike(steps[at], step):
            said.append(steps[at])
            at += 1
        if steps[at : at + 1] and _alike(steps[at], step):
            at += 1
        elif not (only_installs(step) or only_prints(step.item)) and not (
            variables and harmless_environment(step)
        ):
            return None
    return (*said, *steps[at:])


def _alike(one: Step, other: Step) -> bool:
    """Whether two steps are the same: a recipe is only where it is prepared in the same words,
    but for the binary, which no shared one names."""
    if one.role is Role.PREPARE and _prepared(one) != _prepared(other):
        return False
    return one.key == other.key


def _prepared(step: Step) -> list[str]:
    """The words of a RUN that prepares a recipe, without the binaries that it is for."""
    named = {
        word.span
        for call in step.calls
        for flag in call.flags
        if flag.name == "bin"
        for word in flag.words
    }
    return [w.written for c in commands(step.script) for w in c.words if w.span not in named]


def _same_planner(main: Group, group: Group) -> bool:
    """Whether the guest's recipe is prepared as the main group's is, on top of the same."""
    ours, theirs = group.leader.file, main.leader.file
    if ours.planner is None or theirs.planner is None:
        return ours.planner is theirs.planner
    if _level(ours, ours.graph.base(ours.planner)) != _level(
        theirs, theirs.graph.base(theirs.planner)
    ):
        return False
    mine, main_steps = ours.planner_steps, theirs.planner_steps
    return len(mine) == len(main_steps) and all(map(_alike, mine, main_steps))


def _level(file: InputFile, stage: Stage | None) -> int:
    """How many stages of the chain lie below one; -1 for one that is none of them."""
    return next((n for n, s in enumerate(file.chain) if stage and s.index == stage.index), -1)


def _steps_of(group: Group, stage: Stage) -> list[Step]:
    """The group's common steps that belong to a stage of its leader."""
    return [step for n, step in enumerate(group.common) if group.home(n) == stage.index]


# Cooks that serve two builders.


def shares_cook(main: Group, group: Group) -> bool:
    """Whether the cook of the `main` group, as it stands in the merged file, is the guest's too,
    on top of the same: then dependencies are compiled once for both builders."""
    alike = base_images(main.leader.file) == base_images(group.leader.file)
    if not alike or not _same_planner(main, group):
        return False
    pairs = zip(group.leader.file.chain, main.leader.file.chain, strict=False)
    for stage, other in pairs:
        steps, mine = _steps_of(main, other), _steps_of(group, stage)
        if any(step.role is Role.COOK for step in steps):
            return _behind_cook(main, steps, mine) is not None and _has_packages(main, group)
        if any(step.role is Role.BUILD for step in steps) or _extra(mine, steps) != ():
            return False
    return False


def _behind_cook(
    main: Group, steps: Sequence[Step], mine: Sequence[Step]
) -> tuple[Step, ...] | None:
    """The guest's steps behind its cook, when it and all before it are the main group's."""
    ends = [n for n, step in enumerate(steps) if step.role is Role.COOK]
    own = [n for n, step in enumerate(mine) if step.role is Role.COOK]
    if not ends or not own or len(ends) != len(own):
        return None
    end, after = ends[-1] + 1, own[-1] + 1
    cooks = zip((steps[n] for n in ends), (mine[n] for n in own), strict=True)
    if not all(_stands(main, one) and _flat(one) == _flat(other) for one, other in cooks):
        return None
    whole = end == len(steps)
    if not whole and main.common.index(steps[end]) != main.split:
        return None  # there is no place to divide the stage at
    said = _extra(mine[:after], steps[:end], variables=True)
    fits = said is not None and all(only_prints(step.item) for step in said)
    return (*said, *mine[after:]) if said is not None and fits else None


def _stands(main: Group, cook: Step) -> bool:
    """Whether the main group's cook is written as it stands in its file."""
    try:
        return not widened(main, main.common.index(cook)).edits
    except CannotJoinError:
        return False


def _flat(step: Step) -> str:
    return " ".join(step.item.text.split())


def _cook_host(
    names: StageNames, main: Group, other: Stage, group: Group, stage: Stage
) -> Host | None:
    """The main group's cook as the host of the guest's builder."""
    if not shares_cook(main, group):
        return None
    steps = _steps_of(main, other)
    extra = _behind_cook(main, steps, _steps_of(group, stage))
    leader = main.leader.file
    whole = bool(steps) and steps[-1].role is Role.COOK
    name = names.known(leader, other) if whole else names.below_own_steps.get(leader.path)
    return Host(name, extra) if extra is not None and name else None


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
    if not _same_planner(main, group):
        return None
    name = names.known(theirs, theirs.planner)
    return Host(name) if name is not None else None
