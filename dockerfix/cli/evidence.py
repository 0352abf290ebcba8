"""What ran, from files that a person names: traces, lists of jobs, measurements of verify.

Knows the disk and standard input, and which trace belongs to which job.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Any

import click

from dockerfix.traces.jobs import JobsError, RanJob, latest, read_jobs
from dockerfix.traces.model import JobTrace
from dockerfix.traces.read import read_trace

_BLOCK = 1 << 20


def blocks_of(path: str) -> Iterator[bytes]:
    """A file's bytes in blocks; `-` is standard input. Raises `click.FileError`."""
    try:
        if path == "-":
            yield from iter(lambda: sys.stdin.buffer.read(_BLOCK), b"")
            return
        with open(path, "rb") as file:  # noqa: PTH123 - the argument as the person wrote it
            yield from iter(lambda: file.read(_BLOCK), b"")
    except OSError as error:
        raise click.FileError(path, error.strerror or str(error)) from None


def traces_of(paths: Iterable[str]) -> list[JobTrace]:
    """The traces in files, named by them; raises `click.FileError`."""
    return [
        read_trace("standard input" if path == "-" else PurePath(path).stem, blocks_of(path))
        for path in paths
    ]


def jobs_of(path: str) -> tuple[RanJob, ...]:
    """The jobs that a file lists, retried ones once; raises `click.FileError`."""
    try:
        return latest(read_jobs(b"".join(blocks_of(path))))
    except JobsError as error:
        raise click.FileError(path, str(error)) from None


def job_of(trace: str, jobs: Sequence[RanJob]) -> RanJob | None:
    """The job of a trace: by the id in the file's name, else by its name; None when several
    could be meant."""
    numbers = {int(text) for text in re.findall(r"\d+", trace)}
    found = [job for job in jobs if job.id in numbers]
    found = found or [job for job in jobs if slug(job.name) == slug(trace)]
    return found[0] if len(found) == 1 else None


def slug(text: str) -> str:
    """A name of a job as people name files after it."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def measured_seconds(path: str) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds of the jobs' builds before and after, in the JSON of `dockerfix verify --cold`;
    raises `click.FileError`. Of several conditions the first, the cold one, counts."""
    try:
        data = json.loads(b"".join(blocks_of(path)))
        first = _measured(data)[0]
        before, after = (
            {job["name"]: float(job["seconds"]) for job in first[side]["jobs"]}
            for side in ("before", "after")
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise click.FileError(path, "it is no JSON of `dockerfix verify --cold`") from None
    return before, after


def _measured(data: Any) -> Any:
    inner = data.get("measurements", data)
    return inner["measured"]
