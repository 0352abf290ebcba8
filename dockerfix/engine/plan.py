"""From facts and a transform to an outcome: propose, examine, patch.

Outcomes are types, to be matched exhaustively. Pure: the same snapshot, transform, paths and
options give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from dockerfix.engine.gate import Changes, Failed, Judges, examine
from dockerfix.engine.options import complete
from dockerfix.engine.patch import make_patch
from dockerfix.engine.proposal import Proposal, Transform
from dockerfix.facts.repository import Facts
from dockerfix.proof.claims import Verdict
from dockerfix.text import EditConflictError


class Planned(Struct, frozen=True):
    """A patch that passed the gate.

    `changes` maps paths to their new bytes (None: deleted), `patch` is the same as a git
    unified diff, `verdicts` are what the checkers said of each claim.
    """

    proposal: Proposal
    changes: Changes
    patch: bytes
    verdicts: tuple[Verdict, ...]


class NothingToDo(Struct, frozen=True):
    """Nothing would change; `proposal.reason` says why."""

    proposal: Proposal


class Refused(Struct, frozen=True):
    """The transform refuses as a whole; the findings say why and what to do."""

    proposal: Proposal


class CheckFailed(Struct, frozen=True):
    """A check of the gate failed, which is a bug: no patch. `detail` has a line a fault."""

    check: str
    detail: str
    proposal: Proposal


Outcome = Planned | NothingToDo | Refused | CheckFailed


def plan(
    facts: Facts,
    transform: Transform,
    paths: Sequence[str],
    options: Mapping[str, Any],
    judges: Judges | None = None,
) -> Outcome:
    """What `transform` comes to for `paths`, relative to the root.

    `options` may leave out what has a default. `judges` is for tests; without it the real
    checkers judge. Raises `OptionError`, and what facts raise for files that cannot be read
    (`SnapshotError`, `YamlError`, `ManifestError`).
    """
    values = complete(transform, options)
    try:
        proposal = transform.propose(facts, tuple(paths), values)
    except EditConflictError as error:
        return CheckFailed("edits", str(error), Proposal())
    if proposal.refused:
        return Refused(proposal)
    if not proposal.changes_anything:
        return NothingToDo(proposal)

    def again(after: Facts) -> Proposal:
        return transform.propose(after, tuple(paths), values)

    result = examine(facts, proposal, again, judges or Judges.real())
    if isinstance(result, Failed):
        return CheckFailed(result.check, "\n".join(result.found), proposal)
    patch = make_patch(facts.snapshot, result.changes)
    return Planned(proposal, result.changes, patch, result.verdicts)
