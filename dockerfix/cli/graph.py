"""`dockerfix graph`: the stages of a Dockerfile, or the jobs of the pipeline, as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from dockerfix.cli.budget import TIMEOUT
from dockerfix.cli.common import EXCLUDE, OUTPUT, ROOT, shared
from dockerfix.cli.complete import PATH
from dockerfix.cli.output import emit
from dockerfix.cli.repository import open_repository
from dockerfix.facts.repository import Facts
from dockerfix.report.drawing import Drawing


@shared(ROOT, EXCLUDE, TIMEOUT, OUTPUT)
@click.command()
@click.argument("path", default=".", type=PATH)
@click.option(
    "--format",
    "form",
    type=click.Choice(["mermaid", "dot", "svg", "json"]),
    default="mermaid",
    show_default=True,
)
def graph(
    path: str, form: str, root: str | None, exclude: tuple[str, ...], output: Path | None
) -> None:
    """Draw the stages of the Dockerfile PATH, or the jobs of the GitLab pipeline.

    For a folder, and for .gitlab-ci.yml, the jobs with their needs: a dashed arrow is a job
    that waits for all earlier stages. For a Dockerfile its stages and the images below them: a
    dashed arrow is COPY --from or a mount, and the marked stage is what a build without a target
    gives.
    """
    repository = open_repository([path], root, exclude)
    drawing = _drawing(repository.facts, repository.paths[0])
    emit(_rendered(drawing, form).encode("utf-8", "surrogateescape"), output)


def _drawing(facts: Facts, path: str) -> Drawing:
    """The drawing of a path relative to the root; raises `click.UsageError`."""
    if path in facts.snapshot and not path.endswith((".yml", ".yaml")):
        from dockerfix.report.stage_graph import draw_stages

        return draw_stages(facts.stages(path), path)
    from dockerfix.report.job_graph import draw_jobs
    from dockerfix.report.pictures import every_job

    jobs = every_job(facts)
    if jobs is None:
        raise click.UsageError("there is no .gitlab-ci.yml; name a Dockerfile to draw its stages")
    return draw_jobs(jobs)


def _rendered(drawing: Drawing, form: str) -> str:
    from dockerfix.report import drawing as text

    if form == "svg":
        from dockerfix.report.drawing_svg import render_drawing_svg

        return render_drawing_svg(drawing)
    if form == "dot":
        return text.render_dot(drawing)
    return text.render_drawing_json(drawing) if form == "json" else text.render_mermaid(drawing)
