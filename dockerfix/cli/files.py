"""Files that a person names and that are no part of the repository: traces, lists of jobs.

Knows the disk and standard input; knows nothing of what is in a file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from dockerfix.traces.jobs import JobsError, RanJob, latest, read_jobs

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


def jobs_of(path: str) -> tuple[RanJob, ...]:
    """The jobs that a file lists, retried ones once; raises `click.FileError`."""
    try:
        return latest(read_jobs(b"".join(blocks_of(path))))
    except JobsError as error:
        raise click.FileError(path, str(error)) from None
