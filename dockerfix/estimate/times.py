"""What is known of the times of jobs, and what stands in for the rest.

Sources in order: GitLab's list of jobs, traces (which alone tell preparation from work), the
median of the same stage, the median of all, one minute. Each time says where it comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median

from dockerfix.estimate.graph import JobGraph
from dockerfix.estimate.schedule import Times
from dockerfix.traces.jobs import RanJob
from dockerfix.traces.model import JobTrace

UNKNOWN = 60.0
"""Seconds of a run when no time of any job is known."""


def known_times(jobs: Iterable[RanJob], traces: Mapping[str, JobTrace]) -> dict[str, Times]:
    """The times of runs by name; `traces` are those of runs, by the run's name. Several
    pipelines give the median of each part."""
    found: dict[str, list[Times]] = {}
    for job in jobs:
        if job.duration is not None:
            prepare = _prepare(traces.get(job.name), job.duration)
            times = Times(job.queued or 0.0, prepare, job.duration - prepare)
            found.setdefault(job.name, []).append(times)
    for name, trace in traces.items():
        if name not in found and trace.total:
            prepare = _prepare(trace, trace.total)
            found[name] = [Times(0.0, prepare, trace.total - prepare)]
    return {name: _middle(several) for name, several in found.items()}


def _prepare(trace: JobTrace | None, most: float) -> float:
    return min(float(trace.preparation or 0), most) if trace is not None else 0.0


def _middle(several: list[Times]) -> Times:
    parts = (
        median(times.queue for times in several),
        median(times.prepare for times in several),
        median(times.work for times in several),
    )
    source = "measured" if len(several) == 1 else f"median of {len(several)} runs"
    return Times(*parts, source)


def filled(
    graph: JobGraph, known: Mapping[str, Times], stages: Mapping[str, list[Times]]
) -> dict[str, Times]:
    """A time for every run of the graph; `stages` are the known times of each stage."""
    every = [times for listed in stages.values() for times in listed]
    found: dict[str, Times] = {}
    for run in graph.runs.values():
        times = known.get(run.name)
        if times is None and stages.get(run.stage):
            times = _stand_in(stages[run.stage], f"median of the stage {run.stage}")
        if times is None and every:
            times = _stand_in(every, "median of all jobs")
        found[run.name] = times or Times(0.0, 0.0, UNKNOWN, "not known: one minute", False)
    return found


def _stand_in(several: list[Times], source: str) -> Times:
    middle = _middle(several)
    return Times(middle.queue, middle.prepare, middle.work, source, False)


def by_stage(graph: JobGraph, known: Mapping[str, Times]) -> dict[str, list[Times]]:
    """The known times of the runs of each stage."""
    found: dict[str, list[Times]] = {}
    for run in graph.runs.values():
        if run.name in known:
            found.setdefault(run.stage, []).append(known[run.name])
    return found
