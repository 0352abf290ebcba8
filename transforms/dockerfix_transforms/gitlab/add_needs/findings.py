"""The findings of `add-needs`: orders that fall, files that do not come, images that may be absent.

Knows the words; decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockerfix.api import (
    Finding,
    Job,
    Severity,
)
from dockerfix_transforms.gitlab.add_needs.waits import KeptError, Needed


def order_falls(job: Job, fallen: Sequence[str], rule: str) -> Finding:
    """Orders that no longer hold once a job has needs, under the rule that lets them fall."""
    reads = rule == "starts-earlier"
    what = "it reads and reports only, but runs" if reads else "its images are made and pushed"
    return Finding.at(
        job.place,
        name=rule,
        severity=Severity.ASSUME,
        subject=job.name,
        what=f"{job.name} no longer waits for {', '.join(fallen)}",
        why=f"{what} even when one of these fails",
        do="add the jobs that it is to wait for to its `needs:`",
    )


def artifacts_unread(job: Job, others: Sequence[Job]) -> Finding:
    """Files of other jobs that a job no longer gets."""
    files = [(", ".join(o.artifacts.paths), o.name) for o in others if o.artifacts is not None]
    return Finding.at(
        job.place,
        name="artifacts-unread",
        severity=Severity.ASSUME,
        subject=job.name,
        what=f"{job.name} no longer gets " + ", ".join(f"{p} of {name}" for p, name in files),
        why="its commands read other files, as far as the table of programs knows",
        do="add the job that makes what is read to its `needs:`",
    )


def keeps_order(job: Job, kept: KeptError) -> Finding:
    """Why a job keeps its place."""
    return Finding.at(
        job.place,
        name="keeps-order",
        severity=Severity.NOTE,
        subject=job.name,
        what=f"{job.name} still waits for all earlier stages",
        why=str(kept),
        do=kept.do,
    )


def need_unexplained(job: Job, other: Job) -> Finding:
    """A need of which nothing is taken."""
    return Finding.at(
        job.place,
        name="need-unexplained",
        severity=Severity.NOTE,
        subject=job.name,
        what=f"{job.name} needs {other.name} and takes nothing of it that reading finds",
        why="the need costs time unless the order itself is meant",
        do=f"remove the need if {job.name} may run beside {other.name}",
    )


def image_may_be_absent(job: Job, need: Needed) -> Finding:
    """What happens where the image of a needed job was not made."""
    image = next((image for image in need.images if not image.built), need.images[0])
    then = "Compose then builds it in this job" if image.built else f"`{image.by}` then fails"
    return Finding.at(
        job.place,
        name="image-may-be-absent",
        severity=Severity.NOTE,
        subject=job.name,
        what=f"{job.name} uses {image.name} where {need.job.name} did not make it",
        why=f"{need.absent}; unless an earlier pipeline pushed the image, {then}",
        do=f"widen the rules of {need.job.name}, or give {job.name} the same ones",
    )
