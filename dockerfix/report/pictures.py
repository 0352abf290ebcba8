"""Pictures for the report of a patch: the stages of each Dockerfile, the jobs before and after.

Pure; Mermaid, since GitLab and GitHub draw it in Markdown. A picture that nobody could read is
left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.engine.plan import Outcome, Planned
from dockerfix.estimate.graph import JobGraph, job_graph
from dockerfix.facts.dockerfile.file_names import is_dockerfile
from dockerfix.facts.repository import Facts
from dockerfix.report.drawing import Drawing, render_mermaid
from dockerfix.report.job_graph import draw_jobs
from dockerfix.report.stage_graph import draw_stages

_MOST = 60
"""Boxes of a picture; with more it says nothing any more."""

Picture = tuple[str, str]
"""A title and Mermaid."""


def pictures_of(before: Facts, outcome: Outcome) -> tuple[Picture, ...]:
    """The pictures of a patch; none without one."""
    if not isinstance(outcome, Planned):
        return ()
    after = before.after(outcome.changes)
    return (*_stages(before, after, outcome), *_jobs(before, after))


def _stages(before: Facts, after: Facts, outcome: Planned) -> Iterator[Picture]:
    for path, data in sorted(outcome.changes.items()):
        if data is None or not is_dockerfile(path):
            continue
        drawing = draw_stages(after.stages(path), path)
        new = render_mermaid(drawing)
        old = path in before.snapshot and render_mermaid(draw_stages(before.stages(path), path))
        if new != old and len(drawing.boxes) <= _MOST:
            yield f"Stages of {path}", new


def _jobs(before: Facts, after: Facts) -> Iterator[Picture]:
    drawings = [_drawn(facts) for facts in (before, after)]
    if drawings[0] == drawings[1]:
        return
    for title, drawing in zip(("before", "after"), drawings, strict=True):
        if drawing is not None and len(drawing.boxes) <= _MOST:
            yield f"Jobs {title}", render_mermaid(drawing)


def _drawn(facts: Facts) -> Drawing | None:
    graph = every_job(facts)
    return draw_jobs(graph) if graph is not None else None


def every_job(facts: Facts) -> JobGraph | None:
    """The graph of all jobs that can run, each once; None without a pipeline."""
    pipeline = facts.pipeline
    if pipeline is None:
        return None
    names = [job.name for job in pipeline.visible]
    return job_graph(pipeline, names, {name: (name,) for name in names})
