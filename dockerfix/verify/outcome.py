"""What a verification found, as values. Knows no engine; `report` makes text and data of it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from dockerfix.traces.steps import Failure
from dockerfix.verify.compare import Difference
from dockerfix.verify.concern import Unmatched, Unread
from dockerfix.verify.side import Side
from dockerfix.verify.starts import StartCheck


class ImageResult(Struct, frozen=True):
    """One image, built before and after and compared.

    `before` and `after` say from which Dockerfile and target, `sites` who asks for it.
    """

    name: str
    before: str
    after: str
    sites: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    starts: tuple[StartCheck, ...] = ()

    @property
    def counting(self) -> tuple[Difference, ...]:
        """The differences that no rule expects."""
        return tuple(difference for difference in self.differences if difference.counts)

    @property
    def expected(self) -> Mapping[str, tuple[Difference, ...]]:
        """The other differences by the rule that expects them."""
        found: dict[str, tuple[Difference, ...]] = {}
        for difference in self.differences:
            if difference.rule:
                found[difference.rule] = (*found.get(difference.rule, ()), difference)
        return found

    @property
    def equal(self) -> bool:
        """Whether nothing that counts differs, and it starts as before."""
        return not self.counting and all(check.same for check in self.starts)


class Work(Struct, frozen=True):
    """What builds cost.

    `crates` counts what cargo compiled, by what for (`install`, `cook`, `build`); `clipped`
    says that a builder cut its output, so that there may be more. `sent` are bytes of contexts,
    `cache_exported` bytes of layers written to exported caches, None where that was not tried.
    """

    seconds: float
    crates: Mapping[str, int]
    steps: int
    cached: int
    sent: int
    cache_exported: int | None = None
    clipped: bool = False

    @property
    def compiled(self) -> int:
        """All crates."""
        return sum(self.crates.values())


class JobWork(Struct, frozen=True):
    """One job on a builder of its own: its name, its stage (may be empty), its work."""

    name: str
    stage: str
    work: Work


class SideWork(Struct, frozen=True):
    """All jobs of one side. `elapsed` is the time from the first start to the last end, in
    seconds, with as many runners as can be used; `stages` the same for each stage alone."""

    jobs: tuple[JobWork, ...]
    elapsed: float
    stages: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """The sum over all jobs: what the runners are busy for."""
        return sum(job.work.seconds for job in self.jobs)

    @property
    def crates(self) -> int:
        """The sum of crates compiled."""
        return sum(job.work.compiled for job in self.jobs)


class Measured(Struct, frozen=True):
    """The same jobs before and after, each on a cold builder; `title` says under which
    conditions."""

    title: str
    before: SideWork
    after: SideWork

    def side(self, side: Side) -> SideWork:
        """One side."""
        return self.before if side is Side.BEFORE else self.after


class Verified(Struct, frozen=True):
    """Both sides were built and compared.

    `unmeasured` says why jobs could not be measured that should have been, `baseline` that
    *before* was built twice. `notes` are about the run itself.
    """

    images: tuple[ImageResult, ...] = ()
    unmatched: tuple[Unmatched, ...] = ()
    unread: tuple[Unread, ...] = ()
    measured: tuple[Measured, ...] = ()
    unmeasured: tuple[str, ...] = ()
    baseline: bool = False
    notes: tuple[str, ...] = ()

    @property
    def lost(self) -> tuple[Unmatched, ...]:
        """Images that nobody asks for any more."""
        return tuple(image for image in self.unmatched if image.side is Side.BEFORE)

    @property
    def new(self) -> tuple[Unmatched, ...]:
        """Images that nobody asked for before; they were built, and compared with nothing."""
        return tuple(image for image in self.unmatched if image.side is Side.AFTER)

    @property
    def equal(self) -> bool:
        """Whether every image that was asked for is asked for still, and is the same."""
        return not self.lost and all(image.equal for image in self.images)

    @property
    def complete(self) -> bool:
        """Whether every build that the patch concerns could be made, and measured if asked."""
        return not self.unmeasured and not any(build.needed for build in self.unread)


class NotBuilt(Struct, frozen=True):
    """A side could not be built: which, what was being built, and the builder's last lines."""

    side: Side
    images: tuple[str, ...]
    failure: Failure
    notes: tuple[str, ...] = ()


Outcome = Verified | NotBuilt
