"""Slots: the steps of several files that are one step of their merged chain.

Values only; how steps come to share a slot is the business of `align`.
"""

from __future__ import annotations

from msgspec import Struct

from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import Step

Slot = list[Step | None]
"""One step of the merged chain: for each file its own step, None where it has none."""


class Obstacle(Struct, frozen=True):
    """Why chains cannot be laid over each other: the step that stands in the way, the file it
    belongs to, the reason as the end of a sentence that begins with the step, and what a person
    can do about it."""

    file: InputFile
    step: Step
    why: str
    do: str


def representative(slot: Slot) -> Step:
    """The step whose text the slot is written from: the first file's that has one."""
    return next(step for step in slot if step is not None)


def shortened(step: Step) -> str:
    """An instruction on one line of at most 60 characters, for a person."""
    return brief(" ".join(step.item.text.split()), 60)


def brief(text: str, most: int) -> str:
    """The beginning of a text, at most so many characters of it."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
