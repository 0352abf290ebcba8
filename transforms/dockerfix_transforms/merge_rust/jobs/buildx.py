"""Whether the jobs that become one can call `docker buildx bake`, which they did not call before.

Knows jobs; knows nothing of what they build.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.api import (
    Buildx,
    Finding,
    Pipeline,
    Refused,
    Severity,
    buildx_of,
    calls_buildx,
    wants_old_builder,
)
from dockerfix_transforms.merge_rust.jobs.clusters import Cluster

_TAKE = "take an image with buildx (docker:23 or newer), or install docker-cli-buildx"


def check_buildx(pipeline: Pipeline, cluster: Cluster) -> None:
    """Raises `Refused` where a job is known to have no buildx, or switches BuildKit off."""
    for build_job in cluster.jobs:
        job = build_job.job
        if wants_old_builder(pipeline, job):
            raise Refused(
                job.place, f"{job.name} sets DOCKER_BUILDKIT=0, and a bake file is built by "
                "BuildKit", "build with BuildKit",
            )  # fmt: skip
        known, why = buildx_of(job)
        if known is Buildx.LACKING and not calls_buildx(job):
            raise Refused(job.place, f"{job.name} has no buildx: {why}", _TAKE)


def buildx_notes(cluster: Cluster) -> Iterator[Finding]:
    """The assumption that a job has buildx, where nothing says so."""
    jobs = [build_job.job for build_job in cluster.jobs]
    job = jobs[0]
    known, why = buildx_of(job)
    if known is Buildx.UNKNOWN and not any(map(calls_buildx, jobs)):
        yield Finding.at(
            job.place,
            severity=Severity.ASSUME,
            name="needs-buildx",
            what=f"{cluster.name} calls `docker buildx bake`, and {job.name} called no buildx",
            why=f"Whether it has the plugin is not known: {why}.",
            do=f"Try `docker buildx version` there; without it, {_TAKE}.",
            subject=cluster.name,
        )
