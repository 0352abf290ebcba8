"""Where the boxes of a drawing stand, and the way of each arrow past the others.

Sugiyama's method: columns by the longest way, a bend in every column that an arrow crosses, rows
by the middle of what a box is tied to. Pure; knows names, and no pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from msgspec import Struct

from dockerfix.report.drawing import Arrow, Drawing

_SWEEPS = 4


class Layers(Struct, frozen=True):
    """The names in each column from top to bottom, bends among them, and the names on the way
    of each arrow from its source to its target."""

    columns: tuple[tuple[str, ...], ...]
    routes: Mapping[Arrow, tuple[str, ...]]


def layers(drawing: Drawing) -> Layers:
    """The groups of a drawing are columns; without groups its longest ways decide."""
    if drawing.groups:
        order = {group: number for number, group in enumerate(drawing.groups)}
        ranks = {box.name: order[box.group] for box in drawing.boxes}
    else:
        ranks = _ranks(drawing)
    columns: list[list[str]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for box in drawing.boxes:
        columns[ranks[box.name]].append(box.name)
    routes: dict[Arrow, tuple[str, ...]] = {}
    for number, arrow in enumerate(drawing.arrows):
        if arrow.from_group:
            continue
        first, last = ranks[arrow.source], ranks[arrow.target]
        bends = {column: f"\0{number} {column}" for column in range(first + 1, last)}
        for column, name in bends.items():
            columns[column].append(name)
        routes[arrow] = (arrow.source, *bends.values(), arrow.target)
    return Layers(_untangled(columns, routes), routes)


def _ranks(drawing: Drawing) -> dict[str, int]:
    """The longest way to each box, and what needs nothing just before its first user; a circle
    of arrows ends where it was entered."""
    needs: dict[str, list[str]] = {box.name: [] for box in drawing.boxes}
    users: dict[str, list[str]] = {}
    for arrow in drawing.arrows:
        needs[arrow.target].append(arrow.source)
        users.setdefault(arrow.source, []).append(arrow.target)
    ranks = dict.fromkeys(needs, 0)
    for _ in needs:
        changed = False
        for name, sources in needs.items():
            rank = max((ranks[source] + 1 for source in sources), default=0)
            if ranks[name] < rank < len(needs):
                ranks[name], changed = rank, True
        if not changed:
            break
    for name, sources in needs.items():
        if not sources and name in users:
            ranks[name] = max(0, min(ranks[user] for user in users[name]) - 1)
    used = {rank: number for number, rank in enumerate(sorted(set(ranks.values())))}
    return {name: used[rank] for name, rank in ranks.items()}


def _untangled(
    columns: list[list[str]], routes: Mapping[Arrow, tuple[str, ...]]
) -> tuple[tuple[str, ...], ...]:
    """The columns with names near what they are tied to."""
    ties: dict[str, list[str]] = {}
    for route in routes.values():
        for left, right in pairwise(route):
            ties.setdefault(left, []).append(right)
            ties.setdefault(right, []).append(left)
    for _ in range(_SWEEPS):
        for column in columns:
            heights = _heights(columns)
            middles = {name: _middle(name, ties, heights) for name in column}
            column.sort(key=lambda name, middles=middles: middles[name])  # type: ignore[misc]
    return tuple(map(tuple, columns))


def _heights(columns: list[list[str]]) -> dict[str, float]:
    return {name: row - len(column) / 2 for column in columns for row, name in enumerate(column)}


def _middle(name: str, ties: Mapping[str, list[str]], heights: Mapping[str, float]) -> float:
    others = [heights[other] for other in ties.get(name, ())]
    return sum(others) / len(others) if others else heights[name]
