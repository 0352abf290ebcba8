"""The picture: well-formed, self-contained, with the words that a stranger looks for."""

from __future__ import annotations

from xml.etree import ElementTree

from dockerfix.estimate.graph import job_graph
from dockerfix.estimate.schedule import Times
from dockerfix.estimate.series import Estimate, Given, State, estimates
from dockerfix.facts.gitlab.pipeline import find_pipeline
from dockerfix.report.bars import render_bars
from dockerfix.report.drawing import render_mermaid
from dockerfix.report.estimate import (
    headline,
    render_estimate,
    render_estimate_json,
    render_estimate_markdown,
)
from dockerfix.report.job_graph import draw_jobs
from dockerfix.report.timeline import render_html, render_svg
from dockerfix.text import Snapshot

BEFORE = 'stages: [b, t]\n"a<&>\\"": {stage: b, script: [x]}\nt: {stage: t, script: [x]}\n'
AFTER = BEFORE.replace("t: {stage: t,", "t: {stage: t, needs: [],")


def found(before: str = BEFORE, after: str = AFTER) -> tuple[Estimate, ...]:
    states = []
    for title, text in (("as it is", before), ("after add-needs", after)):
        pipeline = find_pipeline(Snapshot.of({".gitlab-ci.yml": text}))
        assert pipeline is not None
        states.append(State(title, pipeline, {}))
    return estimates(states, Given({'a<&>"': Times(0, 5, 95), "t": Times(3, 0, 50)}))


BARS = """\
The pipeline takes 1 min 40 s instead of 2 min 33 s: 53 s sooner (35%).
█ decides the end   ▒ other jobs   · waits for a runner

Before: 2 min 33 s; runners are busy for 2 min 30 s in 2 jobs
  a<&>"                          ██████████████████████████████████ 1 min 40 s
  t                                                                ·█████████████████ 50 s

After: 1 min 40 s; runners are busy for 2 min 30 s in 2 jobs
  a<&>"                          ██████████████████████████████████ 1 min 40 s
  t                              ·▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒ 50 s
"""


def test_the_bars_stand_where_the_jobs_do() -> None:
    assert render_bars(found()) == BARS


def test_the_picture_says_what_changed() -> None:
    svg = render_svg(found())
    root = ElementTree.fromstring(svg)
    texts = ["".join(node.itertext()) for node in root.iter() if node.tag.endswith("text")]
    assert texts[0] == "The pipeline takes 1 min 40 s instead of 2 min 33 s: 53 s sooner (35%)."
    assert {"Before: 2 min 33 s", "After: 1 min 40 s", "53 s sooner", 'a<&>"'} <= set(texts)
    hovers = ["".join(node.itertext()) for node in root.iter() if node.tag.endswith("title")]
    assert any(
        'Waits for a<&>": it has no needs, so that it waits for all earlier stages. '
        "Then waits 3 s for a runner." in hover
        for hover in hovers
    )
    assert "http://" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in svg


def test_the_page_holds_the_picture_and_the_table() -> None:
    page = render_html(found(), ["a < note"])
    assert "<svg" in page
    assert "a &lt; note" in page


def test_of_many_jobs_those_that_matter_are_shown() -> None:
    many = "".join(f"j{number}: {{script: [x]}}\n" for number in range(60))
    svg = render_svg(found(many, many)[:1])
    assert "and 20 shorter jobs" in svg
    assert "The pipeline as it is" in svg


def test_headlines() -> None:
    assert headline(found()[:1]) == "The pipeline takes 2 min 33 s."
    assert headline(found(AFTER, BEFORE)).endswith("53 s later (53%).")
    assert "before and after; runners are busy for" in headline(found(BEFORE, BEFORE))


def test_text_markdown_and_data() -> None:
    text = render_estimate(found(), ["said"])
    assert "after add-needs 1 min 40 s -53 s 2 min 30 s 2" in " ".join(text.split())
    assert "note: said" in text
    assert "| after add-needs | 1 min 40 s | -53 s |" in render_estimate_markdown(found())
    assert '"waits_because": "Waits for no job.' in render_estimate_json(found())


def test_mermaid_draws_a_barrier_once() -> None:
    one = found()[0]
    text = render_mermaid(draw_jobs(one.graph, one.timeline))
    assert 'n0["a#lt;&>#quot;<br/>1 min 40 s"]' in text
    assert "  g0 -.-> n1\n" in text
    assert "class n0,n1 path" in text
    pipeline = find_pipeline(Snapshot.of({".gitlab-ci.yml": AFTER}))
    assert pipeline is not None
    assert "class " not in render_mermaid(draw_jobs(job_graph(pipeline, {"t"}, {})))
