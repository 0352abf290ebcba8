"""A Markdown note for a merge request: the report, with the patch folded away below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from dockerfix.engine.plan import CheckFailed, Planned, Refused
from dockerfix.facts.finding import Finding
from dockerfix.report.report import Report

T = TypeVar("T")


def render_markdown(report: Report) -> str:
    """The note, with a final newline."""
    return "\n".join(_note(report)) + "\n"


def _note(report: Report) -> Iterator[str]:
    outcome = report.outcome
    yield f"### {code(report.command)}"
    yield ""
    if isinstance(outcome, CheckFailed):
        yield f"**An internal check failed ({outcome.check}); there is no patch.**"
        yield from fenced("", outcome.detail)
        return
    if isinstance(outcome, Refused):
        yield "**Refused: there is no patch.**"
    elif not isinstance(outcome, Planned):
        yield f"Nothing to do. {escaped(report.proposal.reason)}".rstrip()
    yield from (f"- {escaped(line)}" for line in report.proposal.summary)
    yield from _files(report)
    yield from _proved(report)
    yield from _section("Not proved", report.unproved, escaped)
    yield from _section("Measured", report.measured, escaped)
    yield from _section("Assumed", report.assumed, _finding)
    yield from _section("Accepted", report.taken, lambda finding: _accepted(finding, report))
    title = "Why" if isinstance(outcome, Refused) else "Not rewritten"
    yield from _section(title, report.refused, _finding)
    yield from _section("Notes", report.remarks, _finding)
    yield from _section("Next", report.proposal.next_steps, escaped)
    for title, mermaid in report.pictures:
        yield from folded(title, fenced("mermaid", mermaid))
    if isinstance(outcome, Planned):
        patch = outcome.patch.decode("utf-8", "replace")
        yield from folded("The patch", fenced("diff", patch))


def render_checks_markdown(checks: Report) -> str:
    """What the checks found; empty when that is nothing."""
    lines = [
        *_section("Worth a look", checks.assumed, _finding),
        *_section("Accepted", checks.taken, lambda finding: _accepted(finding, checks)),
    ]
    return "".join(f"{line}\n" for line in lines)


def _files(report: Report) -> Iterator[str]:
    if report.files:
        yield ""
        yield "| file | |"
        yield "|---|---|"
        yield from (f"| {code(path)} | {change.value} |" for path, change in report.files)


def _proved(report: Report) -> Iterator[str]:
    if not report.verdicts:
        return
    lines = []
    for verdict in report.verdicts:
        lines.append(f"- {escaped(verdict.statement)}")
        lines += [f"  - except {escaped(line)}" for line in verdict.differences]
    yield from folded(f"Proved ({len(report.verdicts)})", lines)


def _section(title: str, items: Sequence[T], line: Callable[[T], str]) -> Iterator[str]:
    if items:
        yield ""
        yield f"**{title}**"
        yield ""
        yield from (f"- {line(item)}" for item in items)


def _finding(finding: Finding) -> str:
    place = f"{code(str(finding.place))}: " if finding.place else ""
    tail = [escaped(finding.why)] if finding.why else []
    tail += [f"→ {escaped(finding.action)}"] if finding.action else []
    return "<br>".join([f"{place}{escaped(finding.what)} ({code(finding.name)})", *tail])


def _accepted(finding: Finding, report: Report) -> str:
    reason = report.reason(finding)
    return _finding(finding) + (f"<br>Accepted: {escaped(reason)}" if reason else "")


def folded(title: str, lines: Sequence[str] | Iterator[str]) -> Iterator[str]:
    """Lines below a title that opens them."""
    yield ""
    yield f"<details><summary>{escaped(title)}</summary>"
    yield ""
    yield from lines
    yield ""
    yield "</details>"


def fenced(language: str, text: str) -> Iterator[str]:
    """A code block whose fence is longer than any run of backquotes in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    yield fence + language
    yield text.rstrip("\n")
    yield fence


def code(text: str) -> str:
    """Text as code, whatever it holds."""
    ticks = "`"
    while ticks in text:
        ticks += "`"
    pad = " " if "`" in text else ""
    # A bar would end the cell of a table, even in code.
    return f"{ticks}{pad}{text}{pad}{ticks}".replace("|", "\\|")


def escaped(text: str) -> str:
    """Text without any meaning in Markdown, on one line."""
    for mark in "\\`*_<>[]|#":
        text = text.replace(mark, "\\" + mark)
    return text.replace("\n", " ")
