"""What a job without needs really waits for, or why it keeps its place.

Knows when the needed jobs exist and what of them is used; writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from dockerfix.api import (
    AlwaysThere,
    Job,
    Missing,
    Pipeline,
    UnreadImageError,
    Used,
    implies,
)
from dockerfix_transforms.gitlab.add_needs.barriers import is_started_by_hand
from dockerfix_transforms.gitlab.add_needs.inputs import Inputs


class Needed(Struct, frozen=True):
    """A job that is needed, an example of a pipeline without it (empty: it is always there),
    the images that are used of it, and why it is needed."""

    job: Job
    absent: str = ""
    images: tuple[Used, ...] = ()
    why: str = ""

    def __str__(self) -> str:
        """The job with the reason, for a person."""
        return f"{self.job.name} ({self.why})" if self.why else self.job.name


class KeptError(Exception):
    """A job that keeps its place; says why, and what a person may do."""

    def __init__(self, why: str, do: str = "") -> None:
        super().__init__(why)
        self.do = do


class Waits:
    """What the jobs of one pipeline wait for."""

    def __init__(self, pipeline: Pipeline, inputs: Inputs) -> None:
        self.pipeline = pipeline
        self.inputs = inputs

    def needed(self, job: Job, earlier: Sequence[Job]) -> list[Needed]:
        """What a job that only reads waits for; raises `KeptError`."""
        used = self.used(job)
        flows = {other.name: self.inputs.of(job, other, used) for other in earlier}
        unread = [o for o in earlier if (found := flows[o.name]) and found.is_effect]
        unread = [other for other in unread if not _never_waits(other)]
        free = [other for other in earlier if flows[other.name] is None]
        # Needs that stand there for fear alone help nobody when they are the most.
        if len(unread) > len(free):
            why = flows[unread[0].name]
            raise KeptError(f"`{unread[0].name}` comes before it: {why.why if why else ''}")
        return [
            self.presence(job, other, found.images, found.why)
            for other in earlier
            if (found := flows[other.name]) and (not found.is_effect or other in unread)
        ]

    def used(self, job: Job) -> tuple[Used, ...]:
        """The images that a job uses; raises `KeptError`."""
        try:
            return self.inputs.used(job)
        except UnreadImageError as error:
            raise KeptError(str(error)) from None

    def presence(
        self, job: Job, other: Job, images: tuple[Used, ...] = (), why: str = ""
    ) -> Needed:
        """A need, with the pipeline in which the needed job is missing."""
        if is_started_by_hand(other):
            raise KeptError(f"`{other.name}` is started by hand")
        presence = implies(self.pipeline, job, other)
        if isinstance(presence, Missing):
            return Needed(other, presence.example, images, why)
        if not isinstance(presence, AlwaysThere):
            raise KeptError(f"when `{other.name}` exists cannot be decided: {presence.why}")
        return Needed(other, "", images, why)

    def followers(self, job: Job) -> Iterator[Job]:
        """The jobs that start when this one has ended, directly or through others' needs."""
        known, waiting = {job.name}, [job.name]
        while waiting:
            name = waiting.pop()
            for user in self.pipeline.visible:
                if user.name not in known and name in {n.job for n in user.needs or ()}:
                    known.add(user.name)
                    waiting.append(user.name)
                    yield user


def _never_waits(other: Job) -> bool:
    """Whether jobs of later stages go on without this one: it runs only by hand."""
    rules = other.rules
    whens = {other.when} if rules is None else {rule.when for rule in rules} - {"never"}
    return whens == {"manual"}
