"""What a check is. Knows findings and facts; knows no single check."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from dockerfix.facts.finding import Finding, Severity
from dockerfix.facts.repository import Facts
from dockerfix.text import Place


class Check(Struct, frozen=True):
    """`name` is the name of its findings, `why` and `action` are the same for all of them."""

    name: str
    why: str
    action: str
    look: Callable[[Facts], Iterator[tuple[Place, str, str]]]
    """Yields the place, what is there as one sentence, and the subject (a job, a ref)."""

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """What the check finds; each is shown until it is accepted by name."""
        for place, what, subject in self.look(facts):
            yield Finding.at(
                place,
                name=self.name,
                what=what,
                why=self.why,
                do=self.action,
                subject=subject,
                severity=Severity.ASSUME,
            )
