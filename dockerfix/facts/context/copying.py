"""What COPY and ADD put into the stages of one build, without building it.

Knows one Dockerfile with its context and its ignore file; what published images hold is asked
of the caller.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection
from functools import cached_property

from dockerfix.facts.context.script import BuildScript
from dockerfix.facts.context.stage_run import StageFiles, StageRun
from dockerfix.facts.context.steps import BuildInput, Failure, StageScript
from dockerfix.facts.repository import Facts
from dockerfix.facts.trees.asked import followed
from dockerfix.facts.trees.ignore import IgnoreFile, Judge, read_ignore
from dockerfix.facts.trees.sources import select
from dockerfix.facts.trees.tree import Folder, ImageRef, StageRef

Images = Callable[[ImageRef], "Simulation | Folder | None"]
"""Says what an image or a named context holds: the build that makes it (whose input names the
image), the tree of a folder, or None."""


def no_images(image: ImageRef) -> Simulation | Folder | None:
    """Knows no image."""
    return None


def local_context(facts: Facts, folder: str) -> Folder:
    """What a folder holds as a named context: its own ignore file counts. Raises
    `BadIgnoreError`, and `SnapshotError` when that file cannot be read."""
    path = posixpath.join(folder, ".dockerignore")
    judge = None
    if path in facts.snapshot:
        judge = Judge(facts.snapshot.derive(path, read_ignore).rules)
    return select(facts.tree(folder), exclude=judge)


class Simulation:
    """One build; stages are worked out when they are asked for.

    `whole` is the tree of the context's folder when the caller knows more of it than the
    snapshot does. With `generated`, a path that the context has not, and that the ignore file
    would let through, is taken for something that is made before the build. Raises
    `SnapshotError` when the Dockerfile or its ignore file cannot be read.
    """

    def __init__(
        self,
        facts: Facts,
        given: BuildInput,
        *,
        images: Images = no_images,
        whole: Folder | None = None,
        generated: bool = False,
    ) -> None:
        self.facts = facts
        self.given = given
        self.images = images
        self.generated = generated
        self.script = BuildScript(facts.stages(given.dockerfile), given, self._published)
        self._whole = whole
        self._made: dict[StageRef, StageFiles] = {}
        self._builds: dict[str, Simulation] = {}
        self._folders: dict[ImageRef, Folder] = {ImageRef("scratch"): Folder()}

    def _published(self, image: ImageRef) -> StageScript | None:
        found = self.images(image)
        if isinstance(found, Simulation):
            self._builds[found.given.image] = found
            return found.script.target
        if found is not None:
            self._folders[image] = found
        return None

    @cached_property
    def ignore(self) -> IgnoreFile | None:
        """The ignore file that BuildKit reads for this build."""
        path = self.facts.ignore_path(self.given.context, self.given.dockerfile)
        return self.facts.snapshot.derive(path, read_ignore) if path is not None else None

    @cached_property
    def judge(self) -> Judge | None:
        """The patterns of the ignore file. Raises `BadIgnoreError`."""
        return Judge(self.ignore.rules) if self.ignore is not None else None

    @cached_property
    def whole(self) -> Folder:
        """Everything in the context's folder."""
        if self._whole is not None:
            return self._whole
        return self.facts.tree(self.given.context)

    @cached_property
    def left(self) -> Folder:
        """What the ignore file leaves of the context's folder. Raises `BadIgnoreError`."""
        return select(self.whole, exclude=self.judge)

    @cached_property
    def asked(self) -> frozenset[str]:
        """The absolute paths of the context that the stages of this build name."""
        target = self.script.target
        if target is None:
            return frozenset()
        return frozenset().union(*(script.asked for script in self.script.needed(target)))

    @cached_property
    def context(self) -> Folder:
        """The context that the stages see: what the ignore file leaves of what they ask for.

        Raises `BadIgnoreError`.
        """
        return self.sent_for(self.asked)

    def sent_for(self, asked: Collection[str]) -> Folder:
        """What BuildKit is sent for some absolute paths of the context, and for what the links
        in them lead to. Raises `BadIgnoreError`."""
        patterns = followed(self.whole, asked)
        return self.left if patterns is None else select(self.left, Judge(patterns))

    def may_be_made(self, path: str) -> bool:
        """Whether a path of the context that is not there may be made before the build."""
        if not self.generated or path == "/":
            return False
        return self.judge is None or not self.judge.judge_path(path[1:]).matched

    @property
    def target(self) -> StageFiles | None:
        """The stage that the build gives; None when the Dockerfile has no such stage."""
        script = self.script.target
        return self.stage(script.ref) if script is not None else None

    @property
    def failure(self) -> Failure | None:
        """Why the build fails, as far as reading can know."""
        return next((files.failure for files in self.needed if files.failure is not None), None)

    @property
    def needed(self) -> tuple[StageFiles, ...]:
        """The stages that the build needs, in the order of the file."""
        script = self.script.target
        if script is None:
            return ()
        return tuple(self.stage(needed.ref) for needed in self.script.needed(script))

    def image(self, ref: ImageRef) -> Folder:
        """What an image or a named context holds that no Dockerfile here makes."""
        return self._folders.get(ref) or Folder(unknown=(ref,))

    def origin(self, ref: StageRef | ImageRef) -> StageRef | ImageRef:
        """A stage without steps of its own is what it stands on."""
        while isinstance(ref, StageRef):
            script = self.stage(ref).script
            if script.steps or script.base is None:
                break
            ref = script.base
        return ref

    def stage(self, ref: StageRef) -> StageFiles:
        """A stage of this build, or of the build of an image, after its last step."""
        if not self.given.owns(ref):
            build = self._build_of(ref)
            assert build is not None, ref  # references come out of these very builds
            return build.stage(ref)
        if ref not in self._made:
            self._made[ref] = StageRun(self, self.script.stage(ref.index)).result()
        return self._made[ref]

    def _build_of(self, ref: StageRef) -> Simulation | None:
        """The build, among those of images, that a stage belongs to."""
        for build in self._builds.values():
            found = build if build.given.owns(ref) else build._build_of(ref)
            if found is not None:
                return found
        return None
