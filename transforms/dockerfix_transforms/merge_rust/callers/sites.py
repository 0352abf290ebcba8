"""Call sites of the inputs: what each one must ask for, and which cannot be told.

Decides on builds; the edits themselves are dockerfix's business. Knows the merged file's
names; knows nothing of jobs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dockerfix.api import (
    Build,
    Change,
    Facts,
    Finding,
    Severity,
    SiteKind,
    StepDown,
    Wanted,
)
from dockerfix_transforms.merge_rust.callers.left import Left
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.targets import possible_targets


@dataclass(slots=True)
class Sites:
    """Changes of builds, with the file that each one belongs to, what is left, and remarks."""

    changes: list[tuple[InputFile, Change]] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_sites(
    facts: Facts,
    files: Sequence[InputFile],
    targets: Mapping[tuple[str, int], str],
    into: str,
    failed: Mapping[str, StepDown],
) -> Sites:
    """What every build of the inputs must ask for afterwards; `failed` are the places of those
    for which a check of the engine failed."""
    sites = Sites()
    for file in files:
        if not file.builds:
            sites.findings.append(_unused(file))
        for build in file.builds:
            sites.findings += _doubted(build)
            target = _target(facts, file, build, targets, sites)
            step = failed.get(str(build.site.place))
            if target is not None and step is not None and _stays(build, step):
                sites.left.append(_unchecked(file, build, step, f"{into}, target {target}"))
            elif target is not None:
                change = Change(build, Wanted(into, target))
                sites.changes.append((file, change))
    return sites


def _unused(file: InputFile) -> Finding:
    tree = file.graph.tree
    return Finding.at(
        tree.source.place(tree.instructions[0].code),
        severity=Severity.NOTE,
        name="no-call-site",
        what=f"no call site builds {file.path}; it is merged like the others",
        why="it may be built from outside of this repository",
        subject=file.path,
    )


def _target(
    facts: Facts,
    file: InputFile,
    build: Build,
    targets: Mapping[tuple[str, int], str],
    sites: Sites,
) -> str | None:
    """The target as the call site must write it; None when it cannot be said."""
    if build.target is None or build.target.text == "":
        return targets[(file.path, file.graph.stages[-1].index)]
    names = possible_targets(facts, build)
    new: list[tuple[str, str]] = []
    for name in names:
        stage = file.graph.target(name)
        found = targets.get((file.path, stage.index)) if stage is not None else None
        if found is None:
            sites.left.append(
                _left(file, build, f"it asks for the target {name}, which is not kept")
            )
            return None
        new.append((name, found))
    made = {target for _, target in new}
    if build.target.known and len(made) == 1:
        return made.pop()
    heads = {t[: len(t) - len(name)] for name, t in new if t.endswith(name)}
    if len(heads) != 1 or not all(t.endswith(name) for name, t in new):
        sites.left.append(_left(file, build, "its target is a variable that no new name ends in"))
        return None
    why = "other values would name no target of the merged file"
    sites.findings.append(_assumed(build, names, ", ".join(build.target.variables), why))
    return heads.pop() + build.target.text


def _doubted(build: Build) -> Iterator[Finding]:
    """A Dockerfile by a variable that may be set elsewhere: the merged file takes its place."""
    written = build.dockerfile_written
    if written is None or build.dockerfile is None:
        return
    defaulted = [name for name in written.variables if "${" + name + ":-" in written.text]
    if defaulted:
        names = ", ".join(defaulted)
        yield Finding.at(
            build.site.place,
            severity=Severity.ASSUME,
            name="dockerfile-values",
            what=f"{build.site.kind.value} {build.site.name}: {names} is set nowhere else",
            why=f"the build takes {build.dockerfile} by default, and the merged file from now on",
            subject=names,
        )


def _left(file: InputFile, build: Build, what: str) -> Left:
    return Left(
        (file.path,),
        build.site.place,
        f"{build.site.kind.value} {build.site.name}: {what}",
        "It would ask for a target that there is not.",
        "Write its target out, with the merged file.",
    )


def _stays(build: Build, step: StepDown) -> bool:
    """Whether a call site stays as it is. A CI job is first kept apart from the others."""
    return step.rungs > 1 or build.site.kind not in (SiteKind.GITLAB, SiteKind.GITHUB)


def _unchecked(file: InputFile, build: Build, step: StepDown, wanted: str) -> Left:
    """A call site for which a check of the engine fails."""
    return Left(
        (file.path,),
        build.site.place,
        f"{build.site.kind.value} {build.site.name}: the check *{step.check}* fails if this call "
        f"site is rewritten: {step.fault}",
        "It goes on building from the old file.",
        f"Rewrite it by hand: {wanted}.",
    )


def _assumed(build: Build, names: Sequence[str], variables: str, why: str) -> Finding:
    return Finding.at(
        build.site.place,
        severity=Severity.ASSUME,
        name="target-values",
        what=f"{build.site.kind.value} {build.site.name}: {variables} takes no other values than "
        f"{', '.join(names)}",
        why=why,
        subject=variables,
    )
