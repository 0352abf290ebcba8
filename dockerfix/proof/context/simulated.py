"""The build of an image, simulated with what its base images and named contexts hold.

Knows which build of the repository makes an image; compares nothing.
"""

from __future__ import annotations

from msgspec.structs import replace

from dockerfix.facts.context.copying import Simulation, local_context
from dockerfix.facts.context.steps import LOCAL, BuildInput
from dockerfix.facts.images.makers import find_maker
from dockerfix.facts.repository import Facts
from dockerfix.facts.trees.ignore import BadIgnoreError
from dockerfix.facts.trees.tree import (
    Folder,
    ImageRef,
)
from dockerfix.proof.obligation import Image

_MAX_DEPTH = 8


def simulate(facts: Facts, image: Image, context: str, way: BuildInput) -> Simulation:
    """The build of an image with a context, asked for in one way."""
    given = replace(way, dockerfile=image.dockerfile, context=context, target=image.target)
    return _Makers(facts).simulation(given, 0)


class _Makers:
    """Finds what an image holds by simulating the build that makes it."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.known: dict[str, Simulation | Folder | None] = {}

    def simulation(self, given: BuildInput, depth: int) -> Simulation:
        """A build whose images are looked up in turn."""
        return Simulation(
            self.facts, given, images=lambda ref: self.image(ref, depth + 1), generated=True
        )

    def image(self, ref: ImageRef, depth: int) -> Simulation | Folder | None:
        """What an image or a named context holds; None when nothing here tells."""
        if ref.name not in self.known:
            self.known[ref.name] = None  # an image that is made from itself is not known
            self.known[ref.name] = self.made(ref.name, depth)
        return self.known[ref.name]

    def made(self, name: str, depth: int) -> Simulation | Folder | None:
        """The tree of a folder, or the build that makes an image."""
        if name.startswith(LOCAL):
            try:
                return local_context(self.facts, name.removeprefix(LOCAL))
            except BadIgnoreError:
                return None
        maker = find_maker(self.facts.builds.builds, name) if depth < _MAX_DEPTH else None
        given = BuildInput.of(maker) if maker is not None else None
        if given is None or given.dockerfile not in self.facts.snapshot:
            return None
        build = self.simulation(replace(given, image=name), depth)
        return build if build.script.target is not None else None
