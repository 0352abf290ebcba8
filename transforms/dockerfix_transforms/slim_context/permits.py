"""What a smaller context asks leave for: steps that an image has seen, and what call sites pass.

Every permit speaks of one image or one job. Knows consumers and their call sites; what the gate
makes of a permit it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.api import Change, Facts, Image, Permit, Pipeline
from dockerfix_transforms.slim_context.read.consumer import Consumer
from dockerfix_transforms.slim_context.read.scope import Built


def consumer_permits(
    consumer: Consumer, changes: Sequence[Change], lacking: Sequence[str]
) -> Iterator[Permit]:
    """The permits of one Dockerfile; `lacking` are files whose absence was accepted."""
    path = consumer.path
    for target in targets_of(consumer):
        image = str(Image(path, target))
        yield Permit("prefix-stripped", image, path)
        if consumer.siblings:
            yield Permit("sibling-image", image, path)
        yield from (Permit("provider-lacks", image, path, file) for file in lacking)
    yield Permit("context-moved", path, path, before=consumer.context, after=consumer.folder)
    passed = (
        name
        for change in changes
        for name, _ in (*change.wanted.arguments, *change.wanted.named_contexts)
    )
    yield from (Permit("argument-added", path, path, name) for name in dict.fromkeys(passed))


def left_out_permits(facts: Facts, made: Built) -> Iterator[Permit]:
    """The permits for build stages that hold less of the context, for every image."""
    graph = facts.stages(made.path)
    names = {build.target.text for build in made.builds if build.target is not None}
    for name in sorted({"", *(n for n in names if graph.find(n) is not None)}):
        yield Permit("left-out", str(Image(made.path, name)), made.path)


def provider_permits(facts: Facts, path: str, texts: Sequence[str]) -> Iterator[Permit]:
    """The permits for RUN steps that a provider's images get on the person's wish."""
    names = {"": None}
    for build in facts.builds.builds:
        if build.dockerfile == path and build.target is not None:
            names |= dict.fromkeys(build.target.possible)
    for name in names:
        for text in texts:
            yield Permit("provider-builds", str(Image(path, name)), path, after=f"RUN {text}")


def job_permits(pipeline: Pipeline | None, jobs: Sequence[str]) -> Iterator[Permit]:
    """The permits for jobs that come before others: their rules, and the others' needs."""
    if pipeline is None:
        return
    for name in jobs:
        for key in ("rules", "only", "except"):
            yield Permit("rules-united", name, pipeline.path, key)
        yield Permit("needs-followed", name, pipeline.path, "needs")


def targets_of(consumer: Consumer) -> list[str]:
    """The targets that call sites name, and the last stage."""
    names = {""}
    for build in consumer.builds:
        if build.target is not None:
            names |= set(build.target.choices) if build.target.choices else {build.target.text}
    return sorted(n for n in names if not n or consumer.graph.find(n) is not None)
