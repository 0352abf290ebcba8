"""The ladder: a file for which a check fails is changed less, before the whole patch is given up.

A transform that is asked again finds in `options["without"]` which files go how far down. So it
does with a call site, whose key is its place, `path:line:column`: a transform that heeds one says
itself what becomes of it. Knows files, places and checks; what the rungs of a transform are, the
transform alone knows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct

from dockerfix.facts.finding import Finding, Severity
from dockerfix.facts.repository import Facts
from dockerfix.text import Span

MAX_RUNGS = 4
"""How far down one file can go: a transform with fewer rungs leaves it as it is at the last."""

MAX_ATTEMPTS = 12
"""How often a transform is asked for one outcome."""


LEFT = "left as asked"
"""The check of a file that a person wants left as it is."""


class StepDown(Struct, frozen=True):
    """Where a file stands on the ladder: `rungs` below its first place (1 or more), since
    `check` failed for it with `found` (one line a fault)."""

    check: str
    found: tuple[str, ...]
    rungs: int = 1

    @property
    def fault(self) -> str:
        """What was found first, without the statement that is owed."""
        return self.found[0].partition(" (owed: ")[0]

    def finding(self, facts: Facts, path: str, *, left: bool) -> Finding:
        """What the report says of the file; `left` when the patch leaves it as it was."""
        place = facts.snapshot.source(path).place(Span(0, 0))
        if self.check == LEFT:
            return Finding(
                Severity.NOTE,
                "left-as-asked",
                f"{path} stays as it is, as you asked",
                "What builds it builds it as before.",
                "Run again without leaving it to have it changed.",
                place,
                path,
            )
        what = "stays as it is" if left else "is changed less closely"
        return Finding(
            Severity.REFUSE if left else Severity.NOTE,
            "check-failed",
            f"{path} {what}: the check *{self.check}* fails otherwise: "
            f"{_as_tried(self.found[0], facts)}",
            "A patch with a check that fails is never shown.",
            self._advice(path, facts),
            place,
            path,
        )

    def _advice(self, path: str, facts: Facts) -> str:
        """What to do: the fault may stand in another file than the one that stays."""
        match = re.match(r"([^\s:]+):\d+:\d+: ", self.found[0])
        if match is None or match[1] == path or match[1] not in facts.snapshot:
            return "Make the difference go away in this file, or change it by hand."
        return f"Correct what stands in the way in {match[1]}, or change this file by hand."


def kept(paths: Iterable[str]) -> Ladder:
    """Files that a person wants left as they are: at the last rung from the start."""
    return {path: StepDown(LEFT, ("it was to be left as it is",), MAX_RUNGS) for path in paths}


def _as_tried(found: str, facts: Facts) -> str:
    """What was found, without the line of a file that only the patch given up would have made."""
    match = re.match(r"([^\s:]+):\d+:\d+: ", found)
    if match is None or match[1] in facts.snapshot:
        return found
    return f"in the {match[1]} that was tried, {found[match.end() :]}"


Ladder = Mapping[str, StepDown]
"""The files and call sites that have gone down, by path and by place."""


def lower(
    ladder: Ladder,
    check: str,
    found: tuple[str, ...],
    paths: Iterable[str],
    sites: Collection[str] = (),
) -> list[Ladder]:
    """The ladders to try next, the most promising first: all of `sites` a rung further down or
    at the bottom, since they are left with the least loss, then one of `paths`.

    What is at the bottom already is left out, so that trying ends.
    """
    steps = [(sites, 1), (sites, MAX_RUNGS), *(((path,), 1) for path in paths)]
    tried = [{**ladder, **dict(_lowered(ladder, check, found, keys, by))} for keys, by in steps]
    return [lowered for lowered in tried if lowered != ladder]


def _lowered(
    ladder: Ladder, check: str, found: tuple[str, ...], keys: Iterable[str], by: int
) -> Iterator[tuple[str, StepDown]]:
    """Those of `keys` that are not at the bottom yet, each `by` rungs further down."""
    for key in keys:
        rungs = ladder[key].rungs if key in ladder else 0
        if rungs < MAX_RUNGS:
            mine = tuple(line for line in found if key in line) or found
            yield key, StepDown(check, mine, min(rungs + by, MAX_RUNGS))


def findings(ladder: Ladder, facts: Facts, touched: Iterable[str]) -> Iterator[Finding]:
    """A finding for each file on the ladder that names the check; `touched` are the paths
    that the proposal changes."""
    changed = frozenset(touched)
    for path, step in ladder.items():
        if path not in facts.snapshot:
            continue  # a call site, of which the transform speaks
        yield step.finding(facts, path, left=path not in changed)
