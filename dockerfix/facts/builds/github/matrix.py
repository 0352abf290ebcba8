"""The rows of a GitHub job's matrix.

Follows "Running variations of jobs in a workflow": axes of scalars or of mappings, `include`
and `exclude`. A matrix that an expression makes has no rows that reading knows. Knows
matrices; knows nothing of steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from dockerfix.facts.shell.words import MAX_CHOICES
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, Sequence, to_data

Row = dict[str, Node]


def rows(job: YamlMapping) -> list[dict[str, Scalar]]:
    """The scalars of each row by the name that follows `matrix.` in an expression
    (`part.folder` for a key of a mapping); one empty row where there is no matrix."""
    strategy = job.get("strategy")
    matrix = strategy.get("matrix") if isinstance(strategy, YamlMapping) else None
    if not isinstance(matrix, YamlMapping):
        return [{}]
    return [dict(_scalars(row, "")) for row in combinations(matrix)]


def combinations(matrix: YamlMapping) -> list[Row]:
    """The rows as they are made of the lists; those that an `include` adds come last. One empty
    row where there is none."""
    return [*_expanded(matrix)] or [{}]


def _expanded(matrix: YamlMapping) -> list[Row]:
    axes = [
        [(name, item) for item in value.items]
        for name, value in matrix.resolved.items()
        if name not in ("include", "exclude") and isinstance(value, Sequence)
    ]
    product = itertools.islice(itertools.product(*axes), MAX_CHOICES) if axes else ()
    excluded = _listed(matrix.get("exclude"))
    found = [row for row in map(dict, product) if not any(_excludes(out, row) for out in excluded)]
    names = {name for axis in axes for name, _ in axis}
    extra: list[Row] = []
    for more in _listed(matrix.get("include")):
        matching = [row for row in found if _extends(more, row, names)]
        for row in matching:
            row.update(more)
        extra += [] if matching else [more]
    return [*found, *extra]


def _listed(node: Node | None) -> list[Row]:
    items = node.items if isinstance(node, Sequence) else ()
    return [dict(item.resolved) for item in items if isinstance(item, YamlMapping)]


def _excludes(part: Row, row: Row) -> bool:
    """Whether every value of an `exclude` is the row's; a mapping may name some of its keys."""
    return bool(part) and all(
        name in row and _within(to_data(value), to_data(row[name])) for name, value in part.items()
    )


def _within(part: object, whole: object) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _within(value, whole[key]) for key, value in part.items())
    return part == whole


def _extends(part: Row, row: Row, names: set[str]) -> bool:
    """Whether an `include` adds to the row: it overwrites no value of an axis."""
    return all(
        name not in names or to_data(value) == to_data(row[name]) for name, value in part.items()
    )


def _scalars(row: Mapping[str, Node], head: str) -> Iterator[tuple[str, Scalar]]:
    for name, value in row.items():
        if isinstance(value, Scalar):
            yield head + name, value
        elif isinstance(value, YamlMapping):
            yield from _scalars(value.resolved, f"{head}{name}.")
