"""`dockerfix estimate`: how long the pipeline takes, and would take after each patch."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from dockerfix.cli.budget import TIMEOUT
from dockerfix.cli.common import COLOUR, EXCLUDE, OUTPUT, ROOT, shared
from dockerfix.cli.complete import PATH
from dockerfix.cli.evidence import job_of, jobs_of, measured_seconds, slug, traces_of
from dockerfix.cli.output import emit, style_for
from dockerfix.cli.series import ONLY, SKIP, Series
from dockerfix.cli.server import FETCH, PROJECT, TOKEN, URL, Fetched, fetch, server_of
from dockerfix.engine.plan import Planned
from dockerfix.engine.series import Link
from dockerfix.estimate.changed import Builds, Clones
from dockerfix.estimate.series import Estimate, Given, State, estimates
from dockerfix.estimate.times import known_times
from dockerfix.facts.gitlab.existing import PipelineKind
from dockerfix.facts.images.used import pushers
from dockerfix.facts.repository import Facts
from dockerfix.report.report import Report
from dockerfix.traces.jobs import RanJob
from dockerfix.traces.model import JobTrace

FORMATS = ("text", "bars", "json", "markdown", "svg", "html", "mermaid")


_TIMES = (
    click.Option(
        ["--jobs"], metavar="FILE", help="The jobs API's answer for one or more pipelines."
    ),
    click.Option(
        ["--trace", "logs"], metavar="LOG", multiple=True, help="A job's trace. Repeatable."
    ),
    click.Option(
        ["--measured"], metavar="FILE", help="JSON of `dockerfix verify --cold`: times of builds."
    ),
    click.Option(
        ["--after"],
        metavar="JOB=SECONDS",
        multiple=True,
        help="What a job takes once the series is applied, if you know it. Repeatable.",
    ),
)
"""Where the times come from."""
_PIPELINE = (
    click.Option(
        ["--runners"], type=click.IntRange(min=1), help="Jobs that can run at once. Default: all."
    ),
    click.Option(
        ["--pipeline", "kind"],
        type=click.Choice([kind.value for kind in PipelineKind]),
        default=PipelineKind.DEFAULT_BRANCH.value,
        show_default=True,
        help="Which pipeline to look at when no list of jobs is given.",
    ),
    click.Option(["--stop-at"], metavar="NAME", help="End the series with this transform."),
)
"""Which pipeline is estimated."""
_SAYING = (
    click.Option(
        ["--format", "form"], type=click.Choice(FORMATS), default="text", show_default=True
    ),
)


@shared(
    *_TIMES,
    *_PIPELINE,
    *_SAYING,
    FETCH,
    URL,
    PROJECT,
    TOKEN,
    ONLY,
    SKIP,
    ROOT,
    EXCLUDE,
    TIMEOUT,
    OUTPUT,
    COLOUR,
)
@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=PATH)
def estimate(
    paths: tuple[str, ...],
    jobs: str | None,
    logs: tuple[str, ...],
    measured: str | None,
    after: tuple[str, ...],
    runners: int | None,
    kind: str,
    stop_at: str | None,
    form: str,
    pipeline: str | None,
    url: str | None,
    project: str | None,
    token_variable: str,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    root: str | None,
    exclude: tuple[str, ...],
    output: Path | None,
    colour: str,
) -> int:
    """Estimate the GitLab pipeline before the series of patches, after each, and after all.

    The longest path over needs and stages is computed from times that were measured: --jobs,
    --trace, --measured, or fetched from GitLab with --fetch. A job whose time is not known gets
    the median of its stage, and is named. Each state is computed by itself: what the patches gain
    together is not the sum of what each gains.
    """
    series = Series(paths, root, exclude, only, skip)
    series.end_with(stop_at)
    fetched = Fetched()
    if pipeline is not None:
        folder = series.repository.root
        fetched = fetch(server_of(folder, url, project, token_variable), pipeline)
    listed, traces = _seen(series.repository.facts, fetched, jobs, logs)
    given = Given(
        known_times(listed, traces),
        runs_of_jobs(listed),
        PipelineKind(kind),
        runners,
        Clones.seen(traces),
        Builds(*measured_seconds(measured)) if measured is not None else None,
        _expected(after),
    )
    found = estimates(states_of(series, series.linked()), given)
    notes = notes_of(listed, series.repository.facts)
    style = style_for(sys.stdout, colour if output is None else "never")
    emit(_rendered(form, found, notes, style.colour).encode("utf-8", "surrogateescape"), output)
    return 0


def _seen(
    facts: Facts, fetched: Fetched, jobs: str | None, logs: Sequence[str]
) -> tuple[tuple[RanJob, ...], dict[str, JobTrace]]:
    """The jobs that ran, and the traces by the name of their run: fetched, and from files."""
    listed = (*fetched.jobs, *(jobs_of(jobs) if jobs is not None else ()))
    traces = _named(traces_of(logs), listed, facts)
    return listed, traces | {trace.name: trace for trace in fetched.traces}


def states_of(series: Series, linked: Iterable[tuple[Link, Report]]) -> list[State]:
    """The repository as it is, then after each patch; raises `click.UsageError` without a
    pipeline."""
    facts = series.repository.facts
    if facts.pipeline is None:
        raise click.UsageError("there is no .gitlab-ci.yml, and so no pipeline to estimate")
    states = [State("as it is", facts.pipeline, pushers(facts))]
    for link, report in linked:
        if isinstance(link.outcome, Planned) and link.after.pipeline is not None:
            title = f"after {report.command.removeprefix('dockerfix ')}"
            pushed = pushers(link.after)
            states.append(State(title, link.after.pipeline, pushed, report.proposal.summary[:1]))
    return states


def _named(traces: Sequence[JobTrace], jobs: Sequence[RanJob], facts: Facts) -> dict[str, JobTrace]:
    """Traces by the name of their run: as the list of jobs has it, else as the files do."""
    pipeline = facts.pipeline
    names = {slug(job.name): job.name for job in pipeline.visible} if pipeline else {}
    found: dict[str, JobTrace] = {}
    for trace in traces:
        job = job_of(trace.name, jobs)
        name = job.name if job is not None else names.get(slug(trace.name))
        if name is None:
            raise click.UsageError(f"--trace {trace.name}: no job has that id or name")
        found[name] = trace
    return found


def runs_of_jobs(jobs: Sequence[RanJob]) -> dict[str, tuple[str, ...]]:
    """The runs of each job that ran."""
    found: dict[str, dict[str, None]] = {}
    for job in sorted(jobs, key=lambda job: job.id):
        if job.duration is not None:
            found.setdefault(job.base, {})[job.name] = None
    return {base: tuple(names) for base, names in found.items()}


def _expected(words: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for word in words:
        name, _, seconds = word.rpartition("=")
        try:
            found[name.strip()] = float(seconds)
        except ValueError:
            raise click.UsageError(f"--after {word}: write JOB=SECONDS") from None
    return found


def notes_of(jobs: Sequence[RanJob], facts: Facts) -> list[str]:
    """How far the list of jobs and the files agree."""
    from dockerfix.text.units import lasting

    known = facts.pipeline.jobs if facts.pipeline is not None else {}
    strange = sorted({job.base for job in jobs} - known.keys())
    notes = []
    if strange:
        shown = ", ".join(strange[:5]) + (", ..." if len(strange) > 5 else "")
        notes.append(f"jobs that ran and that no file read here defines are left out: {shown}")
    created = [job.created for job in jobs if job.created is not None]
    finished = [job.finished for job in jobs if job.finished is not None]
    if created and finished and len({job.pipeline for job in jobs}) == 1:
        seconds = max(finished) - min(created)
        notes.append(f"the pipeline in the list took {lasting(seconds)} from creation to end")
    return notes


def _rendered(form: str, found: Sequence[Estimate], notes: Sequence[str], colour: bool) -> str:
    from dockerfix.report import estimate as report
    from dockerfix.report.style import Style

    if form == "json":
        return report.render_estimate_json(found, notes)
    if form == "markdown":
        return report.render_estimate_markdown(found, notes)
    if form == "bars":
        from dockerfix.report.bars import render_bars

        return render_bars(found, Style(colour))
    if form == "svg":
        from dockerfix.report.timeline import render_svg

        return render_svg(found)
    if form == "html":
        from dockerfix.report.timeline import render_html

        return render_html(found, notes)
    if form == "mermaid":
        from dockerfix.report.drawing import render_mermaid
        from dockerfix.report.job_graph import draw_jobs

        return render_mermaid(draw_jobs(found[-1].graph, found[-1].timeline))
    return report.render_estimate(found, notes, Style(colour))
