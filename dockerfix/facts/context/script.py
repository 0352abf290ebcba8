"""A build's stages with every word expanded: what each instruction asks for, no file touched.

Follows BuildKit's `dockerfile2llb`: which stage stands on which, ONBUILD triggers, working
directories, variables, and the paths that decide what is sent. Knows one Dockerfile and what a
build is given; knows no tree of files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

from msgspec.structs import replace

from dockerfix.facts.context import archives
from dockerfix.facts.context.stage_words import StageWords
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
from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.facts.dockerfile.variables import (
    ExpansionError,
    Variables,
    first_variables,
    global_variables,
)
from dockerfix.facts.trees.tree import ImageRef, StageRef
from dockerfix.syntax.dockerfile import (
    Add,
    Copy,
    Instruction,
    Mount,
    Onbuild,
    Run,
    Stage,
)

UNKNOWN_FOLDER = "/${WORKDIR}"
"""Stands for the working directory that a base image sets."""


Published = Callable[[ImageRef], StageScript | None]
"""Says which stage an image or a named context was made from, when a Dockerfile here makes it."""


def nothing_published(image: ImageRef) -> StageScript | None:
    """Knows no image."""
    return None


class _StopError(Exception):
    """The build stops at the current instruction."""


class BuildScript:
    """The stages of one build, each read when it is asked for."""

    def __init__(
        self,
        graph: StageGraph,
        given: BuildInput,
        published: Published = nothing_published,
    ) -> None:
        self.graph = graph
        self.given = given
        self.published = published
        self.contexts = {name.lower(): text for name, text in given.named_contexts.items()}
        self._read: dict[int, StageScript] = {}

    @cached_property
    def outer(self) -> Variables:
        """The variables that FROM sees. Raises `ExpansionError`."""
        return global_variables(self.graph.tree.preamble, self.given.arguments)

    def stage(self, index: int) -> StageScript:
        """The stage of that index, from 0."""
        if index not in self._read:
            self._read[index] = _StageReading(self, self.graph.stages[index]).result()
        return self._read[index]

    @property
    def target(self) -> StageScript | None:
        """The stage that the build gives; None when the Dockerfile has no such stage."""
        stage = self.graph.target(self.given.target)
        return self.stage(stage.index) if stage is not None else None

    def needed(self, script: StageScript) -> tuple[StageScript, ...]:
        """The stages of this Dockerfile that one stage needs, itself included, in order."""
        wanted: dict[int, StageScript] = {}
        queue = [script]
        while queue:
            current = queue.pop()
            if current.ref.index in wanted:
                continue
            wanted[current.ref.index] = current
            queue += [
                self.stage(ref.index)
                for ref in current.sources
                if isinstance(ref, StageRef) and self.given.owns(ref)
            ]
        return tuple(wanted[index] for index in sorted(wanted))

    def earlier(self, stage: Stage, name: str) -> StageScript | None:
        """The earlier stage that FROM finds under a name: its own in lower case."""
        for other in reversed(self.graph.stages[: stage.index]):
            if other.name is not None and other.name.lower() == name:
                return self.stage(other.index)
        return None

    def image(self, name: str) -> ImageRef:
        """An image by its name, or the named context that stands for it."""
        contexts = self.contexts
        return ImageRef(contexts.get(name, contexts.get(name.removesuffix(":latest"), name)))

    def named(self, user: Stage, name: str) -> StageRef | ImageRef:
        """What `--from` or a mount's `from` names: a stage in any case, or an image."""
        stage = self.graph.find(name, before=user.index)
        if stage is not None:
            return self.given.ref(stage.index)
        if name.isdecimal():
            raise _StopError(f"invalid stage index {name}")
        if self.graph.find(name) is not None:
            raise _StopError(
                f'cannot copy from stage "{name}", it needs to be defined before current stage'
                f' "{user.name or ""}"'
            )
        image = self.image(name)
        made = self.published(image)
        return made.ref if made is not None else image


