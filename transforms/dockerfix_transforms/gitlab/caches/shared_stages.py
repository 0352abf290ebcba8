"""Whether a step of one Dockerfile can be found in the cache of another.

BuildKit finds a step by its instruction and everything below it, so two files must begin a
stage alike. Knows Dockerfiles; knows nothing of refs.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.api import Build, Facts


def share_a_stage(facts: Facts, one: Build, other: Build) -> bool:
    """Whether two builds have a first step in common, above the image that it stands on."""
    if one.dockerfile is None or other.dockerfile is None:
        return True
    if one.dockerfile == other.dockerfile:
        return True
    return not set(_beginnings(facts, one)).isdisjoint(_beginnings(facts, other))


def _beginnings(facts: Facts, build: Build) -> Iterator[tuple[str, ...]]:
    """The first steps of the stages that a build needs and that stand on images; one that
    copies from the context counts with the context."""
    path = build.dockerfile or ""
    if path not in facts.snapshot:
        return
    graph = facts.stages(path)
    waiting = [graph.target(build.target.text if build.target is not None else "")]
    needed = []
    while waiting:
        stage = waiting.pop()
        if stage is not None and stage not in needed:
            needed.append(stage)
            waiting += [graph.base(stage), *(r.stage for r in graph.references(stage))]
    for stage in needed:
        if graph.base(stage) is None and stage.instructions:
            step = stage.instructions[0]
            copies = step.keyword in ("COPY", "ADD")
            yield graph.image(stage), " ".join(step.text.split()), (build.context or "") * copies
