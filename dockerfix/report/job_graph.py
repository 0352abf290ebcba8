"""The graph of a pipeline's jobs as Mermaid, for notes and merge requests.

Pure. A stage barrier is drawn as one edge from the stage before, not as one from every job.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.estimate.graph import JobGraph
from dockerfix.estimate.schedule import Timeline
from dockerfix.report.units import lasting


def render_mermaid(graph: JobGraph, timeline: Timeline | None = None) -> str:
    """A flow chart: a box for each stage; with times, the longest path is marked."""
    return "\n".join(_mermaid(graph, timeline)) + "\n"


def _mermaid(graph: JobGraph, timeline: Timeline | None) -> Iterator[str]:
    ids = {name: f"j{number}" for number, name in enumerate(graph.runs)}
    stages = {stage: f"s{number}" for number, stage in enumerate(graph.stages)}
    path = frozenset(timeline.path) if timeline is not None else frozenset()
    yield "flowchart LR"
    for stage, identity in stages.items():
        yield f"  subgraph {identity}[{quoted(stage)}]"
        for run in graph.runs.values():
            if run.stage == stage:
                yield f"    {ids[run.name]}[{quoted(_label(run.name, timeline))}]"
        yield "  end"
    order = list(stages)
    for run in graph.runs.values():
        if run.barrier:
            at = order.index(run.stage)
            if at:
                yield f"  {stages[order[at - 1]]} -.-> {ids[run.name]}"
        else:
            yield from (f"  {ids[other]} --> {ids[run.name]}" for other in run.after)
    if path:
        yield "  classDef path fill:#d9480f,color:#fff,stroke:#8a2c08"
        yield f"  class {','.join(ids[name] for name in graph.runs if name in path)} path"


def _label(name: str, timeline: Timeline | None) -> str:
    placed = timeline.placed.get(name) if timeline is not None else None
    return name if placed is None else f"{name}<br/>{lasting(placed.times.busy)}"


def quoted(text: str) -> str:
    """A label in quotes, with the signs that Mermaid would read as its own spelled out."""
    for sign, code in (("#", "#35;"), ('"', "#quot;"), ("`", "#96;")):
        text = text.replace(sign, code)
    return f'"{text}"'
