"""What every renderer is given: one command's outcome and what the person said about it."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct, field

from dockerfix.engine.plan import NothingToDo, Outcome, Planned, Refused
from dockerfix.engine.proposal import Proposal
from dockerfix.facts.finding import Finding, Severity, accepting
from dockerfix.proof.obligation import Verdict

Kind = Literal["planned", "nothing-to-do", "refused", "check-failed"]
"""How an outcome is called in machine-readable formats."""


class Change(enum.Enum):
    """What happens to a file; `value` is how a person reads it."""

    CREATED = "new"
    EDITED = "changed"
    DELETED = "deleted"


class Report(Struct, frozen=True):
    """The outcome of one run of a transform.

    `command` prints this patch again, `apply` takes it; `accepted` maps the names of accepted
    assumptions to their reasons (empty when given on the command line), `notes` are about the
    run itself, `measured` and `measurements` are what `dockerfix verify` found, as lines and
    as data, `written` says that the patch is on disk already, `pictures` pairs titles with
    Mermaid.
    """

    command: str
    transform: str
    outcome: Outcome
    accepted: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()
    measurements: Mapping[str, Any] = field(default_factory=dict)
    apply: str = "git apply"
    written: bool = False
    pictures: tuple[tuple[str, str], ...] = ()

    @property
    def proposal(self) -> Proposal:
        """What the transform gave."""
        return self.outcome.proposal

    @property
    def kind(self) -> Kind:
        """The outcome's name."""
        if isinstance(self.outcome, Planned):
            return "planned"
        if isinstance(self.outcome, NothingToDo):
            return "nothing-to-do"
        return "refused" if isinstance(self.outcome, Refused) else "check-failed"

    @property
    def files(self) -> tuple[tuple[str, Change], ...]:
        """The files that the patch touches, sorted; none when there is no patch."""
        if not isinstance(self.outcome, Planned):
            return ()
        proposal = self.proposal
        return tuple(
            sorted(
                [
                    *((path, Change.CREATED) for path in proposal.created),
                    *((path, Change.EDITED) for path in proposal.edits),
                    *((path, Change.DELETED) for path in proposal.deleted),
                ],
                key=lambda pair: pair[0],
            )
        )

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What the checkers said of each obligation; none when there is no patch."""
        return self.outcome.verdicts if isinstance(self.outcome, Planned) else ()

    @property
    def unproved(self) -> tuple[str, ...]:
        """What is owed and nothing could prove, one line each; none when there is no patch."""
        return self.outcome.unproved if isinstance(self.outcome, Planned) else ()

    @property
    def refused(self) -> Sequence[Finding]:
        """What is left out, or why everything is."""
        return self.proposal.of_severity(Severity.REFUSE)

    @property
    def assumed(self) -> Sequence[Finding]:
        """Assumptions that nobody accepted yet."""
        found = self.proposal.of_severity(Severity.ASSUME)
        return [finding for finding in found if not self.accepts(finding)]

    @property
    def taken(self) -> Sequence[Finding]:
        """Assumptions that were accepted by name."""
        found = self.proposal.of_severity(Severity.ASSUME)
        return [finding for finding in found if self.accepts(finding)]

    def reason(self, finding: Finding) -> str:
        """Why the person accepted a finding; empty when no reason was given."""
        item = self._acceptance(finding)
        return self.accepted[item] if item is not None else ""

    def accepts(self, finding: Finding) -> bool:
        """Whether the person accepted an assumption: by `NAME`, by `NAME@path`, or beside its
        place (`NAME@path:line`)."""
        return self._acceptance(finding) is not None

    def _acceptance(self, finding: Finding) -> str | None:
        if finding.place is None:
            return accepting(finding.name, "", self.accepted)
        path, line = finding.place.path, finding.place.position.line
        item = f"{finding.name}@{path}:{line}"
        return item if item in self.accepted else accepting(finding.name, path, self.accepted)

    @property
    def remarks(self) -> Sequence[Finding]:
        """Findings that are worth knowing and nothing more."""
        return self.proposal.of_severity(Severity.NOTE)
