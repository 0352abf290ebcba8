"""The obligations of a patch: what it owes, derived from what it touches.

Every touched Dockerfile owes its images, every changed ignore file their files, every patch
the images that call sites ask for and the names that it removes, every pipeline file its
values. A transform can neither leave one out nor soften it: its permits only name single
differences. Knows what owes what; judges nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from dockerfix.facts.dockerfile.file_names import is_dockerfile
from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.facts.gitlab.pipeline import Pipeline
from dockerfix.facts.repository import Facts
from dockerfix.proof.asks.asks import Ask, asks_of, values_for
from dockerfix.proof.obligation import Image, Obligation, Permit
from dockerfix.text import SnapshotError

Changes = Mapping[str, bytes | None]
"""The bytes of each written file; None for a deleted one."""


class Owed(Struct, frozen=True):
    """The obligations of a patch, and what is owed and cannot be stated, one line each."""

    obligations: tuple[Obligation, ...]
    unproved: tuple[str, ...] = ()


@dataclass(slots=True)
class _Asked:
    """An image of before that the patch touches: by which names and with which build contexts
    it is asked for; `files_alone` when only the files that it copies can change."""

    image: Image
    contexts: dict[str | None, None] = field(default_factory=dict)
    files_alone: bool = False


_Key = tuple[str, int]
"""A Dockerfile and the index of a stage in it."""


def is_workflow(path: str) -> bool:
    """Whether GitHub takes a file for a workflow."""
    folder, _, name = path.rpartition("/")
    return folder == ".github/workflows" and name.endswith((".yml", ".yaml"))


def owed(before: Facts, after: Facts, changes: Changes, permits: Sequence[Permit]) -> Owed:
    """What a patch with these changes and permits owes.

    Raises what the facts raise for files that cannot be read.
    """
    derivation = _Derivation(before, after, changes, permits)
    images = tuple(derivation.images())
    return Owed(
        (
            *images,
            *derivation.asks(),
            *derivation.references(),
            *derivation.pipelines(),
            *derivation.caches(),
            *derivation.workflows(),
        ),
        tuple(derivation.unproved),
    )


class _Derivation:
    """One patch. Private to `owed`."""

    def __init__(
        self, before: Facts, after: Facts, changes: Changes, permits: Sequence[Permit]
    ) -> None:
        self.before = before
        self.after = after
        self.changes = changes
        self.permits = _Permits(before, permits)
        self.unproved: dict[str, None] = {}
        self.asked: dict[_Key, _Asked] = {}

    # Images.

    def images(self) -> Iterator[Obligation]:
        """What every touched image owes."""
        self.gather()
        for key, asked in self.asked.items():
            heir = self.permits.heirs.get(key)
            path = asked.image.dockerfile
            lost = heir is None and path not in self.after.snapshot
            if lost and not asked.contexts:
                self.unproved[f"{path} is deleted; no call site that was read builds it"] = None
            else:
                yield from self.image(asked, heir or asked.image)

    def image(self, asked: _Asked, heir: Image) -> Iterator[Obligation]:
        """What one image owes."""
        from dockerfix.proof.cargo.artefact_produced import ArtefactProduced
        from dockerfix.proof.cargo.same_compiler_input import SameCompilerInput
        from dockerfix.proof.image.same_runtime import SameRuntime

        image, permits = asked.image, self.permits
        if not asked.files_alone:
            changed = permits.instructions(image)
            yield SameRuntime(image, heir, permits.rules_for(image), changed)
            yield SameCompilerInput(image, heir, permits.aspects_for(image))
            yield ArtefactProduced(heir, image)
        yield from self.files(asked, heir)

    def files(self, asked: _Asked, heir: Image) -> Iterator[Obligation]:
        """*Same files*, once for each build context."""
        from dockerfix.proof.context.same_files import SameFiles

        image, permits = asked.image, self.permits
        contexts = [context for context in asked.contexts if context is not None]
        for context in contexts or self.likely_contexts(image, heir):
            moved = permits.contexts.get((image.dockerfile, context), context)
            yield SameFiles(
                image,
                heir,
                context,
                moved,
                permits.details(image, "provider-lacks"),
                "sibling-image" in permits.rules_for(image),
                "sources" in permits.rules_for(image),
                "left-out" in permits.rules_for(image),
            )
        if None in asked.contexts:
            self.unproved[
                f"same files: {image} is also built with a context that reading cannot know"
            ] = None
        elif not asked.contexts:
            what = f"same files: no call site says with which context {image} is built"
            self.unproved[what] = None

    def likely_contexts(self, image: Image, heir: Image) -> list[str]:
        """The contexts of an image that nobody asks for: those of the file that stands for it,
        or of its own file's other images, else the one that the patch takes for its own, or the
        file's own folder."""
        files = {image.dockerfile, heir.dockerfile}
        builds = (*self.before.builds.builds, *self.after.builds.builds)
        found = {b.context for b in builds if b.dockerfile in files and b.context is not None}
        taken = [old for path, old in self.permits.contexts if path == image.dockerfile]
        return sorted(found) or taken or [posixpath.dirname(image.dockerfile)]

    def gather(self) -> None:
        """All touched images: those that call sites ask for, those that something stands for,
        and the last image of a touched Dockerfile that neither knows."""
        for ask in asks_of(self.before.builds, values_for(self.before)):
            if ask.dockerfile is not None and ask.dockerfile in self.before.snapshot:
                self.ask(ask, ask.dockerfile)
        for image in self.permits.pairs:
            self.add(image)
        known = {path for path, _ in self.asked}
        for path in sorted(self.changes):
            if path in self.before.snapshot and path not in known and is_dockerfile(path):
                self.add(Image(path))

    def ask(self, ask: Ask, path: str) -> None:
        """An image that a call site asks for, when the patch touches it."""
        context = ask.context
        moved = context is not None and (path, context) in self.permits.contexts
        replaced = self.key(Image(path, ask.target)) in self.permits.heirs
        if path in self.changes or moved or replaced:
            asked = self.add(Image(path, ask.target))
            if asked is not None:
                asked.contexts[context] = None
                asked.files_alone = False
        elif context is not None and self.ignored_otherwise(context, path):
            fresh = self.key(Image(path, ask.target)) not in self.asked
            asked = self.add(Image(path, ask.target))
            if asked is not None:
                asked.contexts[context] = None
                asked.files_alone = fresh or asked.files_alone

    def ignored_otherwise(self, context: str, dockerfile: str) -> bool:
        """Whether the patch touches the ignore file of a build."""
        paths = (f"{dockerfile}.dockerignore", posixpath.join(context, ".dockerignore"))
        return any(path in self.changes for path in paths)

    def add(self, image: Image) -> _Asked | None:
        """The entry of an image of before; None where there is no such stage."""
        key = self.key(image)
        if key is None:
            return None
        known = self.asked.setdefault(key, _Asked(image))
        if image.target and not known.image.target:
            known.image = image
        return known

    def key(self, image: Image) -> _Key | None:
        """The stage that an image is, on the side before."""
        return _key(self.before, image)

    # What concerns the whole repository.

    def asks(self) -> Iterator[Obligation]:
        """Every call site may be among what a patch touches."""
        from dockerfix.proof.asks.same_images_asked_for import SameImagesAskedFor

        if self.before.builds.builds or self.after.builds.builds:
            permits = self.permits
            yield SameImagesAskedFor(
                tuple(permits.pairs.items()),
                frozenset(permits.arguments),
                frozenset((*key, new) for key, new in permits.contexts.items()),
                frozenset(permits.left),
                frozenset(p.place for p in permits.of_jobs if p.rule == "steps-joined"),
            )

    def references(self) -> Iterator[Obligation]:
        """What the patch removes may be named somewhere, whoever removed it."""
        from dockerfix.proof.references.no_dangling_reference import NoDanglingReference

        deleted = tuple(path for path, data in sorted(self.changes.items()) if data is None)
        old, new = (_jobs(facts.pipeline) for facts in (self.before, self.after))
        gone = tuple(name for name in old if name not in new)
        yield NoDanglingReference(deleted, gone, frozenset(self.permits.left))

    def pipelines(self) -> Iterator[Obligation]:
        """*Pipeline change*, for a pipeline with a file among what is touched."""
        from dockerfix.proof.pipeline.pipeline_change import PipelineChange

        known = [facts.pipeline for facts in (self.before, self.after)]
        for path in dict.fromkeys(p.path for p in known if p is not None):
            moved = {old.dockerfile: new.dockerfile for old, new in self.permits.pairs.items()}
            files = {name for p in known if p is not None for name in p.files}
            if files & self.changes.keys():
                yield PipelineChange(path, self.permits.of_jobs, tuple(moved.items()))

    def caches(self) -> Iterator[Obligation]:
        """*Cache refs*, for a pipeline whose builds read or write other caches."""
        from dockerfix.proof.pipeline.cache_change import CacheChange, changes_caches

        if changes_caches(self.before, self.after):
            yield CacheChange(self.permits.of_jobs)

    def workflows(self) -> Iterator[Obligation]:
        """*Workflow change*, for each touched workflow that stands on both sides."""
        from dockerfix.proof.pipeline.workflow_change import WorkflowChange

        for path, data in sorted(self.changes.items()):
            if data is not None and is_workflow(path) and path in self.before.snapshot:
                yield WorkflowChange(path, self.permits.of_jobs, tuple(self.permits.pairs.items()))


