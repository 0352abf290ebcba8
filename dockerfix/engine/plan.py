"""From facts and a transform to an outcome: propose, examine, patch.

Outcomes are types, to be matched exhaustively. Pure: the same snapshot, transform, paths and
options give the same bytes. A check that fails for a file sends that file down the ladder.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.engine.gate import Failed, Judges, examine
from dockerfix.engine.ladder import MAX_ATTEMPTS, Ladder, findings, kept, lower
from dockerfix.engine.options import complete
from dockerfix.engine.patch import make_patch
from dockerfix.engine.proposal import Proposal, Transform
from dockerfix.engine.touched_images import Changes
from dockerfix.facts.repository import Facts
from dockerfix.facts.unreadable import unreadable
from dockerfix.proof.obligation import Verdict
from dockerfix.text import EditConflictError, UnreadableError


class Planned(Struct, frozen=True):
    """A patch that passed the gate.

    `changes` maps paths to their new bytes (None: deleted), `patch` is the same as a git
    unified diff, `verdicts` are what the checkers said of each obligation, `unproved` says
    what nothing could prove.
    """

    proposal: Proposal
    changes: Changes
    patch: bytes
    verdicts: tuple[Verdict, ...]
    unproved: tuple[str, ...] = ()


class NothingToDo(Struct, frozen=True):
    """Nothing would change; `proposal.reason` says why."""

    proposal: Proposal


class Refused(Struct, frozen=True):
    """The transform refuses as a whole; the findings say why and what to do."""

    proposal: Proposal


class CheckFailed(Struct, frozen=True):
    """A check of the gate failed, which is a bug: no patch. `detail` has a line a fault,
    `about` the files that the faults are about, those with the most faults first, `sites` the
    places of the call sites."""

    check: str
    detail: str
    proposal: Proposal
    about: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()


Outcome = Planned | NothingToDo | Refused | CheckFailed


def plan(
    facts: Facts,
    transform: Transform,
    paths: Sequence[str],
    options: Mapping[str, Any],
    judges: Judges | None = None,
    leave: Collection[str] = (),
) -> Outcome:
    """What `transform` comes to for `paths`, relative to the root.

    `options` may leave out what has a default. `judges` is for tests; without it the real
    checkers judge. `leave` are files that stay as they are, as far as the transform can do so.
    A file that the transform cannot do without and that nobody can read is a refusal. Raises
    `OptionError`.
    """
    asked = _Asked(
        facts,
        transform,
        tuple(paths),
        complete(transform, options),
        judges or Judges.real(),
        kept(leave),
    )
    try:
        return asked.outcome()
    except UnreadableError as error:
        return Refused(Proposal(findings=(unreadable(error),), refused=True))


class _Asked(Struct, frozen=True):
    """What a transform is asked, again for each ladder. Private to `plan`."""

    facts: Facts
    transform: Transform
    paths: tuple[str, ...]
    values: Mapping[str, Any]
    judges: Judges
    kept: Ladder

    def outcome(self) -> Outcome:
        """The first outcome that holds, on the way down the ladder; else the first of all."""
        first = outcome = self.judged(self.proposal({}), {})
        ladder: Ladder = {}
        for _ in range(MAX_ATTEMPTS):
            if not isinstance(outcome, CheckFailed):
                return outcome
            found = self.further_down(ladder, outcome)
            if found is None:
                break
            ladder, outcome = found
        return first

    @property
    def leave(self) -> frozenset[str]:
        """What the person accepted; an option that is off by default is leave by its name."""
        specs = self.transform.options
        chosen = {s.name for s in specs if s.kind is bool and not s.default and self.values[s.name]}
        return frozenset(self.values["accept"]) | chosen

    def proposal(self, ladder: Ladder) -> Proposal | CheckFailed:
        """What the transform proposes with these files changed less, each with its finding."""
        try:
            given = {**self.values, "without": {**ladder, **self.kept}}
            proposal = self.transform.propose(self.facts, self.paths, given)
        except EditConflictError as error:
            return CheckFailed("edits", str(error), Proposal())
        touched = (*proposal.edits, *proposal.created, *proposal.deleted)
        added = tuple(findings({**ladder, **self.kept}, self.facts, touched))
        return replace(proposal, findings=(*proposal.findings, *added)) if added else proposal

    def judged(self, proposal: Proposal | CheckFailed, ladder: Ladder) -> Outcome:
        """What the gate says of a proposal."""
        if isinstance(proposal, CheckFailed):
            return proposal
        if proposal.refused:
            return Refused(proposal)
        if not proposal.changes_anything:
            return NothingToDo(proposal)

        def again(after: Facts) -> Proposal:
            given = {**self.values, "without": {**ladder, **self.kept}}
            return self.transform.propose(after, self.paths, given)

        result = examine(self.facts, proposal, again, self.judges, self.leave)
        if isinstance(result, Failed):
            detail = "\n".join(result.found)
            return CheckFailed(result.check, detail, proposal, result.about, result.sites)
        patch = make_patch(self.facts.snapshot, result.changes)
        return Planned(proposal, result.changes, patch, result.verdicts, result.unproved)

    def further_down(self, ladder: Ladder, failed: CheckFailed) -> tuple[Ladder, Outcome] | None:
        """The outcome with one more file a rung further down, or the call sites; None when the
        transform makes nothing else of any of them."""
        found = tuple(failed.detail.splitlines())
        for lowered in lower(ladder, failed.check, found, failed.about, failed.sites):
            proposal = self.proposal(lowered)
            if isinstance(proposal, CheckFailed) or not _same(proposal, failed.proposal):
                return lowered, self.judged(proposal, lowered)
        return None


def _same(one: Proposal, other: Proposal) -> bool:
    """Whether two proposals change the same."""
    changes = ((p.edits, p.created, p.deleted, p.refused) for p in (one, other))
    return next(changes) == next(changes)
