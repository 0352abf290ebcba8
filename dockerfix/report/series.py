"""Several reports as one: a line each for a terminal, and patches that `git am` takes.

Pure; knows reports and Git's mail format (git-am(1)), and nothing of any transform.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from dockerfix.engine.plan import CheckFailed, Planned
from dockerfix.report.report import Report
from dockerfix.report.style import PLAIN, Style
from dockerfix.text.units import counted

_WIDTH = 72
"""Where Git's own tools wrap a commit message."""
_KINDS = {
    "planned": "would change",
    "nothing-to-do": "nothing to do",
    "refused": "refused",
    "check-failed": "failed",
}


def render_overview(reports: Sequence[Report], style: Style = PLAIN) -> str:
    """What each run came to, what it would bring, and what stands in the way: patches first, in
    their order; refusals, each transform's together; last, and once for each reason, those that
    have nothing to do and nothing to add to it."""
    marks = {
        "planned": style.good,
        "nothing-to-do": style.faint,
        "refused": style.warning,
        "check-failed": style.bad,
    }
    idle: dict[str, list[Report]] = {}
    refused: dict[str, list[Report]] = {}
    lines: list[str] = []
    for report in reports:
        if report.kind == "refused":
            refused.setdefault(report.transform, []).append(report)
            continue
        if report.kind == "nothing-to-do" and not report.refused and not report.assumed:
            idle.setdefault(report.proposal.reason, []).append(report)
            continue
        lines.append(f"{marks[report.kind](_KINDS[report.kind].ljust(13))}  {report.command}")
        lines += [f"  {line}" for line in _details(report, style)]
    for name, alike in refused.items():
        shown = alike[0].command if len(alike) == 1 else f"{name}, {len(alike)} times"
        lines.append(f"{marks['refused'](_KINDS['refused'].ljust(13))}  {shown}")
        lines += [f"  {line}" for report in alike for line in _details(report, style)]
    for reason, alike in idle.items():
        names = ", ".join(dict.fromkeys(report.transform for report in alike))
        shown = alike[0].command if len(alike) == 1 else names
        lines += [
            f"{style.faint(_KINDS['nothing-to-do'].ljust(13))}  {shown}",
            *([f"  {reason}"] if reason else []),
        ]
    return "".join(f"{line}\n" for line in lines)


def render_checks(checks: Report, style: Style = PLAIN) -> str:
    """What the checks found: a line each, why it matters and what to do once for each kind."""
    lines: list[str] = []
    for name in dict.fromkeys(finding.name for finding in checks.assumed):
        found = [finding for finding in checks.assumed if finding.name == name]
        lines.append(f"{style.warning('look at'.ljust(13))}  {name}")
        for finding in found:
            place = f"{style.place(str(finding.place))}: " if finding.place else ""
            lines.append(f"  {place}{finding.what}")
        lines += [f"  {found[0].why}", f"  -> {found[0].action}"]
    return "".join(f"{line}\n" for line in lines)


def _details(report: Report, style: Style) -> Iterator[str]:
    outcome = report.outcome
    if isinstance(outcome, CheckFailed):
        yield f"{outcome.check}: {outcome.detail.splitlines()[0] if outcome.detail else ''}"
        return
    if report.proposal.reason and not isinstance(outcome, Planned):
        yield report.proposal.reason
    if isinstance(outcome, Planned):
        yield from report.proposal.summary
        checks = counted(len(report.verdicts), "check")
        yield f"{counted(len(report.files), 'file')}, {checks} passed"
    for finding in report.refused:
        place = f"{style.place(str(finding.place))}: " if finding.place else ""
        yield f"{place}{finding.what} [{finding.name}]"
    names = dict.fromkeys(finding.name for finding in report.assumed)
    if names:
        yield f"to be accepted: {', '.join(names)}"


def commit_message(report: Report) -> str:
    """What a patch does, why it is safe, and what it takes for granted."""
    summary = report.proposal.summary
    subject = _subject(report)
    parts = [subject, _listed("", summary)]
    parts.append(_listed("Assumed:", [f"{f.what} [{f.name}]" for f in report.assumed]))
    parts.append(_listed("Accepted:", [f"{f.what} [{f.name}]" for f in report.taken]))
    parts.append(
        _listed("Left as it is:", [f"{f.place or f.subject}: {f.what}" for f in report.refused])
    )
    parts.append(_listed("To be done by hand:", report.proposal.next_steps))
    parts.append(f"Made with: {report.command}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _subject(report: Report) -> str:
    """The transform and the paths that it ran on, as one line."""
    words = report.command.split()[1:]
    return f"Apply {words[0]} to {words[1]}" if len(words) > 1 else f"Apply {words[0]}"


def _listed(title: str, lines: Sequence[str]) -> str:
    wrapped = [_bullet(line) for line in lines]
    return "\n".join([*([title] if title and wrapped else []), *wrapped])


def _bullet(line: str) -> str:
    """A line of a list; one that a report indents belongs to the line above it."""
    text = line.lstrip()
    margin = line[: len(line) - len(text)]
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=f"{margin}- ",
        subsequent_indent=f"{margin}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def render_mail(report: Report, number: int, total: int, author: str) -> bytes:
    """One patch of a series as a mail that `git am` takes; empty without a patch.

    `author` is `NAME <ADDRESS>`. There is no date, so that the same input gives the same
    bytes; Git then takes the time at which the mail is applied.
    """
    if not isinstance(report.outcome, Planned):
        return b""
    subject, _, body = commit_message(report).partition("\n\n")
    # A line `---` or `diff ` in the body would end the message for `git am`.
    safe = "\n".join(
        f" {line}" if line.startswith(("---", "diff ")) else line for line in body.split("\n")
    )
    head = (
        f"From {'0' * 40} Mon Sep 17 00:00:00 2001\n"
        f"From: {author}\n"
        f"Subject: [PATCH {number}/{total}] {subject}\n"
        "MIME-Version: 1.0\n"
        "Content-Type: text/plain; charset=UTF-8\n"
        "Content-Transfer-Encoding: 8bit\n"
        "\n"
        f"{safe}---\n\n"
    )
    return head.encode("utf-8", "surrogateescape") + report.outcome.patch + b"-- \ndockerfix\n\n"
