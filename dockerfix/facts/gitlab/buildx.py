"""Whether a job has buildx, the plugin of the docker command that knows `docker buildx bake`.

Docker's own image has it since 23.0; before, and in packages of the command alone, it is a plugin
of its own. Knows images and packages by name; runs nothing.
"""

from __future__ import annotations

import enum
import posixpath
import re

from dockerfix.facts.gitlab.image_names import image_name
from dockerfix.facts.gitlab.pipeline import Job, Pipeline

_SINCE = 23
"""The first `docker` image whose command comes with buildx in every variant."""
_OLD_TAGS = ("stable", "edge", "test")
"""Tags of `docker` that stand still since 20.10."""
_PLUGIN = re.compile(r"docker-cli-buildx|docker-buildx|buildx-plugin|cli-plugins|setup-buildx")
"""What brings the plugin: packages of Alpine, Debian and Docker, and the folder it lies in."""
_WITHOUT = re.compile(r"\b(?:add|install)\b.*\s(docker-cli|docker\.io)(?:[\s=]|$)")
"""Packages that bring the command without it."""


class Buildx(enum.Enum):
    """What reading tells of a job."""

    THERE = "there"
    LACKING = "lacking"
    UNKNOWN = "unknown"


def buildx_of(job: Job) -> tuple[Buildx, str]:
    """Whether a job has buildx, its own calls of it aside, and what says so: words for a
    message."""
    lines = [line.scalar.text for line in job.lines]
    if any(_PLUGIN.search(text) for text in lines):
        return Buildx.THERE, "its script installs it"
    for text in lines:
        found = _WITHOUT.search(text)
        if found is not None:
            return Buildx.LACKING, f"{found[1]} comes without it"
    image = job.image.name if job.image is not None else ""
    if not image:
        return Buildx.UNKNOWN, "no image says what it has"
    return _of_image(image), f"its image is {image}"


def calls_buildx(job: Job) -> bool:
    """Whether a line of a job calls `docker buildx`."""
    return any("docker buildx " in line.scalar.text for line in job.lines)


def wants_old_builder(pipeline: Pipeline, job: Job) -> bool:
    """Whether a job switches BuildKit off."""
    switch = pipeline.variables_of(job).get("DOCKER_BUILDKIT")
    lines = (line.scalar.text for line in job.lines)
    return (switch is not None and switch.text == "0") or any(
        re.search(r"\bDOCKER_BUILDKIT=[\"']?0\b", text) for text in lines
    )


def _of_image(text: str) -> Buildx:
    found = image_name(text)
    if posixpath.basename(found.repository) != "docker" or found.tag is None:
        return Buildx.UNKNOWN
    if "$" in found.tag or "$" in found.repository:
        return Buildx.UNKNOWN
    number = re.match(r"\d+", found.tag)
    if number is not None:
        return Buildx.THERE if int(number[0]) >= _SINCE else Buildx.LACKING
    return Buildx.LACKING if found.tag.startswith(_OLD_TAGS) else Buildx.THERE
