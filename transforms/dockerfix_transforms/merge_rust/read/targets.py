"""Which stages of a file call sites can ask for: by name, by choice, or through a variable.

Knows builds and stages; knows nothing of what a stage does.
"""

from __future__ import annotations

import posixpath

from dockerfix.api import Build, Facts, StageGraph
from dockerfix_transforms.merge_rust.read.checks import UnreadableError


def asked_stages(facts: Facts, graph: StageGraph, builds: tuple[Build, ...]) -> frozenset[int]:
    """Indexes of the stages that call sites can ask for, and of the last one. Raises
    `UnreadableError` for a target that names no stage."""
    asked = {graph.stages[-1].index}
    for build in builds:
        for name in possible_targets(facts, build) if build.target is not None else ():
            stage = graph.target(name)
            if stage is None:
                raise UnreadableError(
                    "unknown-target",
                    f"a call site asks for a target that is not known: {name}",
                    "its stage could be lost",
                    "write the target out, or assign its variable in the CI file",
                    graph.stages[-1].from_.code,
                )
            asked.add(stage.index)
    return frozenset(asked)


def asked_of_merged(facts: Facts, graph: StageGraph, into: str, binary: str) -> frozenset[int]:
    """Stages whose targets in the merged file call sites ask for. Where it stands depends on
    which files go along, so that its name counts."""
    found: set[int] = set()
    called = posixpath.basename(into)
    for build in facts.builds.builds:
        if build.dockerfile is None or build.target is None:
            continue
        alike = posixpath.basename(build.dockerfile) == called != "Dockerfile"
        if build.dockerfile != into and not alike:
            continue
        for stage in graph.stages:
            name = f"{binary}-{stage.name}"
            text = build.target.text
            own = stage.name and text == stage.name and text != binary
            if stage.name and (
                own or text == name or (text.startswith(f"{binary}-") and "$" in text)
            ):
                found.add(stage.index)
    return frozenset(found)


def possible_targets(facts: Facts, build: Build) -> tuple[str, ...]:
    """All names that a build's target can take: the text, its choices, or for a variable all
    values that the snapshot assigns to it and that name a stage."""
    target = build.target
    if target is None:
        return ("",)
    if target.choices:
        return target.choices
    if target.known:
        return (target.text,)
    values: list[str] = []
    for name in target.variables:
        values += facts.builds.values_of(name)
    stages = facts.stages(build.dockerfile).stages if build.dockerfile else ()
    names = {(stage.name or "").lower() for stage in stages}
    return tuple(dict.fromkeys(value for value in values if value.lower() in names))
