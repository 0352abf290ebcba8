"""The parts of a report for a person: a heading with lines or findings below it.

Knows how they look; what a report holds stands in `text`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from dockerfix.facts.finding import Finding
from dockerfix.report.style import Style

Mark = Callable[[str], str]


class Sections:
    """Sections in one style."""

    def __init__(self, style: Style, quiet: bool) -> None:
        self.style = style
        self.quiet = quiet

    def findings(self, title: str, findings: Sequence[Finding], mark: Mark) -> Iterator[str]:
        """Findings with place, reason and advice; the same advice is said once."""
        if findings:
            yield from self.section(title)
        for number, finding in enumerate(findings):
            place = f"{self.style.place(str(finding.place))}: " if finding.place else ""
            yield f"  {place}{finding.what} [{mark(finding.name)}]"
            following = findings[number + 1] if number + 1 < len(findings) else None
            if following is not None and _advice(following) == _advice(finding):
                continue  # said once, below the last of them
            if finding.why and not self.quiet:
                yield f"    {self.style.faint(finding.why)}"
            if finding.action:
                yield f"    -> {finding.action}"

    def listed(self, title: str, lines: Sequence[str]) -> Iterator[str]:
        """Lines as they are."""
        if lines:
            yield from self.section(title)
            yield from (f"  {line}" for line in lines)

    def section(self, title: str) -> Iterator[str]:
        """The heading."""
        yield ""
        yield self.style.heading(title)


def _advice(finding: Finding) -> tuple[str, str, str]:
    return finding.name, finding.why, finding.action
