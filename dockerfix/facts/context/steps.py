"""Builds and their stages as steps: every word expanded, no file touched.

Values that the simulator's parts hand to each other. Knows what a build is given and what a
step asks for; reads nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from msgspec import Struct, field

from dockerfix.facts.context import archives
from dockerfix.facts.dockerfile.variables import Variables
from dockerfix.facts.model import Build, BuildArgument
from dockerfix.facts.trees.tree import ImageRef, Inline, StageRef
from dockerfix.syntax.dockerfile import Copy, Instruction, Run, Stage
from dockerfix.text import Place, join_path


class Failure(Struct, frozen=True):
    """Why a build stops: where, and what BuildKit says."""

    place: Place
    message: str

    def __str__(self) -> str:
        """`path:line:column: message`."""
        return f"{self.place}: {self.message}"


class BuildInput(Struct, frozen=True):
    """What one build is given: paths relative to the root, a target (empty: the last stage),
    build arguments, named contexts.

    An argument whose value is not known is given as `${NAME}`. A named context that is a
    folder is given as `local:` and its path relative to the root. `image` is the name by which
    another build knows the result, when it is asked for that build's sake.
    """

    dockerfile: str
    context: str
    target: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    named_contexts: Mapping[str, str] = field(default_factory=dict)
    image: str = ""

    def ref(self, index: int) -> StageRef:
        """One of the build's stages."""
        return StageRef(self.dockerfile, index, self.image)

    def owns(self, ref: StageRef) -> bool:
        """Whether a stage is one of this build's."""
        return (ref.dockerfile, ref.image) == (self.dockerfile, self.image)

    @classmethod
    def of(cls, build: Build) -> BuildInput | None:
        """What a call site gives; None when its Dockerfile or its context is not known."""
        if build.dockerfile is None or build.context is None:
            return None
        contexts = _texts(build.named_contexts)
        return cls(
            build.dockerfile,
            build.context,
            build.target.text if build.target is not None else "",
            _texts(build.arguments),
            {name: _context(build, text) for name, text in contexts.items()},
        )


def named_folders(build: Build) -> frozenset[str]:
    """The folders of the repository that a build is given as named contexts."""
    given = (_context(build, text) for text in _texts(build.named_contexts).values())
    return frozenset(text.removeprefix(LOCAL) for text in given if text.startswith(LOCAL))


LOCAL = "local:"
"""What the value of a named context that is a folder begins with."""


def _texts(arguments: tuple[BuildArgument, ...]) -> dict[str, str]:
    return {
        argument.name: argument.value.text if argument.value else "${" + argument.name + "}"
        for argument in arguments
    }


def _context(build: Build, text: str) -> str:
    if "://" in text or "$" in text or text.startswith(("service:", "target:")):
        return text
    folder = join_path(build.folder, text)
    return text if folder is None else LOCAL + folder


class EnterFolder(Struct, frozen=True):
    """WORKDIR, which makes the folder; `path` is absolute."""

    instruction: Instruction
    path: str


class CopyStep(Struct, frozen=True):
    """COPY or ADD.

    `paths` are the sources that are paths or addresses and `heredocs` those that are texts, in
    the order in which BuildKit takes them. `destination` is absolute and keeps a final `/` or
    `/.`. `source` says whose files these are: a stage, an image, or (None) the context.
    """

    instruction: Copy
    paths: tuple[str, ...]
    heredocs: tuple[Inline, ...]
    destination: str
    source: StageRef | ImageRef | None
    exclude: tuple[str, ...]
    parents: bool
    link: bool
    unpack: bool | None

    @property
    def local(self) -> tuple[str, ...]:
        """The paths that are looked up in the source, addresses left out."""
        return tuple(path for path in self.paths if not archives.is_fetched(path))


class MountStep(Struct, frozen=True):
    """A mount that shows files of the context (`source` is None), of a stage or of an image."""

    path: str
    target: str
    source: StageRef | ImageRef | None


class RunStep(Struct, frozen=True):
    """RUN: it reads its mounts, and what it makes is not known."""

    instruction: Run
    mounts: tuple[MountStep, ...]


Step = EnterFolder | CopyStep | RunStep


class StageScript(Struct, frozen=True):
    """A stage as steps.

    `folder` is the working directory and `variables` are the variables after the last step;
    `asked` are the absolute paths of the context that the stage names. When an instruction
    cannot be read the steps before it stay and `failure` says why.
    """

    ref: StageRef
    stage: Stage
    base: StageRef | ImageRef | None
    steps: tuple[Step, ...]
    folder: str
    variables: Variables
    asked: frozenset[str]
    failure: Failure | None = None

    @property
    def sources(self) -> tuple[StageRef | ImageRef, ...]:
        """Everything that the stage stands on, copies from or mounts."""
        found = [self.base]
        for step in self.steps:
            if isinstance(step, CopyStep):
                found.append(step.source)
            elif isinstance(step, RunStep):
                found += [mount.source for mount in step.mounts]
        return tuple(dict.fromkeys(ref for ref in found if ref is not None))

    @property
    def reads_context(self) -> bool:
        """Whether any step takes files of the context."""
        for step in self.steps:
            if isinstance(step, CopyStep) and step.source is None and step.local:
                return True
            if isinstance(step, RunStep) and any(mount.source is None for mount in step.mounts):
                return True
        return False


def absolute(folder: str, path: str) -> str:
    """A clean absolute path; `..` stops at the root. A variable at its start that is not known
    is taken to be absolute."""
    folder = "/" if path.startswith("$") else folder
    return posixpath.normpath("/" + posixpath.join(folder, path).lstrip("/"))
