"""How long a pipeline takes: the longest path over `needs:` and stages.

Knows measured seconds of jobs; the order stands in `estimate`. Queues and preparation are left
out: they are the runner's.
"""

from __future__ import annotations

from collections.abc import Mapping

from dockerfix.estimate.graph import job_graph
from dockerfix.estimate.schedule import Times, timeline
from dockerfix.facts.gitlab.pipeline import Pipeline


def elapsed(pipeline: Pipeline | None, seconds: Mapping[str, float]) -> float:
    """Seconds until the last of the given jobs ends, when every job has a runner at once.

    Jobs without seconds take no time. Without a pipeline the jobs follow one another, and so
    do those that no pipeline can start: outside of it, or waiting for one another.
    """
    if pipeline is None:
        return sum(seconds.values())
    names = [job.name for job in pipeline.visible]
    graph = job_graph(pipeline, names, {name: (name,) for name in names})
    times = {name: Times(0.0, 0.0, seconds.get(name, 0.0)) for name in graph.runs}
    line = timeline(graph, times)
    return line.total + sum(value for name, value in seconds.items() if name not in line.placed)
