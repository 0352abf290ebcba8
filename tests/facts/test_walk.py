"""The one walk of a stage: folders and variables by BuildKit's rules."""

from __future__ import annotations

import pytest

from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.facts.dockerfile.walk import At, walk
from dockerfix.syntax.dockerfile import parse


def last(text: str) -> At:
    """What the last instruction of the last stage sees."""
    graph = StageGraph(parse(text.encode()))
    return list(walk(graph, graph.stages[-1]))[-1]


@pytest.mark.parametrize(
    ("before", "written", "folder"),
    [
        ("ENV A=v", "/$AB/x", "/$AB/x"),
        ("ENV A=v", "/${A}B/x", "/vB/x"),
        ("ENV A=v AB=w", "/$AB/x", "/w/x"),
        ("ARG A=v", "/$A", "/v"),
        ("ARG A", "/${A:-d}", "/${A:-d}"),
        ("ENV A=v", "/\\$A", "/$A"),
        ("ENV A=v", "'/$A'", "/$A"),
        ("WORKDIR /up", "$A/x", "/up/$A/x"),
    ],
)
def test_a_folder_is_expanded_as_buildkit_does(before: str, written: str, folder: str) -> None:
    assert last(f"FROM x\n{before}\nWORKDIR {written}\nRUN y\n").folder == folder


def test_a_stage_begins_with_the_environment_and_folder_of_the_one_below() -> None:
    at = last("FROM x AS a\nENV A=v\nARG B=w\nWORKDIR /$A\nFROM a\nRUN y\n")
    assert at.folder == "/v"
    assert ("A", "v") in at.environment


def test_a_value_that_doubles_stays_a_variable() -> None:
    at = last("FROM x\nENV A=abc\n" + "ENV A=$A$A\n" * 200 + "RUN y\n")
    assert max(len(text) for _, text in at.environment) <= 8192
