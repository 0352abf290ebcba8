"""Checks *same runtime*: an image is made by the same chain of instructions as before.

The two chains are laid side by side from the base image up, the stages that they copy from
as well; what is not the same must be allowed by a rule that a permit names. Knows how to
compare; what a rule allows stands in `rules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from msgspec import Struct

from dockerfix.facts.dockerfile.places import IsFolder
from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.facts.repository import Facts
from dockerfix.proof.cargo.crates import context_of
from dockerfix.proof.context.siblings import Siblings
from dockerfix.proof.image.chain import NoSuchImageError, Outside, Step, find_stage
from dockerfix.proof.obligation import Image, Obligation, Verdict
from dockerfix.proof.reading import ReadChain
from dockerfix.proof.rules import (
    Pair,
    Use,
    base_but_allowed,
    gone_but_allowed,
    new_but_allowed,
    runs_in,
    same_but_allowed,
    swapped_but_allowed,
)
from dockerfix.syntax.dockerfile import Dockerfile, Stage
from dockerfix.text import Place, join_path


class SameRuntime(Obligation, frozen=True):
    """The chain of instructions of the final image is the same after renaming stages.

    `allowed` names the rules (and aspects of the compiler's input) under which single
    differences are permitted for this image. What differs under no such rule fails.
    """

    before: Image
    after: Image
    allowed: frozenset[str] = frozenset()
    changed: frozenset[tuple[str, str, str]] = frozenset()
    """Single instructions that may differ: the rule, and the text before and after, one of
    them empty for an instruction that only one side has."""

    kind: ClassVar[str] = "same runtime"
    rules: ClassVar[Mapping[str, str]] = {
        "united-packages": "a build stage installs packages that only other files asked for",
        "prepare-widened": "cargo chef prepare no longer names one binary",
        "cook-widened": "cargo chef cook takes more binaries, or follows the flags of its build",
        "build-widened": "cargo build takes more binaries, or runs beside other builds",
        "tools-later": "tools run after the cook, and stay out of stages that only compile",
        "sources-later": "the sources come after a tool that does not read them",
        "environment-added": "a build stage sets a variable that only other files set",
        "sibling-image": "a sibling's inline steps are replaced by its published image",
        "prefix-stripped": "sources lost the folder that is the build context now",
    }
    """All but the last two are for build chains alone (those in which cargo runs): the
    instructions of a runtime image are compared to the letter."""
    accepted_rules: ClassVar[Mapping[str, str]] = {
        "instruction": "one instruction differs, from exactly `before` to exactly `after`",
        "provider-builds": "a sibling's image runs a step that its consumers ran for it",
        "sources": "a build stage holds more files of the context, which only others copied",
        "tools": "a build stage holds a tool that only other files put there",
    }
    assumed_rules: ClassVar[frozenset[str]] = frozenset({"sources", "tools"})

    def check(self, before: Facts, after: Facts) -> Verdict:
        """Whether the chains agree; differences name their rule and both places."""
        return _judge(self, before, after)

    @property
    def about(self) -> str:
        """The Dockerfile of the image before."""
        return self.before.dockerfile


def _judge(owed: SameRuntime, before: Facts, after: Facts) -> Verdict:
    statement = f"{owed.after} runs the same instructions as {owed.before} did"
    try:
        old_graph, old = find_stage(before, owed.before)
        new_graph, new = find_stage(after, owed.after)
    except NoSuchImageError as error:
        return Verdict(statement, (), (str(error),))
    context = context_of(before, owed.before.dockerfile)
    comparison = _Comparison(owed, old_graph, new_graph, _folders_of(before, context))
    comparison.pinned = any(
        join_path(context, name) in before.snapshot for name in _TOOLCHAIN_FILES
    )
    if "sibling-image" in owed.allowed and owed.before.dockerfile == owed.after.dockerfile:
        comparison.siblings = Siblings(owed.after.dockerfile, before, after)
    comparison.directives()
    comparison.stages(old, new, shipped=True)
    return Verdict(statement, tuple(comparison.differences), tuple(comparison.failures))


class _Match(Struct, frozen=True):
    """A step of the old chain and the one that stands for it, by their numbers."""

    old: int
    new: int
    uses: tuple[Use, ...]


class _Comparison:
    """Gathers over all stages that the image needs; dicts keep the first of equal lines."""

    def __init__(
        self, owed: SameRuntime, old: StageGraph, new: StageGraph, is_folder: IsFolder
    ) -> None:
        self.owed = owed
        self.is_folder = is_folder
        self.pinned = False
        self.old_graph = old
        self.new_graph = new
        self.differences: dict[str, None] = {}
        self.failures: dict[str, None] = {}
        self.seen: set[tuple[int, int]] = set()
        self.siblings: Siblings | None = None

    def allow(self, use: Use, old: Place | None, new: Place | None) -> None:
        """Note a difference under its rule, with both places."""
        places = " -> ".join(str(place) for place in (old, new) if place is not None)
        self.differences[f"{use.rule}: {use.what} ({places})"] = None

    def named(self, old: str, new: str) -> Use | None:
        """The permit that names this very difference of one instruction."""
        for rule, before, after in sorted(self.owed.changed):
            if (before, after) == (old, new):
                what = f"`{old}` became `{new}`" if old and new else f"`{old or new}`"
                return Use(rule, f"{what}: accepted")
        return None

    def fail(self, place: Place, what: str) -> None:
        """Note a difference that no rule allows."""
        self.failures[f"{place}: {what}"] = None

    def directives(self) -> None:
        """`syntax` chooses the frontend, `escape` changes how every line is read."""
        old, new = _directives(self.old_graph.tree), _directives(self.new_graph.tree)
        start = self.new_graph.tree.source
        if old.get("syntax", "") != new.get("syntax", ""):
            what = f"the syntax directive is {new.get('syntax', 'absent')}"
            if "syntax" in old:
                place = _top(self.new_graph.tree)
                self.fail(place, f"{what}, it was {old['syntax']}")
            else:
                self.allow(Use("syntax-added", what), None, _top(self.new_graph.tree))
        escapes = (self.old_graph.tree.escape, self.new_graph.tree.escape)
        used = any(e.encode() in t.source.data for e in escapes for t in self.trees())
        if escapes[0] != escapes[1] and used:
            self.fail(_top(self.new_graph.tree), f"the escape character of {start.path} differs")

    def trees(self) -> tuple[Dockerfile, Dockerfile]:
        """Both trees."""
        return self.old_graph.tree, self.new_graph.tree

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
        )
        self.bases(pair)
        self.steps(pair)

    def bases(self, pair: Pair) -> None:
        """The image at the bottom, with its platform and its build arguments."""
        old, new = pair.before.chain.base, pair.after.chain.base
        use = base_but_allowed(pair, old.image, new.image) if old.image != new.image else None
        use = use or self.named(f"FROM {old.image}", f"FROM {new.image}")
        if use is not None:
            self.allow(use, old.place, new.place)
        elif old.image != new.image:
            what = f"the base image is `{new.image}`, it was `{old.image}` at {old.place}"
            self.fail(new.place, what)
        elif old.arguments != new.arguments:
            shown = ", ".join(f"{n}={d}" for n, d in old.arguments)
            what = f"the build arguments of FROM differ, they were {shown} at {old.place}"
            self.fail(new.place, what)
        if old.platform != new.platform:
            was, now = old.platform or "the default", new.platform or "the default"
            if pair.permits("platform"):
                use = Use("platform", f"it is `{now}`, it was `{was}`: accepted")
                self.allow(use, old.place, new.place)
            else:
                self.fail(new.place, f"the platform is `{now}`, it was `{was}` at {old.place}")

    def steps(self, pair: Pair) -> None:
        """Align the steps, then judge what is left and what changed places."""
        old, new = pair.before.steps, pair.after.steps
        matches = _aligned(pair, old, new)
        matches += _moved(pair, old, new, matches)
        for match in sorted(matches, key=lambda m: m.old):
            first, second = old[match.old], new[match.new]
            for use in match.uses:
                self.allow(use, first.place, second.place)
            where = runs_in(pair, first, second)
            if where is not None:
                was = first.where or "the base image's folder"
                self.fail(second.place, f"`{second.short}` runs in {where}, it ran in {was}")
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
                self.fail(
                    new.place,
                    f"copies from {_named(second)}, it was {_named(first)} at {old.place}",
                )

    def order(self, pair: Pair, matches: Sequence[_Match]) -> None:
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
                    self.allow(use, before[first.old].place, place)
                else:
                    self.fail(
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
            use = new_but_allowed(pair, step) or self.named("", step.instruction.text)
            if use is None and self.siblings is not None:
                use = self.siblings.new(step)
            instead = use is not None and use.rule.endswith("-widened") and failed_gone
            if use is not None and not instead:
                self.allow(use, None, step.place)
            else:
                failed_new.append(step)  # a build in place of the one that is missing
        for first, second in _became(failed_gone, failed_new):
            if first is not None and second is not None:
                use = self.named(first.instruction.text, second.instruction.text)
                if use is not None:
                    self.allow(use, first.place, second.place)
                    continue
                what = f"this is `{second.short}`; it was `{first.short}` at {first.place}"
                self.fail(second.place, what)
            elif first is not None:
                self.fail(first.place, f"`{first.short}` is missing in {self.owed.after}")
            elif second is not None:
                self.fail(second.place, f"`{second.short}` was not in {self.owed.before}")

    def gone(self, pair: Pair, steps: list[Step]) -> list[Step]:
        """The missing steps that no rule allows; from the last one up, since what only
        missing steps use may be missing too."""
        allowed: list[tuple[Step, Use]] = []
        for step in reversed(steps):
            missing = [other for other, _ in allowed]
            chain = pair.before.steps
            later = [s for s in chain[chain.index(step) + 1 :] if s not in missing]
            use = gone_but_allowed(pair, step, later) or self.named(step.instruction.text, "")
            if use is None and self.siblings is not None:
                use = self.siblings.gone(step)
            if use is not None:
                allowed.append((step, use))
        for step, use in reversed(allowed):
            self.allow(use, step.place, None)
        return [step for step in steps if step not in [other for other, _ in allowed]]


_TOOLCHAIN_FILES = ("rust-toolchain", "rust-toolchain.toml")


def _folders_of(facts: Facts, context: str) -> IsFolder:
    """What tells the folders of a build context."""

    def is_folder(path: str) -> bool:
        joined = join_path(context, path)
        return joined is not None and facts.snapshot.is_folder(joined)

    return is_folder


def _directives(tree: Dockerfile) -> dict[str, str]:
    return {item.name: item.value for item in tree.directives}


def _top(tree: Dockerfile) -> Place:
    first = tree.items[0].span if tree.items else None
    span = first if first is not None else tree.source.line_of(0)
    return tree.source.place(span)


def _named(reference: Stage | Outside) -> str:
    if isinstance(reference, Outside):
        return f"the image or context `{reference.name}`"
    return f"the stage `{reference.name or reference.index}`"


def _aligned(pair: Pair, old: Sequence[Step], new: Sequence[Step]) -> list[_Match]:
    """The best common subsequence: equal steps weigh 3, steps that a rule unites 2.

    A step whose equal is on the other side needs no rule.
    """
    old_keys, new_keys = {step.key for step in old}, {step.key for step in new}
    uses: dict[tuple[int, int], tuple[Use, ...]] = {}
    for i, first in enumerate(old):
        for j, second in enumerate(new):
            if first.key == second.key:
                uses[i, j] = ()
            elif first.key not in new_keys and second.key not in old_keys:
                same = _uses(pair, first, second)
                uses |= {(i, j): same} if same is not None else {}
    rows, columns = len(old), len(new)
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            best[i][j] = max(best[i + 1][j], best[i][j + 1])
            if (i, j) in uses:
                best[i][j] = max(best[i][j], best[i + 1][j + 1] + _weight(uses[i, j]))
    found: list[_Match] = []
    i = j = 0
    while i < rows and j < columns:
        if (i, j) in uses and best[i][j] == best[i + 1][j + 1] + _weight(uses[i, j]):
            found.append(_Match(i, j, uses[i, j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found


def _weight(uses: tuple[Use, ...]) -> int:
    return 2 if uses else 3


def _uses(pair: Pair, old: Step, new: Step) -> tuple[Use, ...] | None:
    if old.key == new.key:
        return ()
    if old.instruction.keyword != new.instruction.keyword:
        return None
    return same_but_allowed(pair, old, new)


def _moved(
    pair: Pair, old: Sequence[Step], new: Sequence[Step], matches: Sequence[_Match]
) -> list[_Match]:
    """Counterparts out of order, among the steps that are left."""
    free = [j for j in range(len(new)) if j not in {m.new for m in matches}]
    found: list[_Match] = []
    for i in range(len(old)):
        if any(m.old == i for m in matches):
            continue
        for j in free:
            uses = _uses(pair, old[i], new[j])
            if uses is not None:
                found.append(_Match(i, j, uses))
                free.remove(j)
                break
    return found


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
