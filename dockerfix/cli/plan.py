"""`dockerfix plan`: all transforms as one series of commits to review."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import click

from dockerfix.cli import exit_code
from dockerfix.cli.budget import TIMEOUT
from dockerfix.cli.common import COLOUR, EXCLUDE, ROOT, shared
from dockerfix.cli.complete import PATH
from dockerfix.cli.output import emit, style_for, tell
from dockerfix.cli.series import ONLY, SKIP, Series, output_folder
from dockerfix.engine.plan import CheckFailed, Planned
from dockerfix.repo.root import folder_in_work_tree
from dockerfix.report.report import Report
from dockerfix.text.units import counted


@shared(ONLY, SKIP, ROOT, EXCLUDE, TIMEOUT, COLOUR)
@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=PATH)
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the series into FOLDER, a file a patch.",
)
@click.option("--branch", metavar="NAME", help="Make the series as commits on a new branch.")
@click.option("--stop-at", metavar="NAME", help="End the series with this transform.")
def plan(
    paths: tuple[str, ...],
    output: Path | None,
    branch: str | None,
    stop_at: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    root: str | None,
    exclude: tuple[str, ...],
    colour: str,
) -> int:
    """Plan a series: each transform on the result of the ones before it.

    Prints patches with commit messages on standard output, for `dockerfix plan | git am`
    (with --keep-cr where files have Windows newlines). The report goes to standard error.

    A transform that refuses does not stop the others. The
    options and accepted assumptions of each transform are those of the settings.
    """
    if output is not None and branch is not None:
        raise click.UsageError("--output and --branch exclude each other")
    series = Series(paths, root, exclude, only, skip)
    series.end_with(stop_at)
    reports = series.reports()
    planned = [report for report in reports if isinstance(report.outcome, Planned)]
    _deliver(planned, series.repository.root, output, branch)
    from dockerfix.report.series import render_overview

    tell(render_overview(reports, style_for(sys.stderr, colour)))
    below = folder_in_work_tree(series.repository.root)
    if planned and branch is None and below:
        where = shlex.quote(f"--directory={below}")
        tell(f"note: paths count from {below}: apply the series with `git am {where}`\n")
    failed = any(isinstance(report.outcome, CheckFailed) for report in reports)
    return exit_code.BUG if failed else exit_code.DONE


def _deliver(planned: list[Report], root: Path, folder: Path | None, branch: str | None) -> None:
    from dockerfix.repo.branch import author, commit_series
    from dockerfix.report.series import commit_message, render_mail

    if branch is not None:
        patches = [(_patch(report), commit_message(report)) for report in planned]
        if patches:
            commit_series(root, branch, patches)
            tell(f"branch {branch}: {counted(len(patches), 'commit')}\n")
        return
    who = author(root)
    mails = [
        render_mail(report, number, len(planned), who) for number, report in enumerate(planned, 1)
    ]
    if folder is None:
        emit(b"".join(mails), None)
        return
    output_folder(folder)
    for number, (report, mail) in enumerate(zip(planned, mails, strict=True), 1):
        words = re.sub(r"[^A-Za-z0-9]+", "-", report.command.removeprefix("dockerfix ")).strip("-")
        emit(mail, folder / f"{number:04}-{words}.patch")


def _patch(report: Report) -> bytes:
    assert isinstance(report.outcome, Planned)  # only those come here
    return report.outcome.patch
