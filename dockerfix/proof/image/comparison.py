"""Laying two chains side by side, step by step, and the stages that they copy from as well.

Knows how to compare; what a rule allows stands in `rules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from dockerfix.facts.dockerfile.places import IsFolder
from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.proof.context.siblings import Siblings
from dockerfix.proof.go.tree import GoTree
from dockerfix.proof.image.bottom import compare_bases
from dockerfix.proof.image.notes import Notes
from dockerfix.proof.image.pairing import Match, counterparts
from dockerfix.proof.obligation import Image
from dockerfix.proof.rules.one_sided import gone_but_allowed, new_but_allowed
from dockerfix.proof.rules.order import runs_in, swapped_but_allowed
from dockerfix.proof.rules.pair import Pair, Use
from dockerfix.proof.rules.stand_ins import StandIns
from dockerfix.proof.steps.chain import Outside, Step
from dockerfix.proof.steps.reading import ReadChain
from dockerfix.syntax.dockerfile import Stage


class Owed(Struct, frozen=True):
    """What is compared, and what may differ: see `SameRuntime`."""

    before: Image
    after: Image
    allowed: frozenset[str]
    changed: frozenset[tuple[str, str, str]]


class Comparison:
    """Compares all stages that an image needs, noting what it finds."""

    def __init__(
        self,
        owed: Owed,
        graphs: tuple[StageGraph, StageGraph],
        is_folder: IsFolder,
        pinned: bool,
        siblings: Siblings | None,
        tree: GoTree | None = None,
        stand_ins: StandIns | None = None,
    ) -> None:
        self.owed = owed
        self.old_graph, self.new_graph = graphs
        self.is_folder = is_folder
        self.pinned = pinned
        self.siblings = siblings
        self.tree = tree
        self.stand_ins = stand_ins
        self.notes = Notes(owed.changed)
        self.seen: set[tuple[int, int]] = set()

    def stages(self, old: Stage, new: Stage, shipped: bool) -> None:
        """Compare two stages' chains, and the stages that they copy from."""
        if (old.index, new.index) in self.seen:
            return
        self.seen.add((old.index, new.index))
        pair = Pair(
            ReadChain(self.old_graph, old),
            ReadChain(self.new_graph, new),
            shipped,
            self.owed.allowed,
            self.is_folder,
            self.pinned,
            self.tree,
            self.stand_ins,
        )
        compare_bases(self.notes, pair)
        self.steps(pair)

    def steps(self, pair: Pair) -> None:
        """Align the steps, then judge what is left and what changed places."""
        old, new = pair.before.steps, pair.after.steps
        matches = counterparts(pair)
        for match in sorted(matches, key=lambda m: m.old):
            first, second = old[match.old], new[match.new]
            for use in match.uses:
                self.notes.allow(use, first.place, second.place)
            where = runs_in(pair, first, second)
            if where is not None:
                was = first.where or "the base image's folder"
                self.notes.fail(second.place, f"`{second.short}` runs in {where}, it ran in {was}")
            self.references(first, second)
        self.order(pair, matches)
        self.leftovers(
            pair,
            [s for n, s in enumerate(old) if n not in {m.old for m in matches}],
            [s for n, s in enumerate(new) if n not in {m.new for m in matches}],
        )

    def references(self, old: Step, new: Step) -> None:
        """What `--from` names must be the same image, or a stage that is made the same way."""
        for first, second in zip(old.references, new.references, strict=True):
            if isinstance(first, Stage) and isinstance(second, Stage):
                self.stages(first, second, shipped=False)
            elif first != second:
                self.notes.fail(
                    new.place,
                    f"copies from {_named(second)}, it was {_named(first)} at {old.place}",
                )

    def order(self, pair: Pair, matches: Sequence[Match]) -> None:
        """Every two steps that changed places need a rule."""
        ordered = sorted(matches, key=lambda m: m.old)
        for number, first in enumerate(ordered):
            for second in ordered[number + 1 :]:
                if second.new > first.new:
                    continue
                before = pair.before.steps
                use = swapped_but_allowed(pair, before[first.old], before[second.old])
                place = pair.after.steps[first.new].place
                if use is not None:
                    self.notes.allow(use, before[first.old].place, place)
                else:
                    self.notes.fail(
                        pair.after.steps[second.new].place,
                        f"`{before[second.old].short}` comes before "
                        f"`{before[first.old].short}`, it came after it at "
                        f"{before[second.old].place}",
                    )

    def leftovers(self, pair: Pair, gone: list[Step], new: list[Step]) -> None:
        """Steps without a counterpart: each needs a rule."""
        failed_gone = self.gone(pair, gone)
        failed_new: list[Step] = []
        for step in new:
            use = new_but_allowed(pair, step) or self.notes.named("", step.instruction.text)
            if use is None and self.siblings is not None:
                use = self.siblings.new(step)
            instead = use is not None and use.rule.endswith("-widened") and failed_gone
            if use is not None and not instead:
                self.notes.allow(use, None, step.place)
            else:
                failed_new.append(step)  # a build in place of the one that is missing
        for first, second in _became(failed_gone, failed_new):
            if first is not None and second is not None:
                use = self.notes.named(first.instruction.text, second.instruction.text)
                if use is not None:
                    self.notes.allow(use, first.place, second.place)
                    continue
                what = f"this is `{second.short}`; it was `{first.short}` at {first.place}"
                self.notes.fail(second.place, what)
            elif first is not None:
                self.notes.fail(first.place, f"`{first.short}` is missing in {self.owed.after}")
            elif second is not None:
                self.notes.fail(second.place, f"`{second.short}` was not in {self.owed.before}")

    def gone(self, pair: Pair, steps: list[Step]) -> list[Step]:
        """The missing steps that no rule allows; from the last one up, since what only
        missing steps use may be missing too."""
        allowed: list[tuple[Step, Use]] = []
        for step in reversed(steps):
            missing = [other for other, _ in allowed]
            chain = pair.before.steps
            later = [s for s in chain[chain.index(step) + 1 :] if s not in missing]
            use = gone_but_allowed(pair, step, later) or self.notes.named(step.instruction.text, "")
            if use is None and self.siblings is not None:
                use = self.siblings.gone(step)
            if use is not None:
                allowed.append((step, use))
        for step, use in reversed(allowed):
            self.notes.allow(use, step.place, None)
        return [step for step in steps if step not in [other for other, _ in allowed]]


def _named(reference: Stage | Outside) -> str:
    if isinstance(reference, Outside):
        return f"the image or context `{reference.name}`"
    return f"the stage `{reference.name or reference.index}`"


def _became(gone: Sequence[Step], new: Sequence[Step]) -> Iterator[tuple[Step | None, Step | None]]:
    """Steps of one keyword that are gone and new, paired for the message."""
    rest = list(new)
    for step in gone:
        keyword = step.instruction.keyword
        other = next((s for s in rest if s.instruction.keyword == keyword), None)
        if other is not None:
            rest.remove(other)
        yield step, other
    for step in rest:
        yield None, step
