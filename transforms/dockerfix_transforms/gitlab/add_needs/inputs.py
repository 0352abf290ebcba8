"""What a GitLab job takes from another one: artifacts, a cache, images, a deployment.

A job without `needs:` gets all of it unsaid. Knows what flows between two jobs; decides no
order.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from dockerfix.api import (
    CommandReader,
    Facts,
    Job,
    Made,
    Used,
    makers,
    may_be_same,
    shared_caches,
    used_images,
)
from dockerfix_transforms.gitlab.add_needs.effects import (
    installs,
    leaves_behind,
    leaves_more_than_images,
)
from dockerfix_transforms.gitlab.add_needs.handed import HandedImages
from dockerfix_transforms.gitlab.add_needs.reads import files_read, may_be_read


class Input(Struct, frozen=True):
    """Why a job waits for another, and the images that it uses of it. `is_effect` says that it
    is for what the other leaves outside the pipeline alone."""

    why: str
    images: tuple[Used, ...] = ()
    is_effect: bool = False


class Inputs:
    """The flow between the jobs of one pipeline."""

    def __init__(self, facts: Facts, reader: CommandReader) -> None:
        self.facts = facts
        self.reader = reader
        self.made: Mapping[str, Made] = makers(facts, reader)
        self.handed = HandedImages(facts.snapshot, reader)

    def keeps(self, job: Job) -> str:
        """Why a job must not start earlier, for what it leaves behind; empty when it may."""
        return leaves_behind(self.facts, job, self.reader.of(job))

    def leaves(self, job: Job) -> str:
        """What a job leaves behind beside images; empty for nothing."""
        return leaves_more_than_images(job, self.reader.of(job))

    def makes_images(self, job: Job) -> bool:
        """Whether a job that leaves nothing else behind makes images."""
        return not self.leaves(job) and bool(self.keeps(job))

    def only_reports(self, job: Job) -> bool:
        """Whether a job takes part in nothing that comes after it, be it files or images."""
        left = job.artifacts
        files = left is not None and bool(left.paths or left.dotenv or left.untracked)
        writes = any(cache.policy != "pull" for cache in job.caches)
        return not (self.keeps(job) or files or writes)

    def used(self, job: Job) -> tuple[Used, ...]:
        """The images that a job uses; raises `UnreadImageError`."""
        return used_images(self.facts, self.reader.pipeline, job, self.reader.of(job))

    def of(self, job: Job, other: Job, used: tuple[Used, ...]) -> Input | None:
        """What the job takes from the other one; None when it takes nothing."""
        images = tuple(image for image in used if self.made[other.name].may_hold(image))
        if images:
            return Input(f"it uses {images[0].name}", images)
        names = self.made[other.name].names
        handed = (
            use for use in self.handed.of(job) if any(may_be_same(n, use.name) for n in names)
        )
        if (use := next(handed, None)) is not None:
            return Input(f"{use.by} names {use.name}")
        if hands_files(job, other) and self.reads(job, other):
            return Input("it may read its artifacts")
        if self.needs_cache(job, other):
            return Input("it reads its cache")
        why = leaves_more_than_images(other, self.reader.of(other))
        return Input(why, is_effect=True) if why else None

    def reads(self, job: Job, other: Job) -> bool:
        """Whether a job may read artifacts of another one, as far as its commands tell."""
        paths = files_read(self.facts.snapshot, job, self.reader.of(job))
        left = other.artifacts
        if paths is None or left is None or may_be_read(left, paths):
            return True
        texts = [line.scalar.text for line in job.lines]
        return any(path.strip("/") in text for path in left.paths for text in texts)

    def needs_cache(self, job: Job, other: Job) -> bool:
        """Whether a job lives on the cache of another: it only pulls it, names what is in it, or
        installs nothing itself."""
        read = shared_caches(self.reader.pipeline, job, other)
        if not read or any(cache.policy == "pull" for cache in read):
            return bool(read)
        paths = [path.strip("/") for cache in read for path in cache.paths]
        if any(f"{path}/" in line.scalar.text for path in paths for line in job.lines):
            return True
        return not any(installs(ran) for ran in self.reader.of(job).ran)


def hands_files(job: Job, other: Job) -> bool:
    """Whether artifacts of another job reach this one: files or variables, no mere reports,
    and only those that `dependencies:` leaves."""
    if "dependencies" in job.keys and other.name not in {s.text for s in job.dependencies}:
        return False
    left = other.artifacts
    return left is not None and bool(left.paths or left.dotenv or left.untracked)
