"""Checks *same go input*: each Go program that an image ships is built by the same `go build`.

The program is followed from where the image takes it to the call that wrote it; what go is told
there must be what it was told before: base image, variables, flags, packages, folder. Knows how
to compare; how a RUN is read stands in `builds`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import ClassVar

from msgspec import Struct

from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.facts.go.commands import read_go
from dockerfix.facts.repository import Facts
from dockerfix.proof.go.builds import Build, builds_of
from dockerfix.proof.obligation import Image, Obligation, Verdict
from dockerfix.proof.steps.chain import NoSuchImageError, Step, find_stage, flatten
from dockerfix.proof.steps.commands import script_of
from dockerfix.proof.steps.reading import set_by
from dockerfix.syntax.dockerfile import Copy, Run, Stage
from dockerfix.text import Place, SnapshotError


class Program(Struct, frozen=True):
    """A Go program in an image: where it stands there, what it was compiled from (by the name
    of each part), and the place of its `go build`."""

    path: str
    parts: dict[str, str]
    place: Place


class SameGoInput(Obligation, frozen=True):
    """Each Go program that the image ships is compiled by a `go build` with the same base image,
    variables, flags and packages."""

    before: Image
    after: Image

    kind: ClassVar[str] = "same go input"

    def check(self, before: Facts, after: Facts) -> Verdict:
        """Whether each program is built as it was."""
        statement = f"Each Go program of {self.after} is compiled as in {self.before}"
        try:
            old = tuple(programs(before, self.before))
            new = {one.path: one for one in programs(after, self.after)}
        except NoSuchImageError as error:
            return Verdict(statement, (), (str(error),))
        if not old:
            return Verdict(f"No program of {self.after} could be followed to `go build`")
        failures = [line for one in old for line in _differences(one, new.get(one.path))]
        return Verdict(statement, (), tuple(dict.fromkeys(failures)))

    @property
    def about(self) -> str:
        """The Dockerfile of the image before."""
        return self.before.dockerfile


def may_build(facts: Facts, image: Image) -> bool:
    """Whether a Dockerfile runs `go build` at all."""
    try:
        if b"go build" not in facts.snapshot.read(image.dockerfile):
            return False
        stages = facts.stages(image.dockerfile).stages
    except SnapshotError:
        return False
    runs = (item for stage in stages for item in stage.instructions if isinstance(item, Run))
    scripts = (script for run in runs if (script := script_of(run)) is not None)
    return any(read_go(command) is not None for s in scripts for command in s.commands())


def programs(facts: Facts, image: Image) -> Iterator[Program]:
    """The Go programs that an image takes out of its build stages, as far as they can be
    followed. Raises `NoSuchImageError`."""
    graph, stage = find_stage(facts, image)
    for step in flatten(graph, stage).steps:
        source = step.references[0] if step.references else None
        copy = step.placed
        if not isinstance(step.instruction, Copy) or not isinstance(source, Stage) or copy is None:
            continue
        for path in copy.sources:
            name = posixpath.join(copy.target, posixpath.basename(path))
            landing = name if copy.destination.endswith("/") else copy.target
            found = _maker(graph, source, f"/{path}")
            if found is not None:
                yield Program(landing, *found)


def _maker(graph: StageGraph, stage: Stage, path: str) -> tuple[dict[str, str], Place] | None:
    """What the last build that writes a path of a stage is told; None where none does."""
    steps = flatten(graph, stage).steps
    last: tuple[Step, Build] | None = None
    for step, build in builds_of(iter(steps)):
        if build.output == path:
            last = (step, build)
    if last is None:
        return None
    step, build = last
    place = step.instruction.source.place(build.call.command.span)
    return _input(graph, stage, steps[: steps.index(step)], build), place


def _input(
    graph: StageGraph, stage: Stage, before: tuple[Step, ...], build: Build
) -> dict[str, str]:
    """All that a build is told, by name."""
    base = flatten(graph, stage).base
    call = build.call
    flags = " ".join(f"-{name}={value}" if value else f"-{name}" for name, value in call.flags)
    told = {
        "base image": base.image,
        "base image's arguments": ", ".join(f"{name}={value}" for name, value in base.arguments),
        "platform": base.platform,
        "flags": flags,
        "packages": " ".join(call.packages) or ".",
        "folder": build.folder,
        "assignments": " ".join(build.assignments),
        "verb": call.verb,
    }
    for step in before:
        if step.instruction.keyword == "SHELL":
            told["shell"] = step.instruction.text
        for name in set_by(step):
            if f"${name}" in flags or f"${{{name}" in flags or name.startswith(("GO", "CGO_")):
                told[f"variable {name}"] = str(step.key)
    return told


def _differences(old: Program, new: Program | None) -> Iterator[str]:
    """What is not as it was, one line for each part."""
    if new is None:
        yield f"{old.place}: nothing that can be followed to `go build` makes {old.path} any more"
        return
    for name in dict.fromkeys((*old.parts, *new.parts)):
        was, now = old.parts.get(name, ""), new.parts.get(name, "")
        if was != now:
            what = f"{old.path}: {name}: `{now or 'none'}`, it was `{was or 'none'}`"
            yield f"{new.place}: {what} at {old.place}"
