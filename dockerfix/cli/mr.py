"""`dockerfix mr`: the series as one merge request with one note, on GitLab."""

from __future__ import annotations

from collections.abc import Sequence

import click

from dockerfix.cli import exit_code
from dockerfix.cli.budget import TIMEOUT, current
from dockerfix.cli.common import EXCLUDE, ROOT, shared
from dockerfix.cli.complete import PATH
from dockerfix.cli.evidence import jobs_of
from dockerfix.cli.output import emit, tell
from dockerfix.cli.series import ONLY, SKIP, Series
from dockerfix.cli.server import PROJECT, TOKEN, URL, Server, connect, server_of
from dockerfix.engine.plan import CheckFailed, Planned
from dockerfix.engine.series import Link
from dockerfix.forge.series import Commit, Wanted
from dockerfix.report.report import Report
from dockerfix.text.units import counted

_DESCRIPTION = (
    "Made with `dockerfix mr`. The note below says what changes, what it brings, and what is "
    "assumed; it is rewritten at each run. Review the commits one by one."
)


_REQUEST = (
    click.Option(
        ["--dry-run/--publish", "dry"],
        default=True,
        help="Print the note and what would be done (the default), or do it.",
    ),
    click.Option(
        ["--branch"],
        metavar="NAME",
        default="dockerfix/series",
        show_default=True,
        help="The branch for the commits.",
    ),
    click.Option(["--target"], metavar="BRANCH", help="Default: the project's default branch."),
    click.Option(["--title"], help="The merge request's title. Default: made from the transforms."),
)
"""What becomes of the merge request."""
_SERIES = (
    click.Option(["--jobs"], metavar="FILE", help="As for estimate: adds what the series brings."),
    click.Option(["--stop-at"], metavar="NAME", help="End the series with this transform."),
)
"""What the series is, and brings."""


@shared(*_REQUEST, *_SERIES, URL, PROJECT, TOKEN, ONLY, SKIP, ROOT, EXCLUDE, TIMEOUT)
@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=PATH)
def mr(
    paths: tuple[str, ...],
    dry: bool,
    url: str | None,
    project: str | None,
    branch: str,
    target: str | None,
    title: str | None,
    token_variable: str,
    jobs: str | None,
    stop_at: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    root: str | None,
    exclude: tuple[str, ...],
) -> int:
    """Open one GitLab merge request for the series of `dockerfix plan`, or update it.

    A branch with a commit for each transform, one merge request, and one note that is rewritten
    in place at each run. Without --publish nothing is sent: the note is printed, and standard
    error says what would be done.

    A branch that somebody else pushed to is never touched, and either all of the series is on
    the branch or nothing is. The token needs the scope `api`; it is read from the environment
    and never printed. Install with `pip install 'dockerfix[gitlab]'`.
    """
    from dockerfix.report.merge_request import title_of

    series = Series(paths, root, exclude, only, skip)
    series.end_with(stop_at)
    linked = series.linked(pictures=True)
    reports = [report for _, report in linked]
    if any(isinstance(report.outcome, CheckFailed) for report in reports):
        tell("dockerfix: an internal check failed; `dockerfix plan` says which\n")
        return exit_code.BUG
    commits = _commits(series, linked)
    if not commits:
        tell("nothing to do: no transform changes anything\n")
        return exit_code.DONE
    server = server_of(series.repository.root, url, project, token_variable)
    wanted = Wanted(
        server.project,
        target or "",
        branch,
        title or title_of(reports),
        _DESCRIPTION,
        _note(series, linked, jobs),
        commits,
    )
    if dry:
        emit(wanted.note.encode("utf-8", "surrogateescape"), None)
        tell(_preview(wanted, server))
        return exit_code.DONE
    return _publish(wanted, server)


def _commits(series: Series, linked: Sequence[tuple[Link, Report]]) -> tuple[Commit, ...]:
    """A commit for each patch, with paths from the top of the Git work tree."""
    from dockerfix.repo.remote import prefix
    from dockerfix.report.series import commit_message

    top = prefix(series.repository.root)
    found = []
    for link, report in linked:
        if isinstance(link.outcome, Planned):
            before, changes = link.before.snapshot, link.outcome.changes
            held = {p: before.read(p) if p in before else None for p in changes}
            found.append(
                Commit(
                    commit_message(report),
                    {top + path: data for path, data in changes.items()},
                    {top + path: data for path, data in held.items()},
                )
            )
    return tuple(found)


def _note(series: Series, linked: Sequence[tuple[Link, Report]], jobs: str | None) -> str:
    from dockerfix.report.merge_request import render_note

    reports = [report for _, report in linked]
    if jobs is None or series.repository.facts.pipeline is None:
        return render_note(reports)
    from dockerfix.cli.estimate import notes_of, runs_of_jobs, states_of
    from dockerfix.estimate.series import Given, estimates
    from dockerfix.estimate.times import known_times

    listed = jobs_of(jobs)
    given = Given(known_times(listed, {}), runs_of_jobs(listed))
    found = estimates(states_of(series, linked), given)
    return render_note(reports, found, notes_of(listed, series.repository.facts))


def _preview(wanted: Wanted, server: Server) -> str:
    where = f"{server.url}/{server.project}" if server.project else "the project"
    lines = [f"with --publish: {where}, branch {wanted.branch}, merge request `{wanted.title}`"]
    for commit in wanted.commits:
        subject = commit.message.partition("\n")[0]
        lines.append(f"  commit: {subject} ({counted(len(commit.changes), 'file')})")
    return "".join(f"{line}\n" for line in lines)


def _publish(wanted: Wanted, server: Server) -> int:
    from dockerfix.forge.errors import PUBLISH
    from dockerfix.forge.publish import publish

    forge = connect(server, PUBLISH)
    budget = current()
    if budget is not None:
        budget.stop()  # what follows must not be cut off in the middle
    done = publish(forge, wanted)
    tell("".join(f"{line}\n" for line in done.did))
    emit(f"{done.url}\n".encode(), None)
    return exit_code.DONE
