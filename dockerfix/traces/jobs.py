"""The jobs of a pipeline that ran, as GitLab's jobs API lists them.

Follows "Jobs API": `GET /projects/:id/pipelines/:id/jobs`. Takes one array, several arrays one
after another (pages), or an object a line. Knows no job of any file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from msgspec import Struct


class JobsError(Exception):
    """The bytes are no list of jobs; says what is wrong with them."""


class RanJob(Struct, frozen=True):
    """One job as it ran. Moments are in seconds since 1970, `duration` and `queued` in seconds;
    None is unknown, or not yet.

    `queued` is the wait for a runner alone: between the moment in which nothing kept the job
    any more and its start.
    """

    id: int
    name: str
    stage: str
    status: str
    created: float | None
    started: float | None
    finished: float | None
    duration: float | None
    queued: float | None
    pipeline: int | None = None

    @property
    def awaited(self) -> float | None:
        """Seconds in which the job waited for other jobs, without the wait for a runner."""
        if self.created is None or self.started is None:
            return None
        return max(0.0, self.started - self.created - (self.queued or 0.0))

    @property
    def base(self) -> str:
        """The name in the CI file: without the row of a matrix, or the number of a parallel
        run."""
        head, bracket, _ = self.name.partition(": [")
        if bracket:
            return head
        words, _, last = self.name.rpartition(" ")
        number, slash, count = last.partition("/")
        return words if words and slash and number.isdecimal() and count.isdecimal() else self.name


def read_jobs(data: bytes) -> tuple[RanJob, ...]:
    """The jobs in the order of the list; raises `JobsError`."""
    return jobs_of_items(_items(data))


def jobs_of_items(items: Iterable[dict[str, Any]]) -> tuple[RanJob, ...]:
    """The jobs of entries of the list, in their order; raises `JobsError` where there are none."""
    jobs = [_job(item) for item in items]
    if not jobs:
        raise JobsError("there is no job in it")
    return tuple(jobs)


def latest(jobs: tuple[RanJob, ...]) -> tuple[RanJob, ...]:
    """The last run of each job of each pipeline: retried ones are left out."""
    found: dict[tuple[int | None, str], RanJob] = {}
    for job in sorted(jobs, key=lambda job: job.id):
        found[(job.pipeline, job.name)] = job
    return tuple(found.values())


def _items(data: bytes) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
    text = data.decode("utf-8-sig", "replace").strip()
    at = 0
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise JobsError(f"it is no JSON: {error}") from None
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, dict) or not isinstance(item.get("name"), str):
                raise JobsError("an entry has no name; it is no answer of the jobs API")
            yield item


def _job(item: dict[str, Any]) -> RanJob:
    pipeline = item.get("pipeline")
    number = pipeline.get("id") if isinstance(pipeline, dict) else None
    identity = item.get("id")
    return RanJob(
        identity if isinstance(identity, int) else 0,
        item["name"],
        str(item.get("stage") or ""),
        str(item.get("status") or ""),
        _moment(item.get("created_at")),
        _moment(item.get("started_at")),
        _moment(item.get("finished_at")),
        _number(item.get("duration")),
        _number(item.get("queued_duration")),
        number if isinstance(number, int) else None,
    )


def _moment(value: object) -> float | None:
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value).timestamp()
    except ValueError:
        return None


def _number(value: object) -> float | None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
    return float(value) if good else None  # type: ignore[arg-type]  # a number, as just seen
