"""The obligations of a patch: what it owes, derived from what it touches.

Every touched Dockerfile owes its images, every changed ignore file their files, every patch
the images that call sites ask for and the names that it removes, every pipeline file its
values. A transform can neither leave one out nor soften it: its permits only name single
differences. Knows what owes what; judges nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Sequence
from itertools import product

from msgspec import Struct

from dockerfix.engine.permits_by_subject import PermitsBySubject
from dockerfix.engine.touched_images import Asked, Changes, TouchedImages
from dockerfix.engine.unjudged import is_workflow, unjudged
from dockerfix.facts.gitlab.pipeline import Pipeline
from dockerfix.facts.given import Given, chosen_by, values_given
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Image, Obligation, Permit


class Owed(Struct, frozen=True):
    """The obligations of a patch, and what is owed and cannot be stated, one line each."""

    obligations: tuple[Obligation, ...]
    unproved: tuple[str, ...] = ()


def owed(before: Facts, after: Facts, changes: Changes, permits: Sequence[Permit]) -> Owed:
    """What a patch with these changes and permits owes.

    Raises what the facts raise for files that cannot be read.
    """
    derivation = _Derivation(before, after, changes, permits)
    images = tuple(derivation.images())
    others = unjudged(before, after, changes, derivation.permits)
    derivation.unproved |= dict.fromkeys(others)
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
        self.permits = PermitsBySubject(before, permits)
        self.unproved: dict[str, None] = {}

    # Images.

    def images(self) -> Iterator[Obligation]:
        """What every touched image owes."""
        touched = TouchedImages(self.before, self.changes, self.permits)
        touched.gather()
        for key, asked in touched.asked.items():
            heir = self.permits.heirs.get(key)
            path = asked.image.dockerfile
            lost = heir is None and path not in self.after.snapshot
            if lost and not asked.contexts:
                self.unproved[f"{path} is deleted; no call site that was read builds it"] = None
            else:
                yield from self.image(asked, heir or asked.image)

    def image(self, asked: Asked, heir: Image) -> Iterator[Obligation]:
        """What one image owes."""
        from dockerfix.proof.cargo.artefact_produced import ArtefactProduced
        from dockerfix.proof.cargo.same_compiler_input import SameCompilerInput
        from dockerfix.proof.go.same_go_input import SameGoInput, may_build
        from dockerfix.proof.image.same_runtime import SameRuntime

        image, permits = asked.image, self.permits
        told = permits.details(image, "every-value")
        changed = permits.instructions(image)
        for given in () if asked.files_alone else self.given(image, told):
            yield SameRuntime(image, heir, permits.rules_for(image), changed, given)
        graph = self.before.stages(image.dockerfile)
        for given in () if asked.files_alone else self.given(image, told or chosen_by(graph)):
            yield SameCompilerInput(image, heir, permits.aspects_for(image), given)
            yield ArtefactProduced(heir, image, given)
        if not asked.files_alone and may_build(self.before, image):
            yield SameGoInput(image, heir)
        yield from self.files(asked, heir)

    def given(self, image: Image, told: Collection[str]) -> tuple[Given, ...]:
        """The values of build arguments for which an image is judged one by one: all that call
        sites give to those of `told`."""
        names = sorted(told)
        if not names:
            return ((),)
        graph = self.before.stages(image.dockerfile)
        mine = [b for b in self.before.builds.builds if b.dockerfile == image.dockerfile]
        found = [
            tuple(zip(names, values, strict=True))
            for build in mine
            for values in product(*(values_given(graph, build, name) for name in names))
        ]
        return tuple(dict.fromkeys(found)) or ((),)

    def files(self, asked: Asked, heir: Image) -> Iterator[Obligation]:
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
                "sibling-stage" in permits.rules_for(image),
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
        pairs = self.permits.pairs.items()
        moved = {old.dockerfile for old, new in pairs if old.dockerfile != new.dockerfile}
        replaced = tuple(path for path in sorted(moved) if path in self.before.snapshot)
        yield NoDanglingReference(deleted, gone, frozenset(self.permits.left), replaced)

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


def _jobs(pipeline: Pipeline | None) -> tuple[str, ...]:
    return tuple(pipeline.jobs) if pipeline is not None else ()
