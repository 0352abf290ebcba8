"""Stage graphs and job graphs in every form; the pictures of a patch."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerfix.engine.plan import Planned
from dockerfix.engine.proposal import Proposal
from dockerfix.facts.repository import Facts
from dockerfix.report.drawing import (
    Arrow,
    Box,
    Drawing,
    render_dot,
    render_drawing_json,
    render_mermaid,
)
from dockerfix.report.drawing_svg import render_drawing_svg
from dockerfix.report.job_graph import draw_jobs
from dockerfix.report.pictures import every_job, pictures_of
from dockerfix.report.stage_graph import draw_stages
from dockerfix.text import Snapshot

DOCKERFILE = """\
ARG BASE=rust:1
FROM $BASE AS chef
FROM chef AS build
RUN --mount=type=bind,from=assets,target=/a make
FROM scratch AS assets
FROM debian:12
COPY --from=build /x /x
COPY --from=busybox:1 /y /y
"""
CI = """\
stages: [b, t]
one: {stage: b, script: [x]}
two: {stage: b, needs: [one], script: [x]}
three: {stage: t, needs: [two], script: [x]}
four: {stage: t, script: [x]}
"""
FACTS = Facts(Snapshot.of({"Dockerfile": DOCKERFILE, ".gitlab-ci.yml": CI}))


def stages() -> Drawing:
    return draw_stages(FACTS.stages("Dockerfile"), "Dockerfile")


def jobs() -> Drawing:
    graph = every_job(FACTS)
    assert graph is not None
    return draw_jobs(graph)


def test_a_dockerfile_as_mermaid() -> None:
    text = render_mermaid(stages())
    assert text.startswith('flowchart LR\n  n0(["rust:1"])\n  n1["chef"]\n')
    arrows = set(re.findall(r"n\d+ -\.?->? n\d+", text))
    assert {"n0 --> n1", "n1 --> n2"} <= arrows, "FROM an image, FROM a stage"
    dashed = {tuple(pair) for pair in re.findall(r"(n\d+) -\.-> (n\d+)", text)}
    assert len(dashed) == 3, "a mount and two copies"
    assert text.endswith("path\n"), "the last stage is marked"


def test_jobs_in_every_form() -> None:
    mermaid = render_mermaid(jobs())
    assert 'subgraph g0["b"]' in mermaid
    assert "  g0 -.-> n3\n" in mermaid
    dot = render_dot(jobs())
    assert "subgraph cluster_g0 {" in dot
    assert "n0 -> n3 [style=dashed, ltail=cluster_g0];" in dot
    data = json.loads(render_drawing_json(jobs()))
    assert data["boxes"][1]["hover"] == "two needs one"


@pytest.mark.parametrize("drawing", [stages(), jobs()], ids=["stages", "jobs"])
def test_the_picture_is_well_formed_and_whole(drawing: Drawing) -> None:
    root = ElementTree.fromstring(render_drawing_svg(drawing))
    texts = {"".join(node.itertext()) for node in root.iter() if node.tag.endswith("text")}
    assert {line for box in drawing.boxes for line in box.lines} <= texts


names = st.text(min_size=1, max_size=8)


@given(
    st.lists(names, min_size=1, max_size=8, unique=True),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7))),
)
def test_any_names_and_any_arrows(boxes: list[str], pairs: list[tuple[int, int]]) -> None:
    made = tuple(Box(name, (name,)) for name in boxes)
    arrows = tuple(
        Arrow(boxes[a % len(boxes)], boxes[b % len(boxes)], dashed=a > b) for a, b in pairs
    )
    drawing = Drawing("t", made, arrows)
    for text in (render_mermaid(drawing), render_dot(drawing), render_drawing_json(drawing)):
        assert text.endswith("\n")
    assert render_drawing_svg(drawing).count('class="box"') == len(boxes)


def test_the_pictures_of_a_patch() -> None:
    changed = {
        "Dockerfile": DOCKERFILE.replace("AS build", "AS other").encode(),
        ".gitlab-ci.yml": CI.replace("needs: [two]", "needs: []").encode(),
    }
    found = pictures_of(FACTS, Planned(Proposal(), changed, b"", ()))
    assert [title for title, _ in found] == ["Stages of Dockerfile", "Jobs before", "Jobs after"]
    same = {"Dockerfile": DOCKERFILE.encode() + b"RUN z\n", "a.txt": b""}
    assert pictures_of(FACTS, Planned(Proposal(), same, b"", ())) == ()
