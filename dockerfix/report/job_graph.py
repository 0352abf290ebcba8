"""The jobs of a pipeline as a drawing: a group for each stage, an arrow for each need.

Pure. A job that waits for all earlier stages gets one dashed arrow from the stage before, not
one from every job.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.estimate.graph import JobGraph
from dockerfix.estimate.schedule import Timeline
from dockerfix.report.drawing import Arrow, Box, Drawing, Mark
from dockerfix.text.units import lasting


def draw_jobs(graph: JobGraph, timeline: Timeline | None = None) -> Drawing:
    """The drawing; with times, the longest path is marked."""
    path = frozenset(timeline.path) if timeline is not None else frozenset()
    boxes = tuple(
        Box(
            name,
            _label(name, timeline),
            run.stage,
            Mark.PATH if name in path else Mark.PLAIN,
            _waits(graph, name),
        )
        for name, run in graph.runs.items()
    )
    return Drawing("jobs", boxes, tuple(_arrows(graph)))


def _arrows(graph: JobGraph) -> Iterator[Arrow]:
    order = graph.stages
    for name, run in graph.runs.items():
        at = order.index(run.stage)
        if run.barrier and at:
            yield Arrow(order[at - 1], name, dashed=True, from_group=True)
        elif not run.barrier:
            yield from (Arrow(other, name) for other in run.after)


def _label(name: str, timeline: Timeline | None) -> tuple[str, ...]:
    placed = timeline.placed.get(name) if timeline is not None else None
    return (name,) if placed is None else (name, lasting(placed.times.busy))


def _waits(graph: JobGraph, name: str) -> str:
    run = graph.runs[name]
    if run.barrier:
        return f"{name} waits for all jobs of earlier stages" if run.after else "starts at once"
    return f"{name} needs {', '.join(run.after)}" if run.after else f"{name} starts at once"
