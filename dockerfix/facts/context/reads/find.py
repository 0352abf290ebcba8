"""The answer: what is read of a context, over all ways to build a Dockerfile and all its stages.

Knows where the context stands in each stage; what a command reads stands in `shell`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from msgspec import Struct

from dockerfix.facts.context.reads.built import add_built
from dockerfix.facts.context.reads.context_reads import ContextReads, UnknownReadError
from dockerfix.facts.context.reads.shell import OF_FILES, ShellReads
from dockerfix.facts.context.script import BuildScript
from dockerfix.facts.context.steps import BuildInput, CopyStep, RunStep, StageScript, absolute
from dockerfix.facts.dockerfile.walk import At, walk
from dockerfix.facts.dotnet import ProjectError
from dockerfix.facts.go.packages import GoError
from dockerfix.facts.javascript.turbo_settings import WorkspaceError
from dockerfix.facts.repository import Facts
from dockerfix.facts.trees.globs import has_wildcard
from dockerfix.facts.trees.tree import StageRef
from dockerfix.syntax.dockerfile import Instruction, Run
from dockerfix.syntax.shell import (
    parse_shell,
)

_BRACKETS = re.compile(r"(?<!\S)\[\[?\s([^\]]*)\]")


_CASES = re.compile(r"\bcase\s([^\n]*?)\sin\b")


_ENTERS = re.compile(r"\b(cd|pushd)\b")


class Reads(Struct, frozen=True):
    """What is read of a context: paths relative to it. `left` are the folders that are not,
    but for a manifest, where that is the shorter way to say it."""

    paths: tuple[str, ...]
    left: tuple[str, ...] = ()


def reads_of(
    facts: Facts,
    dockerfile: str,
    context: str,
    wholes: Sequence[Instruction],
    *,
    projects: bool = True,
) -> Reads | None:
    """What is read of a context that the instructions `wholes` copy.

    None where all of it may be: a command is not known, or the copy is in an image that is asked
    for; for .NET and scripts of packages unless `projects`. Raises `SnapshotError` when the
    Dockerfile cannot be read.
    """
    given = (BuildInput.of(build) for build in facts.builds.builds)
    ways = [w for w in given if w and (w.dockerfile, w.context) == (dockerfile, context)]
    reading = ContextReads(facts, dockerfile, context)
    stages = _Stages(reading, wholes)
    try:
        for way in ways or [BuildInput(dockerfile, context)]:
            stages.build(BuildScript(facts.stages(dockerfile), way))
        if (reading.starts or reading.members) and not projects:
            return None
        add_built(reading)
    except (UnknownReadError, ProjectError, GoError, WorkspaceError):
        return None
    if any(has_wildcard(path) or "\\" in path for path in reading.found):
        return None  # a line of an ignore file would take it for a pattern
    return Reads(tuple(sorted(reading.found)), reading.left)


class _Stages:
    """The stages with a copy of the whole context; `at` is where it stands in each of them, by
    the stage's index."""

    def __init__(self, reads: ContextReads, wholes: Sequence[Instruction]) -> None:
        self.reads = reads
        self.wholes = wholes
        self.at: dict[int, str] = {}

    def build(self, script: BuildScript) -> None:
        """One way to build the file. Raises `UnknownReadError`."""
        self.at = {}
        for stage in self.reads.graph.stages:
            self.stage(script.stage(stage.index))
        target = script.target
        if target is None or target.ref.index in self.at:
            raise UnknownReadError
        for stage in self.reads.graph.stages:
            self.taken(script.stage(stage.index))

    def stage(self, script: StageScript) -> None:
        """The commands of a stage behind the copy."""
        index = script.ref.index
        if isinstance(script.base, StageRef) and script.base.index in self.at:
            self.at[index] = self.at[script.base.index]
        copies = {
            step.instruction: step.destination
            for step in script.steps
            if isinstance(step, CopyStep) and step.instruction in self.wholes
        }
        for at in walk(self.reads.graph, script.stage):
            if at.stage is not script.stage:
                continue
            if at.item in copies:
                self.copied(index, copies[at.item])
            elif at.item in self.wholes:  # a bind mount of everything
                raise UnknownReadError
            elif index in self.at and isinstance(at.item, Run):
                self.reads.built_in[index] = None
                self.run(at.item, at, self.at[index])

    def copied(self, index: int, destination: str) -> None:
        """The whole context stands at a place from here on."""
        place = posixpath.normpath(destination)
        if "$" in place or place == "/" or self.at.get(index, place) != place:
            raise UnknownReadError
        self.at[index] = place
        self.reads.places[place] = None

    def taken(self, script: StageScript) -> None:
        """What a stage takes from one with the copy."""
        for step in script.steps:
            if isinstance(step, CopyStep):
                pairs = [(step.source, absolute("/", path)) for path in step.local]
            elif isinstance(step, RunStep):
                pairs = [(mount.source, mount.path) for mount in step.mounts]
            else:
                continue
            for source, path in pairs:
                if isinstance(source, StageRef) and source.index in self.at:
                    self.reads.path(path, self.at[source.index])

    def run(self, run: Run, at: At, place: str) -> None:
        """One RUN behind the copy."""
        script = parse_shell(run.script) if run.script is not None else None
        if run.script is None or script is None or script.broken or script.functions:
            raise UnknownReadError
        if "<" in run.script.text.replace("<<", ""):
            raise UnknownReadError  # a file is read, or a program's output
        _check_conditions(run.script.text)
        for test in _BRACKETS.findall(run.script.text):
            self.test(test, at.folder, run.script.text, place)
        for name, value in at.environment:
            self.reads.setting(name, value)
            self.reads.mentioned(value, place, place)
        ShellReads(self.reads, place).statements(script.statements, at.folder)

    def test(self, text: str, folder: str, script: str, place: str) -> None:
        """A test in brackets, which the shell's tree leaves out: the files that it asks for. In
        a script that enters a folder they are not known."""
        words = text.split()
        if not OF_FILES.isdisjoint(words):
            if "$" in text or _ENTERS.search(script):
                raise UnknownReadError
            for word in words:
                self.reads.mentioned(word.strip("\"'"), folder, place)


def _check_conditions(text: str) -> None:
    """Raises `UnknownReadError` for a condition that takes the output of a command."""
    for condition in (*_BRACKETS.findall(text), *_CASES.findall(text)):
        if "$(" in condition or "`" in condition:
            raise UnknownReadError
