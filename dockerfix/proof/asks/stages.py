"""Which stage of which Dockerfile an ask means. Knows stage graphs; judges nothing."""

from __future__ import annotations

from dockerfix.facts.repository import Facts
from dockerfix.proof.asks.asks import Ask
from dockerfix.proof.obligation import Image
from dockerfix.text import SnapshotError

Key = tuple[str, int | str]
"""A Dockerfile and the number of a stage in it (or a target that it does not have)."""


def stage_key(facts: Facts, dockerfile: str, target: str) -> Key:
    """The stage that a target means; a stage that adds nothing is the one below it."""
    if dockerfile not in facts.snapshot:
        return dockerfile, target
    try:
        graph = facts.stages(dockerfile)
    except SnapshotError:
        return dockerfile, target
    stage = graph.target(target)
    while stage is not None and not stage.instructions and graph.base(stage) is not None:
        stage = graph.base(stage)
    return dockerfile, stage.index if stage is not None else target


def asked_image(facts: Facts, ask: Ask) -> Key:
    """What an ask builds; a Dockerfile that is not known is told by its words."""
    if ask.dockerfile is None:
        return "", ask.written
    return stage_key(facts, ask.dockerfile, ask.target)


def can_be_built(facts: Facts, ask: Ask) -> bool:
    """Whether the Dockerfile of an ask has its target."""
    if ask.dockerfile is None or "${" in ask.target:
        return True
    return isinstance(stage_key(facts, ask.dockerfile, ask.target)[1], int)


def stage_name(facts: Facts, key: Key) -> str:
    """A key for a person."""
    dockerfile, stage = key
    if isinstance(stage, int) and dockerfile in facts.snapshot:
        name = facts.stages(dockerfile).stages[stage].name
        return str(Image(dockerfile, name or str(stage)))
    return str(Image(dockerfile, str(stage)))


def where(ask: Ask) -> str:
    """The image of an ask for a person."""
    if ask.dockerfile is None:
        return f"a Dockerfile that is not known ({ask.written.strip()})"
    return str(Image(ask.dockerfile, ask.target))
