"""Mirrors that are there already: in the commands of services, and in files of the repository.

Knows how a proxy is written down; decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from dockerfix.api import (
    Facts,
    Finding,
    Job,
    Place,
    Severity,
    SnapshotError,
    Source,
    Span,
    image_name,
)
from dockerfix_transforms.gitlab.registry_mirror.pulls import JobPulls, Pull, Reader

_MARKS = (b"REGISTRY_PROXY_REMOTEURL", b"remoteurl:", b"registry-mirrors", b"registry-mirror=")
"""What stands in the settings of a proxy, or of a daemon that has one."""
_NAMES = (".yml", ".yaml", ".toml", "daemon.json")


def has_daemon(job: JobPulls) -> bool:
    """Whether a Docker daemon is among the services of a job, by the name of its image: `docker`
    itself starts one unless its tag says `cli`."""
    if not job.job.services:
        return False
    names = [image_name(service.name) for service in job.job.services]
    own = any(
        name.repository.rpartition("/")[2] == "docker" and "cli" not in (name.tag or "")
        for name in names
    )
    images = [pull.image for pull in job.by(Reader.NODE)]
    images += [service.name for service in job.job.services]
    return own or any("dind" in image for image in images)


def daemon_is_served(job: Job) -> bool:
    """Whether the job's daemon is started with a mirror."""
    return any("--registry-mirror" in word for s in job.services for word in s.command)


def _has_given(job: Job, given: Collection[str]) -> bool:
    """Whether each mirror with which the job's daemon is started is one that a person gave."""
    words = [word for service in job.services for word in service.command]
    named = [word.partition("=")[2].rstrip("/") for word in words if "--registry-mirror" in word]
    return set(named) <= {*given}


def there(
    facts: Facts,
    folder: str,
    proxied: Sequence[Pull],
    jobs: Sequence[JobPulls],
    given: Collection[str],
) -> list[Finding]:
    """A note for each mirror that is there: the dependency proxy, daemons with a mirror that is
    none of the `given` ones, and files outside of the folder that the transform writes."""
    found = []
    if proxied:
        what = "images come through GitLab's dependency proxy"
        found.append(_note(proxied[0].place, "CI_DEPENDENCY_PROXY", what))
    served = [j.job for j in jobs if daemon_is_served(j.job) and not _has_given(j.job, given)]
    if served:
        what = f"the Docker daemon of {_jobs(served)} has a mirror"
        found.append(_note(served[0].place, served[0].name, what))
    what = "a mirror, or a daemon that has one, is set up here"
    return found + [_note(place, place.path, what) for place in _files(facts, folder)]


def _jobs(jobs: list[Job]) -> str:
    return jobs[0].name if len(jobs) == 1 else f"{len(jobs)} jobs"


def _note(place: Place, subject: str, what: str) -> Finding:
    return Finding.at(
        place,
        name="mirror-there",
        severity=Severity.NOTE,
        subject=subject,
        what=what,
        why="a second mirror of one registry holds everything twice",
        do="if it can serve the other readers too, pass --mirror REGISTRY=ADDRESS",
    )


def _files(facts: Facts, folder: str) -> Iterator[Place]:
    """Where files of the repository set up a proxy, or a daemon's mirror."""
    own = facts.pipeline.files if facts.pipeline is not None else {}
    for path in facts.snapshot.paths:
        if path.startswith(f"{folder}/") or path in own or not path.endswith(_NAMES):
            continue
        try:
            data = facts.snapshot.peek(path)
        except SnapshotError:
            continue
        found = [data.find(mark) for mark in _MARKS if mark in data]
        if found:
            yield Source(path, data).place(Span(min(found), min(found)))
