"""The note and the title of a series' merge request.

On the first screen: what changes, what it brings, what is assumed, what is left to do by hand.
The diff is not repeated; proofs and pictures are folded away. Pure; knows reports and estimates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.engine.plan import Planned
from dockerfix.estimate.series import Estimate
from dockerfix.report.estimate import render_estimate_markdown
from dockerfix.report.markdown import code, escaped, fenced, folded
from dockerfix.report.report import Report


def render_note(
    reports: Sequence[Report], found: Sequence[Estimate] = (), notes: Sequence[str] = ()
) -> str:
    """The note, with a final newline. `found` are the estimates before and after, if any."""
    planned = [report for report in reports if isinstance(report.outcome, Planned)]
    return "\n".join(_note(planned, reports, found, notes)) + "\n"


def _note(
    planned: Sequence[Report],
    reports: Sequence[Report],
    found: Sequence[Estimate],
    notes: Sequence[str],
) -> Iterator[str]:
    if found:
        yield render_estimate_markdown(found, notes)
    yield "| change | what it brings | files | proved | assumed |"
    yield "|---|---|--:|--:|--:|"
    for report in planned:
        brings = "<br>".join(map(escaped, report.proposal.summary))
        counts = (len(report.files), len(report.verdicts), len(report.assumed))
        yield f"| {code(report.command)} | {brings} | {' | '.join(map(str, counts))} |"
    assumed = [
        f"{escaped(f.what)} ({code(f.name)}{f', {code(str(f.place))}' if f.place else ''})"
        + (f"<br>→ {escaped(f.action)}" if f.action else "")
        for report in planned
        for f in report.assumed
    ]
    yield from _section("Assumed: please look at these", assumed)
    by_hand = [escaped(step) for report in planned for step in report.proposal.next_steps]
    yield from _section("Left to do by hand", by_hand)
    measured = [escaped(line) for report in planned for line in report.measured]
    yield from _section("Measured", measured)
    left = [
        f"{code(report.command)}: {escaped(str(finding))}"
        for report in reports
        for finding in report.refused
    ]
    if left:
        yield from folded(f"Left as it is ({len(left)})", [f"- {line}" for line in left])
    for report in planned:
        proofs = [f"- {escaped(verdict.statement)}" for verdict in report.verdicts]
        proofs += [f"- not proved: {escaped(line)}" for line in report.unproved]
        if proofs:
            yield from folded(f"Proved: {report.command} ({len(report.verdicts)})", proofs)
        for title, mermaid in report.pictures:
            yield from folded(f"{title}: {report.command}", fenced("mermaid", mermaid))


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield from ("", f"**{title}**", "", *(f"- {line}" for line in dict.fromkeys(lines)))


def title_of(reports: Sequence[Report]) -> str:
    """The merge request's title, from the transforms that change something."""
    names = dict.fromkeys(r.transform for r in reports if isinstance(r.outcome, Planned))
    return f"Refactor the image builds: {', '.join(names)}"
