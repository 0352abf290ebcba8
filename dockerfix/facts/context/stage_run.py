"""Carrying out the steps of one stage on trees.

Follows BuildKit's `dispatchCopy` and its file operations; where a base image or a RUN may have
made a difference, the result says so and guesses nothing. Knows steps and trees; where the
files of other stages come from is the simulation's business.
"""

from __future__ import annotations

import posixpath
from typing import Protocol, TypeGuard

from msgspec import Struct

from dockerfix.facts.context import archives
from dockerfix.facts.context.steps import (
    BuildInput,
    CopyStep,
    EnterFolder,
    Failure,
    MountStep,
    RunStep,
    StageScript,
    Step,
    absolute,
)
from dockerfix.facts.repository import Facts
from dockerfix.facts.trees import globs
from dockerfix.facts.trees.ignore import BadIgnoreError, Judge
from dockerfix.facts.trees.layer import CopyError, Layer
from dockerfix.facts.trees.sources import select
from dockerfix.facts.trees.tree import (
    Elsewhere,
    Folder,
    Found,
    FromAddress,
    FromContext,
    ImageRef,
    LinkFromContext,
    MadeByRun,
    Node,
    NoSuchPathError,
    Repository,
    StageRef,
    TooManyLinksError,
    Unpacked,
    expand,
    look_up,
)
from dockerfix.syntax.dockerfile import Add, Instruction
from dockerfix.text import SnapshotError


class Taken(Struct, frozen=True):
    """The nodes that one COPY, ADD or mount took, filters applied."""

    step: CopyStep | MountStep
    nodes: tuple[Node, ...]


class StageFiles(Struct, frozen=True):
    """What is known of a stage after its last step.

    `root` is its file system. A stage with a `failure` is as it was before the step that
    failed.
    """

    script: StageScript
    root: Folder
    taken: tuple[Taken, ...] = ()
    failure: Failure | None = None


class _StopError(Exception):
    """The build stops at the current step."""


