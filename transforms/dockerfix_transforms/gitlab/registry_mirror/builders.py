"""The commands of a pipeline that make a builder with a BuildKit of its own.

Knows `docker buildx create`; which file a builder reads stands in its own words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from dockerfix.api import Commands, Job, Place
from dockerfix_transforms.gitlab.builder_keys import CREATE

DRIVERS = ("docker-container", "kubernetes")
"""The drivers that start a BuildKit; the others use one that is there, with its settings."""
BUILDKIT = "moby/buildkit:buildx-stable-1"
"""The image that both start unless a driver option names another one."""
_BARE = ("--append", "--bootstrap", "--leave", "--use")
"""Options of `docker buildx create` that take no value."""
FILE = "/tmp/buildkitd.toml"
"""The file that the patch gives to builders."""
FILE_OPTIONS = ("--buildkitd-config", "--config")


class Builder(Struct, frozen=True):
    """A builder that a job makes: its driver, BuildKit's image, and the file that it gets."""

    place: Place
    driver: str
    image: str
    file: str
    endpoint: str = ""

    @property
    def is_started(self) -> bool:
        """Whether making it starts a BuildKit, which reads the file."""
        return self.driver in DRIVERS

    @property
    def is_elsewhere(self) -> bool:
        """Whether its BuildKit may run on another machine, to which names of the cluster mean
        nothing: the endpoint is an address or a variable, not the name of a context."""
        return "$" in self.endpoint or "://" in self.endpoint


def builders_of(commands: Commands) -> Iterator[Builder]:
    """The builders that a job makes, in the order of its commands."""
    for ran in commands.ran:
        builder = read_builder(ran.words, ran.place)
        if builder is not None:
            yield builder


def read_builder(words: Sequence[str], place: Place) -> Builder | None:
    """The builder that a command makes; None for any other command."""
    if tuple(words[: len(CREATE)]) != CREATE:
        return None
    images = [
        part.removeprefix("image=")
        for value in _values(words, "--driver-opt")
        for part in value.split(",")
        if part.startswith("image=")
    ]
    drivers = list(_values(words, "--driver"))
    files = [file for name in FILE_OPTIONS for file in _values(words, name)]
    if any("config" in flags for flags in _values(words, "--buildkitd-flags")):
        files.append("what --buildkitd-flags names")
    return Builder(
        place,
        drivers[-1] if drivers else DRIVERS[0],
        images[-1] if images else BUILDKIT,
        files[-1] if files else "",
        _endpoint(words),
    )


def _endpoint(words: Sequence[str]) -> str:
    """The context or address among the options; empty for the daemon of the job."""
    at = len(CREATE)
    while at < len(words):
        if not words[at].startswith("-"):
            return words[at]
        at += 1 if "=" in words[at] or words[at] in _BARE else 2
    return ""


def _values(words: Sequence[str], option: str) -> Iterator[str]:
    """The values of an option, written as `--x value` or `--x=value`."""
    for at, word in enumerate(words):
        if word == option and at + 1 < len(words):
            yield words[at + 1]
        elif word.startswith(f"{option}="):
            yield word.partition("=")[2]


def config_option(jobs: Sequence[Job]) -> str:
    """The option that names the builder's file, for the buildx of these jobs' images.

    It has its new name since buildx 0.13, which came with Docker 26; every buildx takes the
    old one.
    """
    return FILE_OPTIONS[0] if all(map(_is_recent, jobs)) else FILE_OPTIONS[1]


def _is_recent(job: Job) -> bool:
    """Whether the job runs in an image of Docker that is known to be new enough."""
    repository, _, tag = (job.image.name if job.image is not None else "").partition(":")
    major = tag.partition("-")[0].partition(".")[0]
    is_docker = repository.rpartition("/")[2] == "docker"
    return is_docker and (tag in ("", "latest", "cli") or (major.isdecimal() and int(major) >= 26))
