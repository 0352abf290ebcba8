"""A series: the order, each run on the result of the former, failures that stop nobody."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from dockerfix.engine.plan import CheckFailed, NothingToDo, Planned
from dockerfix.engine.proposal import OptionSpec, Proposal
from dockerfix.engine.series import Run, in_order, run_series
from dockerfix.facts.repository import Facts
from dockerfix.text import Snapshot


@dataclass(frozen=True)
class Add:
    """Adds a file that lists the files which it saw."""

    name: str
    after: tuple[str, ...] = ()
    summary: str = ""
    options: tuple[OptionSpec, ...] = ()

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        path = f"{'-'.join(p or 'root' for p in paths)}.{self.name}"
        if path in facts.snapshot:
            return Proposal(reason="done")
        return Proposal(created={path: ",".join(sorted(facts.snapshot.paths)).encode()})


class Explode(Add):
    """Raises."""

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        raise RuntimeError("no")


class EachFolder(Add):
    """Works on one folder at a time."""

    def candidates(self, facts: Facts, paths: Sequence[str]) -> Sequence[tuple[str, ...]]:
        folders = {path.partition("/")[0] for path in facts.snapshot.paths if "/" in path}
        return [(folder,) for folder in sorted(folders)]


def outcomes(files: Mapping[str, bytes], *transforms: Add) -> list[tuple[str, Any]]:
    runs = [Run(transform, ("",), {}) for transform in transforms]
    links = run_series(Facts(Snapshot.of(files)), runs)
    return [(link.run.transform.name, link.outcome) for link in links]


def test_names_decide_where_nobody_waits() -> None:
    order = in_order([Add("c"), Add("a"), Add("b")])
    assert [transform.name for transform in order] == ["a", "b", "c"]


def test_a_transform_waits_for_those_that_it_names() -> None:
    order = in_order([Add("a", after=("c", "not-installed")), Add("b"), Add("c", after=("b",))])
    assert [transform.name for transform in order] == ["b", "c", "a"]


def test_a_circle_is_an_error() -> None:
    with pytest.raises(graphlib.CycleError):
        in_order([Add("a", after=("b",)), Add("b", after=("a",))])


def test_each_run_sees_the_result_of_the_former() -> None:
    (_, first), (_, second) = outcomes({"x": b""}, Add("a"), Add("b"))
    assert isinstance(first, Planned)
    assert isinstance(second, Planned)
    assert first.changes == {"root.a": b"x"}
    assert second.changes == {"root.b": b"root.a,x"}


def test_a_failure_stops_nobody() -> None:
    (_, failed), (_, planned) = outcomes({"x": b""}, Explode("a"), Add("b"))
    assert isinstance(failed, CheckFailed)
    assert failed.detail == "RuntimeError: no"
    assert isinstance(planned, Planned)
    assert planned.changes == {"root.b": b"x"}


def test_a_transform_that_lists_candidates_runs_on_each() -> None:
    found = outcomes({"p/x": b"", "q/x": b""}, EachFolder("a"))
    assert [list(outcome.changes) for _, outcome in found] == [["p.a"], ["q.a"]]


def test_no_candidate_is_nothing_to_do() -> None:
    ((_, outcome),) = outcomes({"x": b""}, EachFolder("a"))
    assert isinstance(outcome, NothingToDo)
    assert outcome.proposal.reason