class _FailedStageError(Exception):
    """A stage that this one needs has failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


_STOPS = (_StopError, CopyError, TooManyLinksError, BadIgnoreError)


class Surroundings(Protocol):
    """The build that a stage is part of, as far as the stage asks for it."""

    facts: Facts
    given: BuildInput

    @property
    def context(self) -> Folder:
        """The context that the stages see."""

    def stage(self, ref: StageRef) -> StageFiles:
        """A stage of this build, or of the build of an image, after its last step."""

    def image(self, ref: ImageRef) -> Folder:
        """What an image or a named context holds that no Dockerfile here makes."""

    def origin(self, ref: StageRef | ImageRef) -> StageRef | ImageRef:
        """A stage without steps of its own is what it stands on."""

    def may_be_made(self, path: str) -> bool:
        """Whether a path of the context that is not there may be made before the build."""


class StageRun:
    """One stage while its steps are carried out."""

    def __init__(self, build: Surroundings, script: StageScript) -> None:
        self.build = build
        self.script = script
        self.taken: list[Taken] = []
        self.layer = Layer(Folder())

    def result(self) -> StageFiles:
        """Carry out the stage."""
        failure = self.carry_out_all() or self.script.failure
        return StageFiles(self.script, self.layer.root, tuple(self.taken), failure)

    def carry_out_all(self) -> Failure | None:
        """All steps up to the first that fails."""
        item: Instruction = self.script.stage.from_
        try:
            if self.script.base is not None:
                self.layer = Layer(self.files_of(self.script.base))
            for step in self.script.steps:
                item = step.instruction
                self.carry_out(step)
        except _FailedStageError as error:
            return error.failure
        except _STOPS as error:
            return Failure(item.source.place(item.code), str(error))
        return None

    def files_of(self, source: StageRef | ImageRef | None) -> Folder:
        """The file system behind a reference; None is the context."""
        if source is None:
            return self.build.context
        if isinstance(source, StageRef):
            stage = self.build.stage(source)
            if stage.failure is not None:
                raise _FailedStageError(stage.failure)
            return stage.root
        return self.build.image(source)

    def carry_out(self, step: Step) -> None:
        """One step."""
        if isinstance(step, EnterFolder):
            if step.path != "/":
                self.layer.make_folder(step.path)
        elif isinstance(step, CopyStep):
            self.taken.append(_Copying(self, step).outcome())
        else:
            self.run(step)

    def run(self, step: RunStep) -> None:
        """RUN: its mounts are read, what it makes is not known."""
        for mount in step.mounts:
            node, _ = self.find(mount.source, self.files_of(mount.source), mount.path)
            self.taken.append(Taken(mount, (node,)))
        self.layer.root.also((MadeByRun(self.script.ref),))

    def find(
        self, source: StageRef | ImageRef | None, root: Folder, path: str
    ) -> tuple[Node, Found]:
        """What stands at a path of a source; stops the build where nothing can."""
        found = look_up(root, path)
        if found.node is not None:
            return found.node, found
        if found.certain and not (source is None and self.build.may_be_made(found.path)):
            raise _StopError(f'"{path}": not found')
        return self.unseen(source, found.path), found

    def unseen(self, source: StageRef | ImageRef | None, path: str) -> Elsewhere:
        """What stands for a path that reading cannot see."""
        if source is not None:
            return Elsewhere(self.build.origin(source), path)
        return Elsewhere(Repository(), posixpath.join(self.build.given.context, path[1:]))


class _Copying:
    """One COPY or ADD while it is carried out."""

    def __init__(self, run: StageRun, step: CopyStep) -> None:
        self.run = run
        self.step = step
        self.nodes: list[Node] = []
        self.layer = Layer(Folder()) if step.link else run.layer
        self.root = run.files_of(step.source) if step.local else Folder()
        self.exclude = Judge(step.exclude) if step.exclude else None

    def outcome(self) -> Taken:
        """Copy every source."""
        for path in self.step.paths:
            if archives.is_fetched(path):
                self.fetch(path)
            elif self.step.parents:
                self.with_parents(path)
            else:
                for found in self.matching(absolute("/", path)):
                    self.entry(found)
        for text in self.step.heredocs:
            self.layer.copy(text, text.name, self.step.destination, contents=False)
        if self.step.link:
            self.run.layer.put_on(self.layer.root)
        return Taken(self.step, tuple(self.nodes))

    def fetch(self, text: str) -> None:
        """ADD of something fetched."""
        leaf = FromAddress(text)
        if archives.is_git(text) or self.step.unpack:
            self.layer.unpack(leaf, self.step.destination)
        else:
            name = archives.file_name(text)
            self.layer.copy(leaf, name, self.step.destination, contents=False)

    def matching(self, path: str) -> list[str]:
        """The paths that a source stands for; nothing is no error when it has wildcards."""
        if not globs.has_wildcard(path):
            return [path]
        may_be_made = self.step.source is None and self.run.build.may_be_made(path)
        try:
            found, certain = expand(self.root, path)
        except NoSuchPathError as error:
            if may_be_made:
                return [path]
            raise _StopError(f"lstat {error.path}: no such file or directory") from None
        except globs.BadPatternError:
            raise _StopError(f"syntax error in pattern {path}") from None
        return [*found, path] if not certain or (may_be_made and not found) else found

    def entry(self, path: str) -> None:
        """Copy one file or folder of the source tree."""
        node, found = self.run.find(self.step.source, self.root, path)
        if isinstance(node, Folder):
            chosen = select(node, exclude=self.exclude)
            if self.exclude is not None and path == "/":
                self.check_links(chosen)
            self.folder(chosen, found.path, found.certain)
        elif self.is_archive(node):
            self.nodes.append(node)
            self.layer.unpack(Unpacked(node.path), self.step.destination)
        else:
            self.nodes.append(node)
            self.layer.copy(node, posixpath.basename(path), self.step.destination)

    def folder(self, chosen: Folder, path: str, certain: bool) -> None:
        """Copy the contents of a folder, from which the filters have chosen already."""
        self.nodes.append(chosen)
        unknown: tuple[Elsewhere, ...] = ()
        if not certain and self.step.source is not None:
            unknown = (self.run.unseen(self.step.source, path),)
            chosen = Folder(chosen.children) if path == "/" else chosen
        name = posixpath.basename(path)
        self.layer.copy(chosen, name, self.step.destination, unknown=unknown)

    def with_parents(self, text: str) -> None:
        """`--parents`: the part after `/./` keeps its folders."""
        parent, pivot, pattern = text.partition("/./")
        if not pivot:
            parent, pattern = "/", text
        pattern = absolute("/", pattern)[1:]
        start = absolute("/", parent)
        required = not globs.has_wildcard(start) and not globs.has_wildcard(pattern)
        include = Judge([pattern] if pattern else [])
        for path in self.matching(start):
            found = look_up(self.root, path)
            if not isinstance(found.node, Folder):
                if required:
                    raise _StopError(f'"{posixpath.join(start, pattern)}": not found')
                self.entry(path)
                continue
            chosen = select(found.node, include, self.exclude)
            if required and found.certain and not chosen.children:
                self.made_later(posixpath.join(start, pattern), pattern)
                continue
            if path == "/":
                self.check_links(chosen)
            self.layer.check_walk(found.node, self.step.destination)
            self.folder(chosen, found.path, found.certain)

    def made_later(self, path: str, pattern: str) -> None:
        """A path under `--parents` that is not there; the root by itself matches nothing."""
        if not pattern:
            raise _StopError(f'"{path}": not found')
        node, _ = self.run.find(self.step.source, Folder(), path)
        destination = posixpath.join(self.step.destination, pattern)
        self.layer.copy(node, posixpath.basename(path), destination)

    def check_links(self, chosen: Folder) -> None:
        """Where filters choose from the root, BuildKit follows the links that stand there."""
        for name, node in chosen.children.items():
            if isinstance(node, LinkFromContext):
                found = look_up(self.root, name)
                if found.node is None and found.certain:
                    raise _StopError(f'"/{name}": not found')

    def is_archive(self, node: Node) -> TypeGuard[FromContext]:
        """Whether ADD unpacks this file."""
        if not isinstance(self.step.instruction, Add) or not isinstance(node, FromContext):
            return False
        if self.step.unpack is False:
            return False
        try:
            data = self.run.build.facts.snapshot.peek(node.path)
        except SnapshotError:  # too large, as archives are, or in a folder that was not walked
            data = None
        return archives.is_archive(node.path, data)
