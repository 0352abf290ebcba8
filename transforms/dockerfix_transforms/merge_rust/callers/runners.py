"""Where the work of building is done: which old Dockerfiles each machine builds.

A CI job is a machine of its own, and so is each row of its matrix; what a person or a script
runs shares one. Knows builds and call sites; knows no stage.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from dockerfix.api import Build, Change, Facts, SiteKind
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.read.input_file import InputFile

Pair = tuple[InputFile, Change]
Values = tuple[str | None, ...]
"""The platforms of a build, and what it gives to the arguments of a group's builder, in their
order: what is compiled for one platform serves no other."""
_BY_HAND = ("by hand",)


class Work(Struct, frozen=True):
    """How often dependencies are compiled, and how many programs, over all machines."""

    passes: int
    programs: int
    by_hand: int = 0
    """The passes among them on the machine of a person or a script."""

    def is_less_than(self, other: Work) -> bool:
        """Whether passes are saved, and no more programs are compiled for it than passes: where
        machines build few images of a group, it costs more than it brings."""
        saved = other.passes - self.passes
        return saved > 0 and self.programs - other.programs <= saved


class Machines:
    """The machines of a repository's builds."""

    def __init__(self, facts: Facts) -> None:
        jobs = facts.pipeline.jobs if facts.pipeline is not None else {}
        self._rows = {
            name: frozenset(key for row in job.rows for key in row) for name, job in jobs.items()
        }

    def runner(self, build: Build) -> tuple[str, ...]:
        """What tells the machine of a build from others."""
        site, held = build.site, sorted(build.variables.items())
        if site.kind is SiteKind.GITLAB:
            names = self._rows.get(site.name, frozenset())
            return ("gitlab", site.name, *(f"{n}={value}" for n, value in held if n in names))
        if site.kind is SiteKind.GITHUB:
            return site.machine or ("github", site.place.path, site.name)
        return _BY_HAND

    def of(self, pairs: Iterable[Pair]) -> dict[tuple[str, ...], list[Pair]]:
        """The builds of each machine; documents run nowhere, and checks compile nothing."""
        found: dict[tuple[str, ...], list[Pair]] = {}
        for file, change in pairs:
            if change.build.site.kind is not SiteKind.DOCUMENT and not _checks(change.build):
                found.setdefault(self.runner(change.build), []).append((file, change))
        return found


def _checks(build: Build) -> bool:
    """Whether a build only looks at its Dockerfile: `--check`, or `--call` with another method
    than `build` ("docker buildx build --call")."""
    return any(
        option.name == "check" or (option.name == "call" and option.value is not None)
        for option in build.options
        if option.value is None or option.value.text not in ("build", "false")
    )


def alone(
    machines: Machines, groups: Sequence[Group], pairs: Sequence[Pair], joined: Collection[int]
) -> list[tuple[Group, list[Pair]]]:
    """CI machines that build one file of a group of several: they would compile the programs of
    the whole group, and save nothing. `joined` are builds (by `id`) of jobs that become one."""
    found = []
    rest = [pair for pair in pairs if id(pair[1].build) not in joined]
    for where, mine in machines.of(rest).items():
        if where == _BY_HAND:
            continue
        for group in groups:
            members = {member.file.path for member in group.members}
            here = [pair for pair in mine if pair[0].path in members]
            if len(members) > 1 and len({file.path for file, _ in here}) == 1:
                found.append((group, here))
    return found


def work_before(
    machines: Machines, groups: Sequence[Group], pairs: Sequence[Pair], files: Sequence[InputFile]
) -> Work:
    """The work as it is: every file that a machine builds compiles for itself, once for each set
    of values that its builds give to the arguments of its builder."""
    group_of = {m.file.path: group for group in groups for m in group.members}
    built = {
        where: {(file.path, _values(group_of[file.path], change.build)) for file, change in mine}
        for where, mine in machines.of(pairs).items()
    }
    for path in _by_hand(pairs, files):
        values = (None,) * (len(group_of[path].arguments) + 1)
        built.setdefault(_BY_HAND, set()).add((path, values))
    sizes = {file.path: max(len(file.shipped), 1) for file in files}
    paths = [path for machine in built.values() for path, _ in machine]
    return Work(len(paths), sum(sizes[path] for path in paths), len(built.get(_BY_HAND, ())))


