"""A job uses an image that another job of the pipeline pushes, and does not wait for it.

Full names are compared where a job or a command names an image; a Compose service's image by
the last part of its name, since its registry and tag stand in variables.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.checks.check import Check
from dockerfix.checks.together import Push, Together, pushes, same_everywhere
from dockerfix.facts.gitlab.commands import CommandReader
from dockerfix.facts.gitlab.image_names import ImageName, image_name, may_be_same
from dockerfix.facts.gitlab.pipeline import Job
from dockerfix.facts.gitlab.schedule import Schedule
from dockerfix.facts.images.used import UnreadImageError, Used, used_images
from dockerfix.facts.repository import Facts
from dockerfix.text import Place


def _look(facts: Facts) -> Iterator[tuple[Place, str, str]]:
    pipeline = facts.pipeline
    pushed = [(image_name(push.name), push) for push in pushes(facts)]
    if pipeline is None or not pushed:
        return
    schedule, together = Schedule(pipeline), Together(pipeline)
    reader = CommandReader(facts.snapshot, pipeline)
    for job in pipeline.visible:
        try:
            images = used_images(facts, pipeline, job, reader.of(job))
        except UnreadImageError:
            continue
        told: set[str] = set()
        for used in images:
            jobs = {push.job for name, push in pushed if _same(used, name, push)}
            what = _late(job, str(used.name), jobs, schedule, together)
            if what and what not in told:
                told.add(what)
                yield job.place, what, job.name


def _same(used: Used, name: ImageName, push: Push) -> bool:
    """Whether a push makes the image that is used, as far as names can be sure of it."""
    if used.built:
        return False  # Compose builds it where it is not there
    if used.by.startswith("docker compose"):
        last, pushed = (one.repository.rpartition("/")[2] for one in (used.name, name))
        return last == pushed and "$" not in last and may_be_same(used.name, name)
    tag = used.name.tag is None or used.name.tag == name.tag
    return used.name.repository == name.repository and tag and same_everywhere(push.name)


def _late(job: Job, name: str, jobs: set[str], schedule: Schedule, together: Together) -> str:
    if job.name in jobs:
        return ""
    before = schedule.before(job.name)
    for kind in together.kinds(job.name):
        there = jobs & together.present(kind)
        if there and not there & before:
            who = " or ".join(f"`{one}`" for one in sorted(there))
            return f"`{job.name}` uses `{name}` and does not wait for {who}, which pushes it {kind}"
    return ""


CHECK = Check(
    "image-pushed-later",
    "The job gets the image of an earlier pipeline, or none.",
    "Add the job that pushes the image to its `needs:`.",
    _look,
)