class _StageReading(StageWords):
    """Reads one stage. Private to `BuildScript`."""

    def __init__(self, build: BuildScript, stage: Stage) -> None:
        super().__init__()
        self.build = build
        self.stage = stage
        self.ref = build.given.ref(stage.index)
        self.base: StageRef | ImageRef | None = None
        self.steps: list[Step] = []
        self.asked: set[str] = set()

    def result(self) -> StageScript:
        """Read all instructions."""
        failure = None
        item: Instruction = self.stage.from_
        try:
            for item in self.begin():
                self.read(item)
        except (_StopError, ExpansionError) as error:
            failure = Failure(item.source.place(item.code), str(error))
        return StageScript(
            self.ref,
            self.stage,
            self.base,
            tuple(self.steps),
            self.folder,
            self.variables,
            frozenset(self.asked),
            failure,
        )

    def begin(self) -> tuple[Instruction, ...]:
        """Find what the stage stands on; gives the instructions that follow.

        A named context of the stage's name stands for all of it.
        """
        named = self.build.contexts.get((self.stage.name or "").lower())
        if named is not None:
            self.begin_with_image(ImageRef(named))  # it replaces what its own build did
            return ()
        written = self.stage.from_.image.raw if self.stage.from_.image is not None else ""
        name = self.build.outer.expand(written, self.stage.from_.escape)
        if not name:
            raise _StopError(f"base name ({written}) should not be blank")
        below = self.build.earlier(self.stage, name)
        if below is not None:
            self.begin_with_stage(below)
            return (*_triggers(below.stage), *self.stage.instructions)
        if name == "scratch":
            self.variables = first_variables(self.build.outer, scratch=True)
            return self.stage.instructions
        return (*self.begin_with_image(self.build.image(name)), *self.stage.instructions)

    def begin_with_stage(self, below: StageScript) -> None:
        """FROM another stage."""
        self.base = below.ref
        self.folder = below.folder
        self.variables = below.variables.child()

    def begin_with_image(self, image: ImageRef) -> tuple[Instruction, ...]:
        """FROM an image, whose settings and triggers are known only when a Dockerfile here makes
        it; gives the triggers."""
        made = self.build.published(image)
        self.variables = first_variables(self.build.outer, scratch=False)
        if made is None:
            self.base, self.folder = image, UNKNOWN_FOLDER
            return ()
        self.base, self.folder = made.ref, made.folder
        environment = made.variables.environment
        self.variables = replace(
            self.variables,
            environment=environment,
            values=environment,
            open=made.variables.open,
        )
        return tuple(_triggers(made.stage))

    def read(self, item: Instruction) -> None:
        """One instruction."""
        if isinstance(item, Copy):
            self.steps.append(self.copy(item))
        elif isinstance(item, Run):
            self.steps.append(RunStep(item, tuple(self.mounts(item))))
        elif item.keyword == "WORKDIR":
            self.folder = absolute(self.folder, self.expand(item, item.arguments))
            self.steps.append(EnterFolder(item, self.folder))
        else:
            self.variables = self.variables.after(item)

    def mounts(self, item: Run) -> list[MountStep]:
        """The mounts that show files."""
        found = [self.mount(item, mount) for mount in item.mounts]
        return [step for step in found if step is not None]

    def mount(self, item: Run, mount: Mount) -> MountStep | None:
        """One mount; None when it shows no files of a context, stage or image."""
        name = mount.option("from")
        path = absolute("/", self.expand(item, mount.option("source", "src") or ""))
        target = self.expand(item, mount.option("target", "dst", "destination") or "")
        if name is None and mount.kind in ("bind", "tmpfs"):
            # BuildKit counts a tmpfs among the readers of the context: it then sends all of it.
            self.asked.add(path)
        if mount.kind not in ("bind", "cache") or (name is None and mount.kind == "cache"):
            return None
        source = self.build.named(self.stage, name) if name is not None else None
        return MountStep(path, absolute(self.folder, target), source)

    def copy(self, item: Copy) -> CopyStep:
        """COPY or ADD."""
        destination = item.destination
        if destination is None or not item.sources:
            raise _StopError(f"{item.keyword} requires at least two arguments")
        docs = {doc.word: doc for doc in item.heredocs} if item.json is None else {}
        paths = [self.word(item, word) for word in item.sources if word.raw not in docs]
        name = item.from_.value if item.from_ is not None else None
        step = CopyStep(
            item,
            tuple(paths),
            tuple(self.heredoc(docs[word.raw]) for word in item.sources if word.raw in docs),
            self.destination(self.word(item, destination)),
            self.build.named(self.stage, name) if name else None,
            tuple(_bytewise(flag.value or "") for flag in item.flags if flag.name == "exclude"),
            _switch(item, "parents") is True,
            _switch(item, "link") is True and item.flag("chmod") is None,
            _switch(item, "unpack"),
        )
        if not isinstance(item, Add):
            self.refuse_fetching(step)
        if step.source is None:
            self.asked |= {absolute("/", path) for path in step.local}
        return step

    def refuse_fetching(self, step: CopyStep) -> None:
        """COPY fetches nothing."""
        for path in step.paths:
            if archives.is_fetched(path):
                what = "git ref" if archives.is_git(path) else "URL"
                raise _StopError(f"source can't be a {what} for COPY")


def _triggers(stage: Stage) -> Iterator[Instruction]:
    """What ONBUILD sets up: it runs first in each stage that stands on this one."""
    for item in stage.instructions:
        if isinstance(item, Onbuild) and (inner := item.inner) is not None:
            yield inner


def _bytewise(text: str) -> str:
    """A flag's value as BuildKit reads it: each byte becomes a character of its own, so that a
    pattern beyond ASCII never matches."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _switch(item: Instruction, name: str) -> bool | None:
    """A flag that is on or off; None when it is not there."""
    flag = item.flag(name)
    return None if flag is None else flag.value is None or flag.value.lower() == "true"
