"""The report for a person, on stderr: what changes, what is proved, what is assumed, what is
left, what to do next. Short by default; everything in it is also in the JSON.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

from dockerfix.engine.plan import CheckFailed, NothingToDo, Planned, Refused
from dockerfix.report.report import Change, Report
from dockerfix.report.sections import Sections
from dockerfix.report.style import PLAIN, Style
from dockerfix.text.units import counted


class Verbosity(enum.Enum):
    """How much is said: what needs a person, the usual, or everything."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"


def render_text(
    report: Report, style: Style = PLAIN, verbosity: Verbosity = Verbosity.NORMAL
) -> str:
    """The report as lines, with a final newline; may be empty when quiet."""
    lines = list(_Text(report, style, verbosity).lines())
    return "\n".join(lines).strip("\n") + "\n" if lines else ""


class _Text(Sections):
    """One rendering. Private to `render_text`."""

    def __init__(self, report: Report, style: Style, verbosity: Verbosity) -> None:
        super().__init__(style, verbosity is Verbosity.QUIET)
        self.report = report
        self.verbose = verbosity is Verbosity.VERBOSE

    def lines(self) -> Iterator[str]:
        """The whole report."""
        outcome = self.report.outcome
        if isinstance(outcome, CheckFailed):
            yield from self.failed(outcome)
        elif isinstance(outcome, Planned):
            yield from self.planned()
        elif isinstance(outcome, Refused):
            yield from self.refused()
        elif isinstance(outcome, NothingToDo):
            yield from self.nothing()
        if not self.quiet and not isinstance(outcome, Planned):
            yield from self.remarks()

    def remarks(self) -> Iterator[str]:
        """What the command itself has to say; in a long report it stands near the top."""
        yield from (f"{self.style.faint('note:')} {note}" for note in self.report.notes)

    def title(self, text: str) -> str:
        return f"{self.style.heading(self.report.command)}: {text}"

    def failed(self, outcome: CheckFailed) -> Iterator[str]:
        what = f"an internal check failed ({outcome.check}), so no patch is shown"
        yield self.title(self.style.bad(what))
        yield from (f"  {line}" for line in outcome.detail.splitlines())
        yield (
            f"This is a bug in {self.report.transform}, not in your files, and nothing was "
            "written. Please report it with the lines above."
        )

    def nothing(self) -> Iterator[str]:
        if not self.quiet:
            reason = self.report.proposal.reason
            yield self.title("nothing to do" + (f": {reason}" if reason else ""))
        yield from self.findings("Not rewritten", self.report.refused, self.style.bad)
        yield from self.findings("Assumed", self.report.assumed, self.style.warning)
        if not self.quiet:
            yield from self.findings("Notes", self.report.remarks, str)

    def refused(self) -> Iterator[str]:
        yield self.title(self.style.bad("refused, no patch"))
        yield from self.findings("Why", self.report.refused, self.style.bad)
        if not self.quiet:
            yield from self.findings("Assumed", self.report.assumed, self.style.warning)
            yield from self.findings("Notes", self.report.remarks, str)
            yield from self.listed("Next", self.report.proposal.next_steps)

    def planned(self) -> Iterator[str]:
        if not self.quiet:
            yield self.title(_counted(self.report))
            yield from (f"  {line}" for line in self.report.proposal.summary)
            yield from self.remarks()
            yield from self.files()
            yield from self.proved()
            yield from self.listed("Not proved", self.report.unproved)
            yield from self.listed("Measured", self.report.measured)
        yield from self.findings("Assumed", self.report.assumed, self.style.warning)
        if self.report.assumed and not self.quiet:
            yield self.style.faint(
                "  Accept one with --accept NAME or NAME@PATH, or permanently under "
                f"[{self.report.transform}.accept] in .dockerfix.toml, with the reason."
            )
        yield from self.findings("Not rewritten", self.report.refused, self.style.bad)
        if self.quiet:
            return
        yield from self.taken()
        yield from self.findings("Notes", self.report.remarks, str)
        yield from self.steps()

    def files(self) -> Iterator[str]:
        marks = {
            Change.CREATED: self.style.good("new"),
            Change.EDITED: "changed",
            Change.DELETED: self.style.bad("deleted"),
        }
        width = max((len(path) for path, _ in self.report.files), default=0)
        yield from self.section("Files")
        for path, change in self.report.files:
            yield f"  {path.ljust(width)}  {marks[change]}"

    def proved(self) -> Iterator[str]:
        report = self.report
        if report.verdicts:
            yield from self.section("Proved")
        ok = self.style.good("ok")
        if self.verbose:
            for verdict in report.verdicts:
                yield f"  {ok} {verdict.statement}"
                yield from (f"     except {line}" for line in verdict.differences)
            return
        yield from (f"  {ok} {line}" for line in _by_kind(report))
        allowed = len({line for verdict in report.verdicts for line in verdict.differences})
        if allowed:
            what, it = (
                (f"{allowed} expected differences", "them")
                if allowed > 1
                else ("1 expected difference", "it")
            )
            yield self.style.faint(f"  {what} (-v lists {it})")

    def taken(self) -> Iterator[str]:
        if not self.report.taken:
            return
        if self.verbose:
            yield from self.findings("Accepted", self.report.taken, str)
            return
        yield from self.section("Accepted")
        reasons = {finding.name: self.report.reason(finding) for finding in self.report.taken}
        for name, reason in reasons.items():
            yield f"  {name}" + (f": {reason}" if reason else "")

    def steps(self) -> Iterator[str]:
        steps = list(self.report.proposal.next_steps)
        images = any(verdict.kind == "same runtime" for verdict in self.report.verdicts)
        if images and not self.report.measured:
            steps.append("run `dockerfix verify` on the patch to compare the images")
        if not self.report.written:
            pipe = f"{self.report.command} | {self.report.apply}"
            steps.append(f"apply it: `{pipe}` (or add --write)")
        yield from self.listed("Next", steps)


def _counted(report: Report) -> str:
    counts = dict.fromkeys(Change, 0)
    for _, change in report.files:
        counts[change] += 1
    parts = [f"{count} {change.value}" for change, count in counts.items() if count]
    total = len(report.files)
    verb = "written" if report.written else "in the patch"
    return f"{counted(total, 'file')} {verb} ({', '.join(parts)})"


def _by_kind(report: Report) -> Iterator[str]:
    """What held, one line for each kind of obligation; one alone in its kind says it itself."""
    kinds: dict[str, list[str]] = {}
    for verdict in report.verdicts:
        kinds.setdefault(verdict.kind or verdict.statement, []).append(verdict.statement)
    for kind, statements in kinds.items():
        if len(statements) == 1:
            yield from statements
        else:
            yield f"{kind}: {len(statements)} images"
