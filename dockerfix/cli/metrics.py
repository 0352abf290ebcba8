"""`dockerfix metrics`: what the traces of CI jobs tell about clones, waits, builds and caches."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dockerfix.cli.common import COLOUR, OUTPUT, shared
from dockerfix.cli.complete import PATH
from dockerfix.cli.evidence import job_of, jobs_of, traces_of
from dockerfix.cli.output import emit, style_for
from dockerfix.cli.server import FETCH, PROJECT, TOKEN, URL, Fetched, fetch, server_of

_READING = (
    click.Option(
        ["--jobs"],
        metavar="FILE",
        help="The jobs API's answer for the pipeline: adds how long each job waited. A LOG belongs "
        "to the job whose id or name its file name holds.",
    ),
    click.Option(
        ["--job", "names"],
        metavar="JOB",
        multiple=True,
        help="With --fetch: the trace of this job only. Repeatable.",
    ),
)
"""What is read beside the traces."""
_SAYING = (
    click.Option(
        ["--slowest"],
        type=click.IntRange(min=0),
        default=5,
        show_default=True,
        help="Steps to list for each build.",
    ),
    click.Option(
        ["--format", "form"],
        type=click.Choice(["text", "json", "markdown"]),
        default="text",
        show_default=True,
    ),
)
"""What is printed."""


@shared(*_READING, *_SAYING, FETCH, URL, PROJECT, TOKEN, OUTPUT, COLOUR)
@click.command()
@click.argument("logs", nargs=-1, metavar="[LOG]...", type=PATH)
def metrics(
    logs: tuple[str, ...],
    jobs: str | None,
    names: tuple[str, ...],
    slowest: int,
    form: str,
    pipeline: str | None,
    url: str | None,
    project: str | None,
    token_variable: str,
    output: Path | None,
    colour: str,
) -> None:
    """Read the raw traces of GitLab jobs, each in a file, or fetch those of a pipeline with
    --fetch; `-` is standard input.

    For each: preparation, clone, script; for each build the steps that were cached and those
    that ran, the bytes sent, failed cache imports, pushes and the slowest steps; and lines that
    speak of a known fault, such as a ref that a shallow clone does not have. It reads section
    markers, BuildKit's plain and rawjson progress, and kaniko.
    """
    from dockerfix.report import metrics as report

    if not logs and pipeline is None:
        raise click.UsageError("name the traces, or fetch them with --fetch")
    if names and pipeline is None:
        raise click.UsageError("--job chooses among fetched jobs: it needs --fetch")
    fetched = Fetched()
    if pipeline is not None:
        server = server_of(Path.cwd(), url, project, token_variable)
        fetched = fetch(server, pipeline, frozenset(names), children=True)
    read = traces_of(logs)
    listed = jobs_of(jobs) if jobs is not None else ()
    matched = {trace.name: job for trace in read if (job := job_of(trace.name, listed))}
    matched |= {job.name: job for job in fetched.jobs}
    traces = [*fetched.traces, *read]
    if form == "json":
        text = report.render_metrics_json(traces, matched, slowest)
    elif form == "markdown":
        text = report.render_metrics_markdown(traces, matched, slowest)
    else:
        style = style_for(sys.stdout, colour if output is None else "never")
        text = report.render_metrics(traces, matched, slowest, style)
    emit(text.encode("utf-8", "surrogateescape"), output)
