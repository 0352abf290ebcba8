"""Random pipelines: the longest path against networkx, and what limits of runners can do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import networkx
from hypothesis import given
from hypothesis import strategies as st

from dockerfix.estimate.graph import JobGraph, job_graph
from dockerfix.estimate.schedule import Times, timeline
from dockerfix.facts.gitlab.pipeline import find_pipeline
from dockerfix.text import Snapshot

Spec = dict[str, dict[str, Any]]
"""Jobs in order: stage (a number), needs (names or None), seconds."""


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    found: Spec = {}
    for number in range(draw(st.integers(1, 12))):
        stage = draw(st.integers(0, 3))
        earlier = [name for name, job in found.items() if job["stage"] <= stage]
        needs = None
        if draw(st.booleans()):
            needs = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        seconds = draw(st.integers(0, 50))
        found[f"j{number}"] = {"stage": stage, "needs": needs, "seconds": seconds}
    return found


def graph_of(spec: Spec) -> JobGraph:
    """Through the reader of CI files, as the program does."""
    jobs = {
        name: {
            "stage": f"s{job['stage']}",
            "script": ["x"],
            **({} if job["needs"] is None else {"needs": job["needs"]}),
        }
        for name, job in spec.items()
    }
    text = json.dumps({"stages": [f"s{number}" for number in range(4)], **jobs})
    pipeline = find_pipeline(Snapshot.of({".gitlab-ci.yml": text}))
    assert pipeline is not None
    return job_graph(pipeline, spec.keys(), {})


def times_of(spec: Spec) -> Mapping[str, Times]:
    return {name: Times(0, 0, job["seconds"]) for name, job in spec.items()}


def longest(spec: Spec) -> float:
    """By networkx, from the specification alone."""
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_node("end")
    for name, job in spec.items():
        after = job["needs"]
        if after is None:
            after = [other for other, one in spec.items() if one["stage"] < job["stage"]]
        for other in after:
            graph.add_edge(other, name, weight=spec[other]["seconds"])
        graph.add_edge(name, "end", weight=job["seconds"])
    return float(networkx.dag_longest_path_length(graph))


def total(spec: Spec, runners: int | None = None) -> float:
    return timeline(graph_of(spec), times_of(spec), runners).total


@given(specs())
def test_without_a_limit_the_end_is_the_longest_path(spec: Spec) -> None:
    line = timeline(graph_of(spec), times_of(spec))
    assert line.total == longest(spec)
    assert sum(line.placed[name].times.busy for name in line.path) == line.total
    assert not line.stuck


@given(specs(), st.integers(1, 4))
def test_a_limit_of_runners_keeps_its_bounds(spec: Spec, runners: int) -> None:
    line = timeline(graph_of(spec), times_of(spec), runners)
    path = longest(spec)
    assert max(path, line.busy / runners) <= line.total <= line.busy / runners + path
    for one in line.placed.values():
        assert all(line.placed[name].end <= one.ready for name in one.run.after)
        assert one.ready <= one.start
        at_once = [o for o in line.placed.values() if o.start <= one.start < o.end]
        assert len(at_once) <= runners
    for before, after in pairwise(line.path):
        assert line.placed[before].end == line.placed[after].start, "the path has no holes"


@given(specs(), st.data())
def test_one_more_need_never_ends_sooner(spec: Spec, data: st.DataObject) -> None:
    names = list(spec)
    at = data.draw(st.integers(0, len(names) - 1))
    name, job = names[at], spec[names[at]]
    earlier = [n for n in names[:at] if spec[n]["stage"] <= job["stage"]]
    if job["needs"] is None or not earlier:
        return
    needs = [*job["needs"], data.draw(st.sampled_from(earlier))]
    more = {**spec, name: {**job, "needs": list(dict.fromkeys(needs))}}
    assert total(more) >= total(spec)
    assert total(more, 2) >= longest(more)


@given(specs(), st.integers(0, 3), st.integers(0, 50))
def test_one_more_job_never_ends_sooner(spec: Spec, stage: int, seconds: int) -> None:
    more = {**spec, "more": {"stage": stage, "needs": None, "seconds": seconds}}
    assert total(more) >= total(spec)
    assert total(more, 2) >= longest(more)
