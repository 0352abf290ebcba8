"""`dockerfix check`: what every transform could do here, and what stands in the way."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dockerfix.cli import exit_code
from dockerfix.cli.budget import TIMEOUT
from dockerfix.cli.common import COLOUR, EXCLUDE, OUTPUT, ROOT, shared
from dockerfix.cli.output import emit, style_for
from dockerfix.cli.series import ONLY, SKIP, Series
from dockerfix.engine.plan import CheckFailed, Planned
from dockerfix.report.report import Report

FORMATS = ("text", "json", "sarif", "gitlab-codequality", "markdown")


@shared(ONLY, SKIP, ROOT, EXCLUDE, TIMEOUT, OUTPUT, COLOUR)
@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
def check(
    paths: tuple[str, ...],
    form: str,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    root: str | None,
    exclude: tuple[str, ...],
    output: Path | None,
    colour: str,
) -> int:
    """Look at the whole repository, or at PATH, with every transform.

    For each: what it would change, what that brings, and what stands in the way. Nothing is
    written. Each transform is asked about the repository as the ones before it would leave
    it, in the order in which `dockerfix plan` applies them.

    Exit code 0 when there is nothing to do, 1 when there is something.
    """
    reports = Series(paths, root, exclude, only, skip).reports(pictures=form == "markdown")
    style = style_for(sys.stdout, colour if output is None else "never")
    if form == "text":
        from dockerfix.report.series import render_overview

        text = render_overview(reports, style)
    else:
        text = _rendered(reports, form)
    emit(text.encode("utf-8", "surrogateescape"), output)
    return _code(reports)


def _rendered(reports: list[Report], form: str) -> str:
    if form == "json":
        from dockerfix.report.json_ import render_all_json

        return render_all_json(reports)
    if form == "sarif":
        from dockerfix.report.sarif import render_sarif

        return render_sarif(*reports)
    if form == "gitlab-codequality":
        from dockerfix.report.code_quality import render_code_quality

        return render_code_quality(*reports)
    from dockerfix.report.markdown import render_markdown

    return "\n".join(render_markdown(report) for report in reports)


def _code(reports: list[Report]) -> int:
    if any(isinstance(report.outcome, CheckFailed) for report in reports):
        return exit_code.BUG
    something = any(isinstance(report.outcome, Planned) for report in reports)
    return exit_code.WOULD_CHANGE if something else exit_code.DONE
