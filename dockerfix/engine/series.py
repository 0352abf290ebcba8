"""A series of transforms, each planned on the result of the ones before it.

A transform that refuses, or that fails, changes nothing and does not stop the others. Knows
outcomes; knows nothing of what any transform does, and writes nothing.
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from dockerfix.engine.plan import CheckFailed, NothingToDo, Outcome, Planned, plan
from dockerfix.engine.proposal import Proposal, Transform
from dockerfix.facts.repository import Facts


class Run(Struct, frozen=True):
    """A transform, and what it is asked; `paths` are relative to the root."""

    transform: Transform
    paths: tuple[str, ...]
    options: Mapping[str, Any]


class Link(Struct, frozen=True):
    """One run of a series: the facts that it saw, and what came of it."""

    run: Run
    before: Facts
    outcome: Outcome

    @property
    def after(self) -> Facts:
        """The facts that the next run sees."""
        if not isinstance(self.outcome, Planned):
            return self.before
        return self.before.after(self.outcome.changes)


def in_order(transforms: Iterable[Transform]) -> tuple[Transform, ...]:
    """The transforms in the order in which a series runs them.

    A transform's `after` names those whose result it wants to see; apart from that the names
    decide. Names in `after` that are not among `transforms` count for nothing. Raises
    `graphlib.CycleError` when transforms wait for one another.
    """
    by_name = {transform.name: transform for transform in transforms}
    sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
    for name, transform in by_name.items():
        sorter.add(name, *(by_name.keys() & set(getattr(transform, "after", ()))))
    sorter.prepare()
    order: list[str] = []
    while ready := sorted(sorter.get_ready()):
        order += ready
        sorter.done(*ready)
    return tuple(by_name[name] for name in order)


def run_series(facts: Facts, runs: Iterable[Run]) -> Iterator[Link]:
    """Each run's link, as soon as it is planned.

    What a transform's own code raises is an outcome of its own, so that one bad file, or one
    bad plugin, never hides what the others have to say.
    """
    for run in runs:
        for paths in _places(run, facts):
            asked = Run(run.transform, paths, run.options)
            link = Link(asked, facts, _outcome(asked, facts))
            yield link
            facts = link.after


def _places(run: Run, facts: Facts) -> Sequence[tuple[str, ...]]:
    """The paths of each run: a transform that works on one place at a time lists them with
    `candidates`, for the given paths; any other takes the paths as they are, and so does one
    that fails to list them, which will say why when it is run."""
    candidates = getattr(run.transform, "candidates", None)
    if candidates is None:
        return [run.paths]
    try:
        return candidates(facts, run.paths) or [()]
    except Exception:  # whatever a plugin's code, or a file that it reads, may raise
        return [run.paths]


def _outcome(run: Run, facts: Facts) -> Outcome:
    if not run.paths:
        return NothingToDo(Proposal(reason="there is nothing here that it works on"))
    try:
        return plan(facts, run.transform, run.paths, run.options)
    except Exception as error:  # whatever a plugin's code may raise
        return CheckFailed("planning", f"{type(error).__name__}: {error}", Proposal())
