"""Files with steps that only their own images need: a watcher in a development image, say.

Such steps leave the builder and stand on the cook, in front of the sources, for those images
alone. Compiling is then the same for all files, and a change of the sources runs them no second
time. Knows steps; knows nothing of what the compiler gets beyond what was accepted.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockerfix.api import common_subsequence
from dockerfix_transforms.merge_rust.group.admission import harmless_environment
from dockerfix_transforms.merge_rust.group.group import SHARED_ROLES, Member
from dockerfix_transforms.merge_rust.read.compiler import environment, sets_component
from dockerfix_transforms.merge_rust.read.input_file import InputFile, standing_ends
from dockerfix_transforms.merge_rust.read.steps import Role, Step, makes_tools, only_installs

_KEYWORDS = frozenset({"RUN", "COPY", "ADD", "LABEL", "EXPOSE", "HEALTHCHECK", "CMD"})
"""Instructions that may stand on the cook; others could change what comes behind them."""


def with_own_steps(
    files: Sequence[InputFile], accepted: frozenset[str]
) -> tuple[list[Member], list[Step]] | None:
    """The members and their common steps; None when no file has steps of its own, or when they
    cannot stand on the cook."""
    keys = _common_keys(files)
    for file in files:
        mine = _first_matches(file.steps, keys)
        rest = [step for step in file.steps if not any(step is m for m in mine)]
        if any(step.role in SHARED_ROLES for step in rest):
            return None
        if not _movable(file, rest, mine, accepted):
            return None
    common = _with_united(files, keys)
    members = [_member(file, common, accepted) for file in files]
    left = [step for m in members for step in (*m.own, *m.dropped)]
    if not left or any(s.role in SHARED_ROLES or s.role is Role.PACKAGES for s in left):
        return None
    return members, common


def _common_keys(files: Sequence[InputFile]) -> list[str]:
    """What all files have in this order; in pairs, since the longest common subsequence of many
    lists is not to be had in reasonable time."""
    common = [step.key for step in files[0].steps]
    for file in files[1:]:
        common = _shared_keys(common, [step.key for step in file.steps])
    return common


def _shared_keys(one: Sequence[str], other: Sequence[str]) -> list[str]:
    """The longest common subsequence of two lists of keys."""
    pairs = common_subsequence(len(one), len(other), lambda i, j: int(one[i] == other[j]))
    return [one[index] for index, _ in pairs]


def _first_matches(steps: Sequence[Step], keys: Sequence[str]) -> list[Step]:
    """The first steps that match the keys, in order."""
    found: list[Step] = []
    at = 0
    for key in keys:
        while at < len(steps) and steps[at].key != key:
            at += 1
        if at < len(steps):
            found.append(steps[at])
            at += 1
    return found


def _with_united(files: Sequence[InputFile], keys: Sequence[str]) -> list[Step]:
    """The common steps, with package lists and environment that only some files have put in
    at their place: behind as many common steps as there are before them in their file, and
    behind those that were put in there before."""
    united = _first_matches(files[0].steps, keys)
    added: list[Step] = []
    for file in files:
        mine = _first_matches(file.steps, keys)
        position = 0
        for step in file.steps:
            if any(step is m for m in mine):
                position += 1
            elif _is_united(step) and not any(a.key == step.key for a in added):
                shared = sum(1 for a in added if united.index(a) < position + len(added))
                united.insert(min(position + shared, len(united)), step)
                added.append(step)
    return united


def _is_united(step: Step) -> bool:
    """Whether a step goes to the shared builder though not every file has it."""
    return only_installs(step) or harmless_environment(step)


def _member(file: InputFile, common: Sequence[Step], accepted: frozenset[str]) -> Member:
    """A file with its steps that match the common ones, first come, first served; the rest is
    its own, or is dropped where no image stands on it."""
    matched: list[Step | None] = []
    used: set[int] = set()
    at = 0
    for step in common:
        indexes = range(at, len(file.steps))
        found = next((n for n in indexes if file.steps[n].key == step.key), None)
        matched.append(file.steps[found] if found is not None else None)
        if found is not None:
            used.add(found)
            at = found + 1
    own = tuple(step for index, step in enumerate(file.steps) if index not in used)
    if _goes_without_target(own, accepted) and not standing_ends(file):
        return Member(file, tuple(matched), (), own)
    return Member(file, tuple(matched), own)


def _goes_without_target(own: Sequence[Step], accepted: frozenset[str]) -> bool:
    """Whether what only compiles can do without these steps: they set what was accepted to
    change, or install tools, which nothing takes along from there."""
    return _replaced(own, accepted) or (bool(own) and all(makes_tools(step) for step in own))


def _replaced(own: Sequence[Step], accepted: frozenset[str]) -> bool:
    """Whether these steps only set what was accepted to change."""
    return bool(own) and all(any(sets_component(s, name) for name in accepted) for s in own)


def _movable(
    file: InputFile, rest: Sequence[Step], mine: Sequence[Step], accepted: frozenset[str]
) -> bool:
    """Whether a file's own steps can go on top of the cook, for its own targets only.

    A step that sets what was accepted to change goes without a target to stand in.
    """
    own = [step for step in rest if not _is_united(step)]
    if not own:
        return True
    if any(step.item.keyword not in _KEYWORDS and not _is_setting(step) for step in own):
        return False
    sources = next((s for s in mine if s.role is Role.SOURCES), None)
    limit = file.steps.index(sources) if sources is not None else len(file.steps)
    last = max(file.steps.index(step) for step in own)
    if last > limit:
        return False  # it reads sources, which the cook does not have
    build = next(n for n, s in enumerate(file.steps) if s.role is Role.BUILD)
    ends = standing_ends(file)
    if _replaced(own, accepted) or (not ends and _goes_without_target(own, accepted)):
        return True
    on_top = [end for end in ends if end > last]
    return bool(on_top) and all(end <= build for end in on_top)


def _is_setting(step: Step) -> bool:
    return step.item.keyword in ("ENV", "ARG") and any(
        sets_component(step, name) for name, _ in environment(step.item)
    )
