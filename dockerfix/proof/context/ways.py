"""The ways in which call sites ask for an image whose files are compared.

Knows build arguments and named contexts; compares nothing.
"""

from __future__ import annotations

from dockerfix.facts.context.steps import BuildInput
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Image


def ways_of(
    images: tuple[Image, Image], contexts: tuple[str, str], before: Facts, after: Facts
) -> list[BuildInput]:
    """The different ways in which call sites ask for the image: those of the patch, and those
    of before where the image had another name or context.

    Arguments and named contexts count alone: an argument that only one side knows means
    nothing to the other.
    """
    (old, image), (old_context, context) = images, contexts
    found = _asked(after, image.dockerfile, context)
    if not found or old.dockerfile != image.dockerfile:
        found += _asked(before, old.dockerfile, old_context)
    ways: list[BuildInput] = []
    for way in found:
        if not any(_same_way(way, other) for other in ways):
            ways.append(way)
    return ways or [BuildInput(image.dockerfile, context)]


def open_arguments(way: BuildInput) -> list[str]:
    """Build arguments that take their value from the environment of who builds."""
    return [name for name, text in way.arguments.items() if text.startswith("${" + name)]


def is_open(way: BuildInput) -> bool:
    """Whether a way takes an argument from the environment."""
    return bool(open_arguments(way))


def closes(way: BuildInput, other: BuildInput) -> bool:
    """Whether one way gives every argument that another takes from the environment."""
    return not is_open(way) and way.arguments.keys() >= set(open_arguments(other))


def _same_way(way: BuildInput, other: BuildInput) -> bool:
    return way.arguments == other.arguments and way.named_contexts == other.named_contexts


def _asked(facts: Facts, dockerfile: str, context: str) -> list[BuildInput]:
    given = [BuildInput.of(build) for build in facts.builds.builds]
    return [w for w in given if w and (w.dockerfile, w.context) == (dockerfile, context)]
