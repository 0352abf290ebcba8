"""What a gate says of one pipeline: with these variables and these changed files, is the job there.

Follows "CI/CD YAML syntax, rules: changes": without a push there is no list of changed files,
and every `changes:` is true, unless `compare_to` says from where to count. Knows single
pipelines; compares none.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from dockerfix.facts.gitlab.conditions import Value, holds
from dockerfix.facts.gitlab.gates import Clause, Gate


class Files(Struct, frozen=True):
    """What changed and what exists: the globs matched for each base (`compare_to`, or the
    empty text; a base that is not there has no list of changes), example paths, and the
    `exists:` lists that find a file."""

    matched: Mapping[str, frozenset[str]]
    paths: tuple[str, ...] = ()
    existing: frozenset[frozenset[str]] = frozenset()


class Decision:
    """What a gate says of the pipelines that hold these variables, whatever files they are about.

    A condition names no file: it is evaluated once, and only when no clause before it applied.
    """

    __slots__ = ("_gate", "_holds", "_variables")

    def __init__(self, gate: Gate, variables: Mapping[str, Value]) -> None:
        self._gate = gate
        self._variables = variables
        self._holds: list[bool] = []
        """Whether the conditions hold, of the clauses that were reached: those before any."""

    def clause(self, files: Files) -> Clause | None:
        """The first clause that applies, if it lets the job exist; None when it does not, and
        when none applies. Raises `ConditionError`."""
        for at, clause in enumerate(self._gate):
            if at == len(self._holds):
                asked = clause.condition
                self._holds.append(asked is None or holds(asked, self._variables))
            if self._holds[at] and _files_apply(clause, files):
                return clause if clause.present else None
        return None


def _files_apply(clause: Clause, files: Files) -> bool:
    if clause.exists is not None and clause.exists not in files.existing:
        return False
    if clause.changes is None or clause.base not in files.matched:
        return True
    return bool(clause.changes & files.matched[clause.base])
