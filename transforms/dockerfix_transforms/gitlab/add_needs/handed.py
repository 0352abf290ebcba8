"""Images that a job is handed by name: in a variable that its programs read, in a word of theirs.

A test may pull an image that no command of the job names: it reads the name from the environment.
Knows names of images as they are written; knows no other job.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.api import CommandReader, Job, Snapshot, SnapshotError, Used, environment, image_name

_CI = (".yml", ".yaml")


class HandedImages:
    """The images that the jobs of one pipeline are handed."""

    def __init__(self, snapshot: Snapshot, reader: CommandReader) -> None:
        self._snapshot = snapshot
        self._reader = reader
        self._found: dict[str, tuple[Used, ...]] = {}
        self._named: dict[str, bool] = {}

    def of(self, job: Job) -> tuple[Used, ...]:
        """The images in a job's own variables, in those of the pipeline that a file of the
        repository names, and among the words of commands."""
        if job.name not in self._found:
            self._found[job.name] = tuple(dict.fromkeys(self._handed(job)))
        return self._found[job.name]

    def _handed(self, job: Job) -> Iterator[Used]:
        own = {*job.variables, *job.rule_variables, *(name for row in job.rows for name in row)}
        for name, texts in environment(self._reader.pipeline, job).items():
            images = [text for text in texts if _is_image(text)]
            if images and (name in own or self._is_named(name)):
                yield from (Used(image_name(text), f"its variable {name}") for text in images)
        for ran in self._reader.of(job).ran:
            for word in ran.words[1:]:
                if _is_image(word):
                    yield Used(image_name(word), f"`{ran.name}`")

    def _is_named(self, variable: str) -> bool:
        """Whether a file that is no YAML names a variable: a program may read it."""
        if variable not in self._named:
            self._named[variable] = any(
                variable.encode() in self._bytes(path)
                for path in self._snapshot.paths
                if not path.endswith(_CI)
            )
        return self._named[variable]

    def _bytes(self, path: str) -> bytes:
        try:
            return self._snapshot.peek(path)
        except SnapshotError:
            return b""


def _is_image(text: str) -> bool:
    """Whether a text names an image of a registry: its host is written, or GitLab's variable."""
    host, slash, _ = text.partition("/")
    written = "." in host and not host.startswith((".", "$", "-")) and ":/" not in text
    return host == "${CI_REGISTRY_IMAGE}" or bool(slash and (written or host == "${CI_REGISTRY}"))
