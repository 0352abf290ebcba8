"""The permits of a patch by what they are about: an image, a build context, a call site.

Knows which image a permit speaks of; judges none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Image, Permit
from dockerfix.text import SnapshotError

StageKey = tuple[str, int]
"""A Dockerfile and the index of a stage in it."""


class PermitsBySubject:
    """The permits by what they are about."""

    def __init__(self, before: Facts, permits: Sequence[Permit]) -> None:
        self.before = before
        self.pairs: dict[Image, Image] = {}
        self.heirs: dict[StageKey, Image] = {}
        self.contexts: dict[tuple[str, str], str] = {}
        self.arguments: set[tuple[str, str]] = set()
        self.left: set[tuple[str, str]] = set()
        self.of_jobs = tuple(permits)
        self.of_images: dict[StageKey, list[Permit]] = {}
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
            key = stage_key(self.before, image)
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
        key = stage_key(self.before, image)
        return self.of_images.get(key, ()) if key is not None else ()

    def rules_for(self, image: Image) -> frozenset[str]:
        """The rules under which the image's instructions may differ."""
        told = {
            f"every-value {permit.detail}"
            for permit in self.of(image)
            if permit.rule == "every-value"
        }
        return frozenset(permit.rule for permit in self.of(image)) | told

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


def stage_key(facts: Facts, image: Image) -> StageKey | None:
    """The stage that an image is, on one side; None where there is none."""
    if image.dockerfile not in facts.snapshot:
        return None
    try:
        graph: StageGraph = facts.stages(image.dockerfile)
    except SnapshotError:
        return None
    stage = graph.target(image.target)
    return (image.dockerfile, stage.index) if stage is not None else None
