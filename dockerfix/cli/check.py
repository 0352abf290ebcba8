"""`dockerfix check`: what every transform could do here, and what stands in the way."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from dockerfix.checks.all import CHECKS
from dockerfix.checks.check import Check
from dockerfix.cli import exit_code
from dockerfix.cli.budget import TIMEOUT
from dockerfix.cli.common import COLOUR, EXCLUDE, INLINE, OUTPUT, ROOT, shared
from dockerfix.cli.complete import PATH
from dockerfix.cli.output import emit, style_for, tell
from dockerfix.cli.series import ONLY, SKIP, Series
from dockerfix.engine.plan import CheckFailed, NothingToDo, Planned
from dockerfix.engine.proposal import Proposal
from dockerfix.report.report import Report
from dockerfix.report.style import Style

FORMATS = ("text", "json", "sarif", "gitlab-codequality", "markdown")


@shared(ONLY, SKIP, INLINE, ROOT, EXCLUDE, TIMEOUT, OUTPUT, COLOUR)
@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=PATH)
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
def check(
    paths: tuple[str, ...],
    form: str,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    root: str | None,
    exclude: tuple[str, ...],
    inline: bool,
    output: Path | None,
    colour: str,
) -> int:
    """Look at the whole repository, or at PATH, with every transform.

    For each: what it would change, what that brings, and what stands in the way. Nothing is
    written. Each transform is asked about the repository as the ones before it would leave
    it, in the order in which `dockerfix plan` applies them.

    Then what is worth a look without a patch: an image that is pushed after the job that uses
    it, one tag or one cache with two writers, a cache that nothing fills, a needed job that may
    be absent, an ignore file that no build reads, a cook that no build uses. --only NAME and
    --skip NAME know these too.

    Exit code 0 when there is nothing to do, 1 when there is something.
    """
    names = {one.name for one in CHECKS}
    series = Series(
        paths,
        root,
        exclude,
        [n for n in only if n not in names],
        [n for n in skip if n not in names],
        inline,
    )
    chosen = [one for one in CHECKS if (not only or one.name in only) and one.name not in skip]
    reports = [] if only and names.issuperset(only) else series.reports(form == "markdown")
    found = _checks(series, chosen)
    tell("".join(f"note: {line}\n" for line in series.repository.idle_acceptances()))
    style = style_for(sys.stdout, colour if output is None else "never")
    emit(_rendered(reports, found, form, style).encode("utf-8", "surrogateescape"), output)
    return _code([*reports, found])


def _checks(series: Series, chosen: Sequence[Check]) -> Report:
    """What the checks find, as the report of a transform that changes nothing."""
    repository = series.repository
    findings = tuple(f for check in chosen for f in check.findings(repository.facts))
    accepted = repository.accepted("check")
    outcome = NothingToDo(Proposal(findings=findings))
    return Report("dockerfix check", "check", outcome, accepted)


def _rendered(reports: list[Report], checks: Report, form: str, style: Style) -> str:
    if form == "text":
        from dockerfix.report.series import render_checks, render_overview

        return render_overview(reports, style) + render_checks(checks, style)
    if form == "json":
        from dockerfix.report.json_ import render_all_json

        return render_all_json(reports, checks)
    if form == "sarif":
        from dockerfix.report.sarif import render_sarif

        return render_sarif(*reports, checks)
    if form == "gitlab-codequality":
        from dockerfix.report.code_quality import render_code_quality

        return render_code_quality(*reports, checks)
    from dockerfix.report.markdown import render_checks_markdown, render_markdown

    return "\n".join([*map(render_markdown, reports), render_checks_markdown(checks)])


def _code(reports: list[Report]) -> int:
    if any(isinstance(report.outcome, CheckFailed) for report in reports):
        return exit_code.BUG
    something = any(isinstance(report.outcome, Planned) for report in reports)
    looks = bool(reports[-1].assumed)
    return exit_code.WOULD_CHANGE if something or looks else exit_code.DONE
