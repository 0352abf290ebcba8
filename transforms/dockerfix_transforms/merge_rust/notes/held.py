"""Images that stand on the shared builder itself, and so hold the programs of other files too.

A call site that asks for the compiling stage, or for one based on it (`FROM builder AS
development`), gets more than before: the same stage compiles every program of the group. Knows
groups; changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.api import Finding, Severity, Stage
from dockerfix_transforms.merge_rust.group.group import Group, Member, grown_below
from dockerfix_transforms.merge_rust.read.steps import Role

PROGRAMS = "programs"
"""The name of the assumption, and of the permit that it shows."""


def images_on_builder(group: Group, member: Member) -> Iterator[Stage]:
    """The images of a file that hold what the shared builder compiles for others."""
    file = member.file
    for stage in file.targets if len(group.members) > 1 else ():
        below = stage if file.in_chain(stage) else file.graph.base(stage)
        if below is None or not file.in_chain(below):
            continue
        count = file.end_of(below)
        builds = any(step.role is Role.BUILD for step in file.steps[:count])
        leaf = not file.in_chain(stage)
        apart = leaf and (bool(member.own_before(count)) or grown_below(group, member, count))
        if builds and not apart:
            yield stage


def held_notes(group: Group) -> Iterator[Finding]:
    """An assumption for each image that holds further programs."""
    for member in group.members:
        file = member.file
        others = {name for m in group.members for name in m.file.shipped} - set(file.shipped)
        for stage in images_on_builder(group, member) if others else ():
            names = ", ".join(sorted(others))
            yield Finding.at(
                file.graph.tree.source.place(stage.from_.code),
                severity=Severity.ASSUME,
                name=PROGRAMS,
                what=f"{file.path}: the image of the stage {stage.name or 'that compiles'} holds "
                f"{names} too",
                why="It is the shared builder: whoever builds this image compiles them with it.",
                do="Give it a stage of its own if it is to hold its own program only.",
                subject=file.path,
            )
