"""Where a consumer's file takes a sibling from: the stage, and what stands where in it.

A published image with its folder, or a named context, which is the sibling's folder itself.
Knows names and paths; edits nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from msgspec import Struct

from dockerfix_transforms.slim_context.read.inline import Region
from dockerfix_transforms.slim_context.read.sources import Source
from dockerfix_transforms.slim_context.read.steps import Step
from dockerfix_transforms.slim_context.sibling.provider import Provider, seen_steps


class Whole(Struct, frozen=True):
    """A region that becomes one copy of the package: the folder of the image, the destination
    where no copy of the region names it, and the steps that go."""

    where: str
    destination: str | None
    seen: Sequence[Step]


class From(Struct, frozen=True):
    """A stage that stands for a sibling. Without a provider it is a named context.

    `note` is the comment that names what a build must be given.
    """

    name: str
    provider: Provider | None
    note: str
    builds: bool = False
    """Whether the provider's image gets the steps that it lacks, so that all of them go."""
    stages: str = ""
    """The provider's own stages, where they stand in the file itself."""

    @property
    def argument(self) -> str:
        """The build argument that names the image; empty for a named context, and for stages in
        the file itself."""
        return self.provider.argument if self.provider is not None and not self.stages else ""

    def path(self, source: Source) -> str:
        """What a source is in the stage."""
        inner = source.inner
        if self.provider is None:
            return inner or "."
        return posixpath.join(self.provider.where, inner) if inner else self.provider.where

    def whole(self, region: Region) -> Whole | None:
        """The region as one copy of the package; None when its copies stay what they are."""
        if self.provider is None or region.where is None:
            return None
        seen = seen_steps(region, self.provider)
        if self.builds:
            seen = [s for s in region.steps if s.stays and not s.item.heredocs]
        if region.root is None and not seen:
            return None
        relative = posixpath.relpath(region.where, region.folder)
        destination = "./" if relative == "." else region.where
        return Whole(self.provider.where, destination, seen)


def image_note(argument: str, name: str) -> str:
    """The comment above the first copy from an image."""
    return f"# Needs --build-arg {argument}=IMAGE, or --build-context {name}=docker-image://IMAGE."


def context_note(name: str, sibling: str) -> str:
    """The comment above the first copy from a named context; `sibling` is its folder."""
    if not sibling:
        return f"# Needs --build-context {name}=. (the root of the repository)."
    return f"# Needs --build-context {name}={sibling}."
