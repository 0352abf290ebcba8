"""When each run starts and ends, given its times and a number of runners.

GitLab hands the waiting job with the lowest id to the runner that asks; ids follow stages and
file, as the runs do here. Without a limit every run starts when what it waits for has ended, so
that the end of the last one is the longest path. Knows runs and seconds.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from dockerfix.estimate.graph import JobGraph, Run


class Times(Struct, frozen=True):
    """Seconds of one run: in the queue for a runner, in preparation, at work. `source` says
    where they come from, as words for a person; `known` that they were measured."""

    queue: float
    prepare: float
    work: float
    source: str = "measured"
    known: bool = True

    @property
    def busy(self) -> float:
        """How long a runner is taken."""
        return self.prepare + self.work


class Placed(Struct, frozen=True):
    """A run in time, in seconds after the pipeline's start.

    `ready` is when nothing but a runner was missing, `start` when a runner took it. `awaited`
    is the run that ended last of those it waits for, `freed_by` the run whose end gave it a
    runner; both are empty where there is none.
    """

    run: Run
    times: Times
    ready: float
    start: float
    end: float
    awaited: str = ""
    freed_by: str = ""

    @property
    def name(self) -> str:
        """The run's name."""
        return self.run.name


class Timeline(Struct, frozen=True):
    """All runs in time, in the order of the graph. `stuck` wait for one another for ever."""

    placed: Mapping[str, Placed]
    stuck: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """Seconds until the last run has ended."""
        return max((one.end for one in self.placed.values()), default=0.0)

    @property
    def busy(self) -> float:
        """Seconds of all runners together."""
        return sum(one.times.busy for one in self.placed.values())

    @property
    def path(self) -> tuple[str, ...]:
        """The runs that decide the end, the first one first."""
        last = max(self.placed.values(), key=lambda one: one.end, default=None)
        found: list[str] = []
        while last is not None:
            found.append(last.name)
            before = last.freed_by or last.awaited
            last = self.placed.get(before)
        return tuple(reversed(found))


def timeline(graph: JobGraph, times: Mapping[str, Times], runners: int | None = None) -> Timeline:
    """Place every run; `runners` None is as many as can be used. With a limit the queue is
    computed, and the measured one left out, since it holds the same wait."""
    simulation = _Simulation(graph, times, runners)
    placed = {one.name: one for one in simulation.run()}
    ordered = {name: placed[name] for name in graph.runs if name in placed}
    return Timeline(ordered, tuple(name for name in graph.runs if name not in placed))


@dataclass(slots=True)
class _Simulation:
    """Events in time. Private to `timeline`."""

    graph: JobGraph
    times: Mapping[str, Times]
    runners: int | None
    missing: dict[str, int] = field(default_factory=dict)
    users: dict[str, list[str]] = field(default_factory=dict)
    index: dict[str, int] = field(default_factory=dict)
    ready: dict[str, tuple[float, str]] = field(default_factory=dict)
    pending: list[tuple[int, str]] = field(default_factory=list)
    running: list[tuple[float, int, Placed]] = field(default_factory=list)

    def run(self) -> Iterator[Placed]:
        for number, run in enumerate(self.graph.runs.values()):
            self.index[run.name] = number
            after = set(run.after)
            self.missing[run.name] = len(after)
            for other in after:
                self.users.setdefault(other, []).append(run.name)
            if not after:
                self.wait(run.name, 0.0, "")
        self.start(0.0, [])
        while self.running:
            now = self.running[0][0]
            ended = []
            while self.running and self.running[0][0] == now:
                one = heapq.heappop(self.running)[2]
                ended.append(one.name)
                yield one
            for name in ended:
                for user in self.users.get(name, ()):
                    self.missing[user] -= 1
                    if not self.missing[user]:
                        self.wait(user, now, name)
            self.start(now, ended)

    def wait(self, name: str, now: float, awaited: str) -> None:
        """The run waits for a runner alone."""
        self.ready[name] = (now, awaited)
        heapq.heappush(self.pending, (self.index[name], name))

    def start(self, now: float, ended: list[str]) -> None:
        """Give free runners to those that wait."""
        freed = list(ended)
        while self.pending and (self.runners is None or len(self.running) < self.runners):
            index, name = heapq.heappop(self.pending)
            times = self.times[name]
            ready, awaited = self.ready[name]
            begin = now + (times.queue if self.runners is None else 0.0)
            late = now > ready
            placed = Placed(
                self.graph.runs[name], times, ready, begin, begin + times.busy, awaited,
                freed.pop(0) if late and freed else "",
            )  # fmt: skip
            heapq.heappush(self.running, (placed.end, index, placed))
