"""What a person is told about the merged file: builders, steps and stages.

Each function looks at one thing and gives findings. Knows groups and the merged file; changes
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from dockerfix.api import Finding, Severity, Workspace
from dockerfix_transforms.merge_rust.group.group import Group, given_argument
from dockerfix_transforms.merge_rust.group.reasons import accepting
from dockerfix_transforms.merge_rust.notes.compiled import compiled_notes, hosted_environment
from dockerfix_transforms.merge_rust.notes.cook import cook_notes
from dockerfix_transforms.merge_rust.notes.held import held_notes
from dockerfix_transforms.merge_rust.notes.steps import shortened
from dockerfix_transforms.merge_rust.read.steps import makes_tools
from dockerfix_transforms.merge_rust.write.layout import Merged


def merge_notes(workspace: Workspace, groups: Sequence[Group], merged: Merged) -> list[Finding]:
    """All findings about the merged file itself."""
    found = [
        Finding.at(
            place,
            severity=Severity.NOTE,
            name="widened",
            what=note,
            subject=place.path,
        )
        for place, note in merged.plan.notes
    ]
    for group in groups:
        cooked = any(group is one for one in merged.plan.cooked)
        found += _apart(group, cooked)
        found += hosted_environment(workspace, groups[0], group) if cooked else ()
        found += _dropped(group)
        hosts = groups[0].members if merged.plan.is_guest(group) else ()
        found += compiled_notes(workspace, group, hosts)
        found += cook_notes(group)
        found += held_notes(group)
    found += splitting_arguments(groups)
    return found


def _apart(group: Group, cooked: bool) -> Iterator[Finding]:
    binaries = ", ".join(member.file.binary for member in group.members)
    for reason in group.apart:
        file = group.leader.file
        last = accepting(group.apart) if reason is group.apart[-1] else ""
        yield Finding.at(
            file.place,
            severity=Severity.NOTE,
            name="separate-builder",
            what=f"{binaries}: a builder of its own ({reason.what})",
            why="the workspace's crates are compiled once more, dependencies are not"
            if cooked
            else "its crates are compiled once more",
            do=f"{reason.do} {last}".strip(),
            subject=file.binary,
        )


def _dropped(group: Group) -> Iterator[Finding]:
    """Tools that one file alone installs where it only compiles."""
    for member in group.members:
        for step in member.dropped if all(makes_tools(s) for s in member.dropped) else ():
            yield Finding.at(
                step.item.source.place(step.item.code),
                severity=Severity.NOTE,
                name="dropped",
                what=f"{member.file.binary}: {shortened(step)} is gone",
                why="no image is based on it, and nothing that is built names the tool",
                do="if its build needs the tool after all, put it back above the cook",
                subject=member.file.binary,
            )


def splitting_arguments(groups: Sequence[Group]) -> Iterator[Finding]:
    """Build arguments that reach a shared stage with different values."""
    for group in groups:
        if len(group.members) < 2:
            continue
        builds = [build for member in group.members for build in member.file.builds]
        for name in group.arguments:
            given = {given_argument(build, name) for build in builds}
            if len(given) > 1:
                yield Finding.at(
                    group.leader.file.place,
                    severity=Severity.NOTE,
                    name="argument-splits-cache",
                    what=f"the build argument {name} reaches the shared builder with "
                    f"{len(given)} values",
                    why="each value compiles everything below it again",
                    do="declare the ARG in the image's own stage, or give its builds one value",
                    subject=name,
                )


def unasked_notes(merged: Merged) -> list[Finding]:
    """Stages that nothing here asks for: kept, under the file's name."""
    return [
        Finding.at(
            file.graph.tree.source.place(stage.from_.code),
            severity=Severity.NOTE,
            name="unasked-stage",
            what=f"no call site asks for the stage {stage.name}; it is kept"
            + (f" as {name}" if name != stage.name else ""),
            why="somebody may build it by hand",
            do="delete it if nobody does",
            subject=f"{file.path}:{stage.name}",
        )
        for file, stage, name in merged.plan.unasked
    ]


def moved_notes(merged: Merged) -> list[Finding]:
    """Steps that only one file has, which stand on the cook now."""
    return [
        Finding.at(
            step.item.source.place(step.item.code),
            severity=Severity.NOTE,
            name="moved",
            what=f"{file.binary}: {shortened(step)} runs after the cook now, for its own target "
            "only",
            why="the shared builder does not need it",
            subject=json.dumps(step.item.text),
        )
        for file, step in merged.plan.moved
    ]
