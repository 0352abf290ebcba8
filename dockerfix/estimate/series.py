"""A pipeline before a series of patches, after each of them, and after all.

Every state is computed from the pipeline that it leaves: what the patches gain is not the
sum of what each gains. Knows pipelines, times and the images that jobs push.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field

from dockerfix.estimate.changed import Builds, Clones, Pushed, carried, recloned, replaced
from dockerfix.estimate.graph import JobGraph, job_graph
from dockerfix.estimate.schedule import Timeline, Times, timeline
from dockerfix.estimate.times import by_stage, filled
from dockerfix.facts.gitlab.existing import PipelineKind, existing
from dockerfix.facts.gitlab.pipeline import Pipeline
from dockerfix.text.units import counted


class State(Struct, frozen=True):
    """A repository between two patches: what led to it, its pipeline, what its jobs push.
    `promises` are the patch's own words about what it brings."""

    title: str
    pipeline: Pipeline
    pushed: Pushed
    promises: tuple[str, ...] = ()


class Given(Struct, frozen=True):
    """What is known beside the files.

    `known` are times by run, `ran` the runs of each job as GitLab listed them (empty when no
    list is given: then `kind` decides which jobs there are), `builds` what verify measured,
    `after` the seconds that the person expects of a job once it is changed.
    """

    known: Mapping[str, Times]
    ran: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kind: PipelineKind = PipelineKind.DEFAULT_BRANCH
    runners: int | None = None
    clones: Clones = field(default_factory=lambda: Clones({}, {}))
    builds: Builds | None = None
    after: Mapping[str, float] = field(default_factory=dict)


class Estimate(Struct, frozen=True):
    """One state with its jobs in time, and what to know about them."""

    title: str
    graph: JobGraph
    timeline: Timeline
    promises: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """The runs whose times were not measured."""
        placed = self.timeline.placed.values()
        return tuple(one.name for one in placed if not one.times.known)


def estimates(states: Sequence[State], given: Given) -> tuple[Estimate, ...]:
    """An estimate for each state, the first of which is the repository as it is."""
    first, *others = states
    present = _present(first.pipeline, given)
    graph = job_graph(first.pipeline, present, given.ran)
    stages = by_stage(graph, given.known)
    times = filled(graph, given.known, stages)
    found = [_estimate(first, graph, times, given, ())]
    old = first
    for state in others:
        step = _Transition(old, state, graph, times, given)
        graph = job_graph(state.pipeline, step.present(), given.ran)
        known, notes = step.times()
        times = filled(graph, _spread(graph, known), stages)
        found.append(_estimate(state, graph, times, given, notes))
        old = state
    return tuple(found)


def _present(pipeline: Pipeline, given: Given) -> frozenset[str]:
    if given.ran:
        return frozenset(given.ran.keys() & pipeline.jobs.keys())
    found = existing(pipeline, given.kind)
    return found.jobs - found.manual


def _estimate(
    state: State, graph: JobGraph, times: Mapping[str, Times], given: Given, notes: tuple[str, ...]
) -> Estimate:
    line = timeline(graph, times, given.runners)
    unmet = tuple(
        f"{job} needs {other}, which this pipeline does not have: GitLab would refuse it"
        for job, other in graph.unmet
    )
    stuck = (f"these jobs wait for one another: {', '.join(line.stuck)}",) if line.stuck else ()
    return Estimate(state.title, graph, line, state.promises, (*notes, *unmet, *stuck))


class _Transition:
    """From one state to the next. Private to `estimates`."""

    def __init__(
        self, old: State, new: State, graph: JobGraph, times: Mapping[str, Times], given: Given
    ) -> None:
        self.old, self.new = old, new
        self.graph, self.old_times, self.given = graph, times, given
        before = {run.job for run in graph.runs.values()}
        jobs = {job.name for job in new.pipeline.visible}
        gone = [name for name in before if name not in jobs]
        kept = jobs & before
        added = jobs - {job.name for job in old.pipeline.visible}
        self.sources = {
            name: [*([name] if name in kept else []),
                   *replaced(name, gone, old.pushed, new.pushed)]
            for name in sorted(kept | added)
        }  # fmt: skip

    def present(self) -> frozenset[str]:
        """The jobs of the new pipeline: those that were there, and new ones that take over
        the work of some, or that such a pipeline holds."""
        found = existing(self.new.pipeline, self.given.kind)
        return frozenset(
            name
            for name, sources in self.sources.items()
            if sources or name in found.jobs - found.manual
        )

    def times(self) -> tuple[dict[str, Times], tuple[str, ...]]:
        """The times of jobs and single runs that are known after the patch, and notes."""
        by_job = carried(self.graph, self.old_times, self.sources, self.given.builds)
        found: dict[str, Times] = dict(by_job)
        for run in self.graph.runs.values():
            if self.sources.get(run.job) == [run.job]:
                measured = self.given.builds is not None and run.job in self.given.builds.after
                found[run.name] = by_job[run.job] if measured else self.old_times[run.name]
        unknown = self._reclone(found)
        for job, seconds in self.given.after.items():
            if job in self.sources:
                base = found.get(job, Times(0.0, 0.0, 0.0))
                work = max(0.0, seconds - base.prepare)
                found[job] = Times(base.queue, base.prepare, work, "as given", True)
        return found, tuple(self._notes(found, unknown))

    def _notes(self, found: Mapping[str, Times], recloned: Sequence[str]) -> Iterator[str]:
        """What changes and is not counted."""
        if recloned:
            count = counted(len(recloned), "job")
            yield f"the clone of {count} changes; its new time is not known, and not counted"
        same = [
            name
            for name, sources in self.sources.items()
            if sources == [name]
            and _script(self.old, name) != _script(self.new, name)
            and (name not in found or found[name] == self.old_times.get(name))
        ]
        if same:
            listed = ", ".join(same[:5]) + (", ..." if len(same) > 5 else "")
            yield f"these jobs run other commands, and their old times are kept: {listed}"

    def _reclone(self, found: dict[str, Times]) -> list[str]:
        pipelines = self.old.pipeline, self.new.pipeline
        unknown = []
        for run in self.graph.runs.values():
            before, after = (pipeline.jobs.get(run.job) for pipeline in pipelines)
            if before is None or after is None or run.name not in found:
                continue
            times = recloned(found[run.name], run.name, before, after, pipelines, self.given.clones)
            if times is None:
                unknown.append(run.name)
            else:
                found[run.name] = times
        return unknown


def _spread(graph: JobGraph, known: Mapping[str, Times]) -> dict[str, Times]:
    """Times of jobs given to each of their runs that has none of its own."""
    return {
        run.name: times
        for run in graph.runs.values()
        if (times := known.get(run.name) or known.get(run.job)) is not None
    }


def _script(state: State, name: str) -> tuple[str, ...]:
    return tuple(line.scalar.text for line in state.pipeline.jobs[name].lines)
