"""What the jobs take once a patch is applied, as far as anything is known about it.

A job that is new takes as long as the longest of those it replaces, which are the jobs that are
gone and pushed one of its images. That is an assumption, and it is named in the time's source;
what was measured, or what the person says, comes first. Knows jobs and seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.estimate.graph import JobGraph
from dockerfix.estimate.schedule import Times
from dockerfix.facts.gitlab.job import Job
from dockerfix.facts.gitlab.pipeline import Pipeline
from dockerfix.facts.images.used import ANY
from dockerfix.traces.model import JobTrace

Pushed = Mapping[str, frozenset[str]]
"""The names of the images that each job pushes."""


class Builds(Struct, frozen=True):
    """Seconds that the builds of each job took, as `dockerfix verify --cold` measured them."""

    before: Mapping[str, float]
    after: Mapping[str, float]


class Clones(Struct, frozen=True):
    """Seconds that clones took: of each job, and the median of each depth (0 is all)."""

    of_job: Mapping[str, float]
    of_depth: Mapping[int, float]

    @classmethod
    def seen(cls, traces: Mapping[str, JobTrace]) -> Clones:
        """The clones of traces, by the name of the run."""
        known = {name: t for name, t in traces.items() if t.clone is not None}
        depths: dict[int, list[float]] = {}
        for trace in known.values():
            if trace.depth is not None:
                depths.setdefault(trace.depth, []).append(trace.clone or 0)
        of_job = {name: float(trace.clone or 0) for name, trace in known.items()}
        return cls(of_job, {depth: median(seconds) for depth, seconds in depths.items()})


def replaced(job: str, gone: Iterable[str], before: Pushed, after: Pushed) -> tuple[str, ...]:
    """The jobs that are gone and pushed an image that this one pushes now, and did not push."""
    mine = after.get(job, frozenset()) - before.get(job, frozenset())
    wild = ANY in mine
    return tuple(
        name
        for name in gone
        if mine and (theirs := before.get(name)) and (wild or ANY in theirs or theirs & mine)
    )


def carried(
    graph: JobGraph,
    times: Mapping[str, Times],
    sources: Mapping[str, Sequence[str]],
    builds: Builds | None,
) -> dict[str, Times]:
    """Times of the new runs that follow from the old ones.

    `times` are those of the old runs; `sources` names for a job the old jobs whose work it
    does, itself among them. `graph` is the old one.
    """
    runs: dict[str, list[str]] = {}
    for run in graph.runs.values():
        runs.setdefault(run.job, []).append(run.name)
    found: dict[str, Times] = {}
    for job, names in sources.items():
        known = [(times[name], old) for old in names for name in runs.get(old, ())]
        if not known:
            continue
        longest, old = max(known, key=lambda pair: pair[0].busy)
        found[job] = _measured(job, old, _taken_over(job, old, names, longest), builds)
    return found


def _taken_over(job: str, old: str, names: Sequence[str], longest: Times) -> Times:
    if list(names) == [job]:
        return longest
    return replace(longest, source=f"as long as {old}, whose work it takes over", known=False)


def _measured(job: str, old: str, times: Times, builds: Builds | None) -> Times:
    """The time with the builds' part exchanged, where it was measured on both sides."""
    if builds is None or job not in builds.after or old not in builds.before:
        return times
    rest = max(0.0, times.work - builds.before[old])
    return replace(times, work=rest + builds.after[job], source="its builds measured by verify")


def recloned(
    times: Times,
    name: str,
    before: Job,
    after: Job,
    pipelines: tuple[Pipeline, Pipeline],
    clones: Clones,
) -> Times | None:
    """The time with another depth of the clone: the same where the depth is the same, None
    where the new clone's time is not known."""
    old, new = (depth_of(p, job) for p, job in zip(pipelines, (before, after), strict=True))
    if old == new:
        return times
    seconds = clones.of_depth.get(new) if new is not None else None
    if seconds is None or name not in clones.of_job:
        return None
    work = max(0.0, times.work - clones.of_job[name] + seconds)
    return replace(times, work=work, source=f"its clone as others of depth {new}")


def depth_of(pipeline: Pipeline, job: Job) -> int | None:
    """The depth that the files set for a job's clone; None where they set none."""
    value = pipeline.variables_of(job).get("GIT_DEPTH")
    return int(value.text) if value is not None and value.text.isdecimal() else None
