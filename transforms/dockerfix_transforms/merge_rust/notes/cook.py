"""Cooks whose work is done again: by other flags, in another folder, in another profile.

Knows single files; changes nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from dockerfix.api import Finding, Severity
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import Role, Step


def cook_notes(group: Group) -> Iterator[Finding]:
    """Cooks of a group from which somebody gains nothing."""
    yield from _cook_setting(group)
    for member in group.members:
        yield from _unused_cook(member.file)
        yield from _useless_cook(member.file)


def _cook_setting(group: Group) -> Iterator[Finding]:
    """A file alone in its group keeps a cook whose flags are not its build's."""
    if len(group.members) > 1:
        return
    file = group.leader.file
    cook = next((s for s in file.steps if s.role is Role.COOK and s.call is not None), None)
    build = next((s for s in file.steps if s.role is Role.BUILD and s.call is not None), None)
    if cook is None or build is None or cook.call is None or build.call is None:
        return
    if cook.call.setting() != build.call.setting():
        yield Finding.at(
            cook.item.source.place(cook.item.code),
            severity=Severity.NOTE,
            name="cook-setting",
            what=f"{file.binary}: the cook has other flags than the build",
            why="crates whose profile or features differ are compiled twice",
            do="give both the same profile, features and target",
            subject=file.binary,
        )


def _unused_cook(file: InputFile) -> Iterator[Finding]:
    """A development image that runs cargo with another profile than its cook."""
    cook = next((step for step in file.steps if step.role is Role.COOK), None)
    if cook is None or cook.call is None or cook.call.profile == "dev":
        return
    for leaf in file.live_leaves:
        base = file.graph.base(leaf.stage)
        if base is None or not file.in_chain(base):
            continue
        for item in leaf.stage.instructions:
            if item.keyword in ("CMD", "ENTRYPOINT") and _runs_dev(
                [word.value for word in item.json or ()]
            ):
                yield Finding.at(
                    file.graph.tree.source.place(item.code),
                    severity=Severity.NOTE,
                    name="cook-unused",
                    what=f"{file.binary}: the image runs cargo in the dev profile, its cook "
                    f"compiled {cook.call.profile}",
                    why="every dependency is compiled again at the first run; the cook gains "
                    "nothing here",
                    do="cook the dev profile too, or run with the cook's profile",
                    subject=leaf.stage.name or "",
                )


def _runs_dev(words: Sequence[str]) -> bool:
    runs = words[:1] == ["cargo"] and any(w in ("run", "test", "watch") for w in words[1:2])
    return runs and not any(word in ("--release", "-r", "--profile") for word in words)


def _useless_cook(file: InputFile) -> Iterator[Finding]:
    """A cook that ran in another folder than the build."""
    where = ""
    folders: dict[Role, str] = {}
    steps: dict[Role, Step] = {}
    for step in file.steps:
        if step.item.keyword == "WORKDIR":
            where = posixpath.join(where or "/", step.item.words[0].value)
        folders[step.role] = where or "/"
        steps[step.role] = step
    if Role.COOK not in folders or Role.BUILD not in folders:
        return
    if folders[Role.COOK] != folders[Role.BUILD]:
        item = steps[Role.COOK].item
        yield Finding.at(
            item.source.place(item.code),
            severity=Severity.NOTE,
            name="cook-folder",
            what=f"{file.binary}: the cook runs in {folders[Role.COOK]}, the build in "
            f"{folders[Role.BUILD]}",
            why="what was cooked is not found by the build, and compiled again",
            do="set WORKDIR before the cook",
            subject=file.binary,
        )
