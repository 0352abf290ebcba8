"""Builds shared among several builders; those of a builder that dies are made on another one.

What is compared is built on one builder, before and after: two builders may hold different base
images under one tag. Knows jobs and builders; what a job builds is the caller's business.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.verify.buildx import Buildx, Job
from dockerfix.verify.errors import BuildFailedError, EngineError
from dockerfix.verify.watch import Event, Phase, Watch, unwatched


class Share(Struct, frozen=True):
    """Jobs that one builder does one after the other."""

    jobs: tuple[Job, ...]

    @property
    def size(self) -> int:
        """How many images there are to build."""
        return sum(len(job.wanted) for job in self.jobs)


@dataclass(slots=True)
class Fleet:
    """The builders of a verification, by their names in buildx; none is the current one.

    `lost` are those that did not answer any more.
    """

    buildx: Buildx
    builders: tuple[str, ...] = ()
    watch: Watch = unwatched
    lost: list[str] = field(default_factory=list)
    _waiting: deque[Share] = field(default_factory=deque)
    _over: threading.Event = field(default_factory=threading.Event)
    _talking: threading.Lock = field(default_factory=threading.Lock)

    def build(self, shares: Sequence[Share]) -> None:
        """Do all jobs of all shares, the largest share first.

        Raises `BuildFailedError` for a build that fails on a builder that answers, and
        `EngineError` when no builder answers any more.
        """
        if len(self.builders) < 2:
            for share in shares:
                self._do(share, self.buildx)
            return
        self._waiting.extend(sorted(shares, key=lambda share: -share.size))
        while self._waiting:
            alive = [builder for builder in self.builders if builder not in self.lost]
            if not alive:
                raise EngineError("no builder answers any more", "look after the builders")
            self._round(alive)

    def _round(self, builders: Sequence[str]) -> None:
        """Let each builder take shares until none is left; what a dead one took waits again."""
        with ThreadPoolExecutor(len(builders), "builder") as pool:
            futures = [pool.submit(self._work, builder) for builder in builders]
            try:
                _ended(futures)
            except BaseException:
                self._over.set()
                self.buildx.end()
                raise

    def _work(self, builder: str) -> None:
        buildx = replace(self.buildx, builder=builder)
        while not self._over.is_set():
            try:
                share = self._waiting.popleft()
            except IndexError:
                return
            try:
                self._do(share, buildx, f" on {builder}")
            except BuildFailedError:
                if self._over.is_set() or buildx.answers():
                    raise
                self._waiting.append(share)
                self.lost.append(builder)
                self._say(Phase(f"builder {builder} does not answer; another one takes its builds"))
                return

    def _do(self, share: Share, buildx: Buildx, where: str = "") -> None:
        for job in share.jobs:
            self._say(Phase(f"building {job.what}{where}: {', '.join(job.images)}"))
            buildx.bake(replace(job, what=f"{job.what}{where}"), watch=self._say)

    def _say(self, event: Event) -> None:
        with self._talking:
            self.watch(event)


def spread(groups: Sequence[Sequence[str]], count: int) -> list[tuple[str, ...]]:
    """Groups of names as that many lists at most, of about the same length: what a builder is given
    in one call it builds side by side."""
    lists: list[tuple[str, ...]] = [() for _ in range(count)]
    for group in sorted(groups, key=lambda group: -len(group)):
        shortest = min(range(count), key=lambda number: len(lists[number]))
        lists[shortest] += tuple(group)
    return [names for names in lists if names]


def _ended(futures: Sequence[Future[None]]) -> None:
    """Wait for all; raises the first error of one as soon as it is there."""
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()