class _Permits:
    """The permits by what they are about."""

    def __init__(self, before: Facts, permits: Sequence[Permit]) -> None:
        self.before = before
        self.pairs: dict[Image, Image] = {}
        self.heirs: dict[_Key, Image] = {}
        self.contexts: dict[tuple[str, str], str] = {}
        self.arguments: set[tuple[str, str]] = set()
        self.left: set[tuple[str, str]] = set()
        self.of_jobs = tuple(permits)
        self.of_images: dict[_Key, list[Permit]] = {}
        for permit in permits:
            self.take(permit)

    def take(self, permit: Permit) -> None:
        """Sort one permit in."""
        if permit.rule == "argument-added":
            self.arguments.add((permit.subject, permit.detail))
        elif permit.rule == "left-behind":
            self.left.add((permit.subject, permit.place))
        elif permit.rule == "context-moved":
            self.contexts[permit.subject, permit.before] = permit.after
        else:
            image = self.image(permit.subject)
            key = _key(self.before, image)
            if key is None:
                return
            self.of_images.setdefault(key, []).append(permit)
            if permit.rule == "stands-for":
                self.pairs[image] = self.heirs[key] = Image(permit.place, permit.detail)

    def image(self, subject: str) -> Image:
        """The image that a subject names, `path` or `path:target`."""
        if subject in self.before.snapshot:
            return Image(subject)
        path, _, target = subject.rpartition(":")
        return Image(path, target)

    def of(self, image: Image) -> Iterable[Permit]:
        """The permits of an image, whichever of its names they use."""
        key = _key(self.before, image)
        return self.of_images.get(key, ()) if key is not None else ()

    def rules_for(self, image: Image) -> frozenset[str]:
        """The rules under which the image's instructions may differ."""
        return frozenset(permit.rule for permit in self.of(image))

    def aspects_for(self, image: Image) -> frozenset[str]:
        """The aspects of the compiler's input that may differ: the variable or package where
        one is named, else the whole aspect."""
        from dockerfix.proof.cargo.same_compiler_input import SameCompilerInput

        aspects = SameCompilerInput.accepted_rules
        mine = (permit for permit in self.of(image) if permit.rule in aspects)
        return frozenset(permit.detail or permit.rule for permit in mine)

    def instructions(self, image: Image) -> frozenset[tuple[str, str, str]]:
        """The single instructions of an image that may differ."""
        mine = (p for p in self.of(image) if p.rule in ("instruction", "provider-builds"))
        return frozenset((permit.rule, permit.before, permit.after) for permit in mine)

    def details(self, image: Image, rule: str) -> frozenset[str]:
        """The details of an image's permits under one rule."""
        return frozenset(permit.detail for permit in self.of(image) if permit.rule == rule)


def _key(facts: Facts, image: Image) -> _Key | None:
    if image.dockerfile not in facts.snapshot:
        return None
    try:
        graph: StageGraph = facts.stages(image.dockerfile)
    except SnapshotError:
        return None
    stage = graph.target(image.target)
    return (image.dockerfile, stage.index) if stage is not None else None


def _jobs(pipeline: Pipeline | None) -> tuple[str, ...]:
    return tuple(pipeline.jobs) if pipeline is not None else ()
