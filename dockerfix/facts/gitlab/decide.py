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


def deciding(gate: Gate, variables: Mapping[str, Value], files: Files) -> Clause | None:
    """The first clause that applies, if it lets the job exist; None when it does not, and when
    none applies. Raises `ConditionError`."""
    for clause in gate:
        if _applies(clause, variables, files):
            return clause if clause.present else None
    return None


def is_there(gate: Gate, variables: Mapping[str, Value], files: Files) -> bool:
    """Whether the first clause that applies lets the job exist. Raises `ConditionError`."""
    return deciding(gate, variables, files) is not None


def _applies(clause: Clause, variables: Mapping[str, Value], files: Files) -> bool:
    if clause.condition is not None and not holds(clause.condition, variables):
        return False
    if clause.exists is not None and clause.exists not in files.existing:
        return False
    if clause.changes is None or clause.base not in files.matched:
        return True
    return bool(clause.changes & files.matched[clause.base])
