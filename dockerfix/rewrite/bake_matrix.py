"""A target of a bake file with a matrix: other values for all of its rows at once.

Follows "Matrix targets" of the Bake manual: what stands in the block is evaluated for each row.
Knows the rows; writing into a block is the business of `bake`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dockerfix.facts.bake import BakeTarget
from dockerfix.facts.model import Build, SiteKind
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.wanted import Change, Refused, Wanted


def wanted_by_rows(
    facts: Facts, build: Build, every: Sequence[Change]
) -> tuple[BakeTarget, Build, Wanted]:
    """What the one block must ask for, so that each row asks for what is wanted of it, with the
    block as it is written and the build of a row. Raises `Refused` where no axis tells the rows
    apart, or where a row is to stay."""
    rows = facts.bake_targets(build)
    changes = {_name(c.build): c for c in every if c.build.definition == build.definition}
    mine = [changes[row.name] for row in rows if row.name in changes]
    place = build.site.place
    if len(mine) < len(rows) or any(c.wanted.context or c.wanted.flags for c in mine):
        what = "its bake target is one of a matrix, of which others stay"
        raise Refused(place, what, "give the matrix a target by hand")
    axes = [row.row for row in rows]
    files = _one([c.wanted.dockerfile for c in mine], axes)
    targets = [c.wanted.target or "" for c in mine]
    target = _one(targets, axes)
    if files is None or target is None:
        what = "its bake target is one of a matrix, none of whose axes is its target"
        raise Refused(place, what, "give the matrix an axis for the target by hand")
    written = rows[0].written
    return written, mine[0].build, Wanted(files, target if any(targets) else None)


def _one(texts: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str | None:
    """One text for all rows, by the axis that tells them apart; None where there is none."""
    if len(set(texts)) == 1:
        return texts[0]
    for axis in rows[0]:
        made = {
            text.replace(row.get(axis, ""), "${" + axis + "}", 1)
            if row.get(axis) and row[axis] in text
            else ""
            for text, row in zip(texts, rows, strict=True)
        }
        if len(made) == 1 and "" not in made:
            return made.pop()
    return None


def _name(build: Build) -> str:
    """The bake target of a build: what a call came through, or what no call names."""
    if build.site.kind is SiteKind.BAKE:
        return build.site.name
    return build.site.through[-1].removeprefix("bake target ") if build.site.through else ""