def _values(group: Group, build: Build) -> Values:
    platforms = {part.strip() for value in build.platforms for part in value.text.split(",")}
    return (" ".join(sorted(platforms)) or None, *group.values(build))


def work_after(
    machines: Machines,
    groups: Sequence[Group],
    cooked: Sequence[Group],
    pairs: Sequence[Pair],
    left: Collection[int],
    joined: Mapping[int, str],
    kept: Collection[str],
) -> Work:
    """The work with the merge: a machine that builds anything of a group compiles it all, once
    for each set of values that its builds give to the arguments of the shared builder.

    `cooked` are groups whose dependencies the first group's cook compiles, `left` are the builds
    (by `id`) that stay with their old file, `joined` maps the builds of jobs that become one to
    its name, `kept` are the old files that stay.
    """
    files = [member.file for group in groups for member in group.members]
    sizes = {file.path: max(len(file.shipped), 1) for file in files}
    whole = [_programs(group) for group in groups]
    new, old = _built_after(machines, groups, pairs, left, joined, kept)
    roots = {n: 0 for n, group in enumerate(groups) if any(group is one for one in cooked)}
    passes = sum(len(_roots(builders, roots)) for builders in new.values())
    compiled = [whole[number] for builders in new.values() for number, _ in builders]
    staying = [sizes[path] for paths in old.values() for path in paths]
    by_hand = len(_roots(new.get(_BY_HAND, set()), roots)) + len(old.get(_BY_HAND, ()))
    return Work(passes + len(staying), sum(compiled) + sum(staying), by_hand)


def _built_after(
    machines: Machines,
    groups: Sequence[Group],
    pairs: Sequence[Pair],
    left: Collection[int],
    joined: Mapping[int, str],
    kept: Collection[str],
) -> tuple[dict[object, set[tuple[int, Values]]], dict[object, set[str]]]:
    """What each machine builds with the merge: groups by their number, each with the values of
    its builder's arguments, and old files that stay."""
    files = [member.file for group in groups for member in group.members]
    group_of = {m.file.path: n for n, group in enumerate(groups) for m in group.members}
    new: dict[object, set[tuple[int, Values]]] = {}
    old: dict[object, set[str]] = {}
    for where, mine in machines.of(pairs).items():
        for file, change in mine:
            key = joined.get(id(change.build), where)
            if id(change.build) in left:
                old.setdefault(key, set()).add(file.path)
            else:
                number = group_of[file.path]
                values = _values(groups[number], change.build)
                new.setdefault(key, set()).add((number, values))
    for path in _by_hand(pairs, files):
        if path in kept:
            old.setdefault(_BY_HAND, set()).add(path)
        else:
            number = group_of[path]
            values = (None,) * (len(groups[number].arguments) + 1)
            new.setdefault(_BY_HAND, set()).add((number, values))
    return new, old


def _roots(
    builders: Collection[tuple[int, Values]], roots: Mapping[int, int]
) -> set[tuple[int, Values]]:
    """The builders of a machine that compile dependencies: several on one cook do so once."""
    known = {number for number, _ in builders}
    return {
        (number, values) for number, values in builders if roots.get(number, number) == number
    } | {(root, ()) for number in known if (root := roots.get(number, number)) not in known}


def _programs(group: Group) -> int:
    """How many programs the builder of a group compiles: one that several images ship, once."""
    return len({name for member in group.members for name in member.file.shipped}) or 1


def _by_hand(pairs: Sequence[Pair], files: Sequence[InputFile]) -> list[str]:
    """Files that a person builds: those of documents alone, and where no machine builds any,
    all. One that nothing builds beside others that are built costs nobody anything."""
    run = {file.path for file, change in pairs if change.build.site.kind is not SiteKind.DOCUMENT}
    told = {file.path for file, _ in pairs} if run else {file.path for file in files}
    return [file.path for file in files if file.path in told - run]
