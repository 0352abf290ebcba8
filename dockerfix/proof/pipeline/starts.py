"""Whether a job that waited for whole stages may start earlier.

A job may pass others only with leave for each need, and only where nothing that they leave,
deploy or make is missed. Asks no transform.
"""

from __future__ import annotations

from collections.abc import Iterable

from dockerfix.facts.gitlab.gates import plain
from dockerfix.facts.gitlab.pipeline import Job, Pipeline
from dockerfix.facts.gitlab.schedule import Schedule
from dockerfix.facts.image_ref import without_tag
from dockerfix.proof.pipeline.sides import Sides, jobs_named

EARLIER = ("starts-earlier", "builds-beside-scan")
"""Rules under which a job without needs may get them."""


def starts_earlier(sides: Sides, job: Job) -> bool:
    """Whether a job may get these first needs: each has its permit, the job keeps all files
    of earlier jobs that it may read, and passes none that deploys or makes an image which it
    runs in. Only jobs that make no image may pass others without leave, and none that a job
    needs which had needs before: that one would start earlier too, unasked."""
    names = {need.job for need in job.needs or ()}
    rules = {r for r, subject, _ in sides.asked if subject == job.name and r in EARLIER}
    asked = [r for r in rules if all((r, job.name, name) in sides.asked for name in names or {""})]
    if not asked or job.environment is not None or job.trigger is not None:
        return False
    schedule = Schedule(sides.new)
    waited = schedule.before(job.name)
    passed = [
        other
        for other in sides.new.visible
        if _is_earlier(sides.new, other, job) and other.name not in waited
    ]
    makers = (o for o in sides.new.visible if _is_earlier(sides.new, o, job) and _hands(o, job))
    handing = {need.job for need in job.needs or () if need.artifacts}
    missed = {o.name for o in makers if not (o.name in handing or _unread(sides, job, o))}
    if missed or any(map(_acts, passed)):
        return False
    if "builds-beside-scan" in asked:
        return not any(sides.of(other.name) for other in passed)
    named = {
        need.job
        for other in sides.new.visible
        if (old := sides.old.jobs.get(other.name)) is None or old.needs is not None
        for need in other.needs or ()
    }
    runs = {i.name for i in (job.image, *job.services) if i is not None}
    made = {tag.text for other in passed for build in sides.of(other.name) for tag in build.tags}
    return not (sides.of(job.name) or job.name in named or _last_names(runs) & _last_names(made))


def _unread(sides: Sides, job: Job, maker: Job) -> bool:
    """Whether a job may do without another one's files, with a permit: it gets no variables
    of it, and no line of its script names their paths."""
    left = maker.artifacts
    if ("artifacts-unread", job.name, maker.name) not in sides.asked or left is None:
        return False
    paths = [path.strip("/") for path in left.paths]
    named = any(path in line.scalar.text for path in paths for line in job.lines)
    return not (left.dotenv or left.untracked or named)


def same_condition(sides: Sides, job: Job) -> bool:
    """Whether a job that had no rules has those of a job which it needs, with a permit."""
    rules = plain(job.keys.get("rules"))
    return any(
        ("same-condition", job.name, need.job) in sides.asked
        and need.job in sides.new.jobs
        and plain(sides.new.jobs[need.job].keys.get("rules")) == rules
        for need in job.needs or ()
    )


def _is_earlier(pipeline: Pipeline, first: Job, second: Job) -> bool:
    stages = pipeline.stages
    known = first.stage in stages and second.stage in stages
    return known and stages.index(first.stage) < stages.index(second.stage)


def _hands(maker: Job, reader: Job) -> bool:
    """Whether files or variables of one job reach another; reports do not."""
    if "dependencies" in reader.keys and maker.name not in jobs_named(reader, "dependencies"):
        return False
    left = maker.artifacts
    return left is not None and bool(left.paths or left.untracked or left.dotenv)


def _acts(job: Job) -> bool:
    """Whether a job changes something outside the pipeline, as far as its keys say."""
    return bool(job.keys.keys() & {"environment", "trigger", "release", "pages"})


def _last_names(images: Iterable[str]) -> set[str]:
    return {without_tag(image.rpartition("/")[2]) for image in images}
