"""The tags that a GitLab job pushes, by whichever command.

Knows builds and commands for images; knows nothing of when a job runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from dockerfix.facts.gitlab.pipeline import Job
from dockerfix.facts.model import SiteKind, Value
from dockerfix.syntax.shell import parse_shell

if TYPE_CHECKING:
    from dockerfix.facts.repository import Facts


def pushed_tags(facts: Facts, job: Job) -> tuple[str, ...]:
    """The tags that a job pushes, variables that stay unknown as `${NAME}`; an empty text for
    one that no command names."""
    return tuple(dict.fromkeys((*_by_builds(facts, job), *_by_compose(facts, job), *_named(job))))


def _by_builds(facts: Facts, job: Job) -> Iterator[str]:
    for build in facts.builds.builds:
        if build.push and build.site.in_job(job.name):
            yield from _texts(build.tags)
    for call in facts.builds.images:
        if call.verb == "push" and call.site.in_job(job.name):
            yield from _texts(call.names)


def _by_compose(facts: Facts, job: Job) -> Iterator[str]:
    """The images of Compose services that `docker compose push` or `build --push` sends."""
    for use in facts.builds.compose_uses:
        place = use.site.place
        if not use.site.in_job(job.name):
            continue
        command = facts.snapshot.source(place.path).slice(place.span)
        if use.verb != "push" and not (use.builds and b"--push" in command):
            continue
        for service in facts.builds.builds:
            named = not use.services or service.site.name in use.services
            inside = service.site.kind is SiteKind.COMPOSE and service.site.place.path in use.files
            if inside and named:
                yield from _texts(service.tags)


def _named(job: Job) -> Iterator[str]:
    """Tags that `docker buildx imagetools create` makes in the registry."""
    for line in job.lines:
        for command in parse_shell(line.scalar.mapped).commands():
            words = [word.value or word.written for word in command.words]
            if words[:1] == ["docker"] and "imagetools" in words and "create" in words:
                yield from (tag for flag, tag in pairwise(words) if flag in _TAGS)
                yield from (word.removeprefix("--tag=") for word in words if "--tag=" in word)


_TAGS = ("-t", "--tag")


def _texts(values: tuple[Value, ...]) -> Iterator[str]:
    yield from (text for value in values for text in value.possible)
    if not values:
        yield ""
