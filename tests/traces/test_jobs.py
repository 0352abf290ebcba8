"""The jobs API's answer, in the forms in which people save it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dockerfix.traces.jobs import JobsError, RanJob, latest, read_jobs


def entry(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "stage": "build",
        "status": "success",
        "created_at": "2026-01-01T10:00:00.000Z",
        "started_at": "2026-01-01T10:01:30.500+00:00",
        "finished_at": None,
        "duration": 12.5,
        "queued_duration": 30.5,
        "pipeline": {"id": 7},
        **more,
    }


def test_the_fields_of_a_job() -> None:
    (job,) = read_jobs(json.dumps([entry(1, "a")]).encode())
    assert (job.duration, job.queued, job.awaited, job.finished) == (12.5, 30.5, 60.0, None)


def test_pages_and_lines_are_one_list() -> None:
    one, two = json.dumps([entry(1, "a")]), json.dumps([entry(2, "b")])
    assert [job.id for job in read_jobs(f"{one}{two}".encode())] == [1, 2]
    lines = "\n".join(json.dumps(entry(number, "a")) for number in (1, 2))
    assert [job.id for job in read_jobs(b"\xef\xbb\xbf" + lines.encode())] == [1, 2]


def test_a_retried_job_counts_once() -> None:
    jobs = read_jobs(json.dumps([entry(2, "a"), entry(1, "a"), entry(3, "b")]).encode())
    assert [job.id for job in latest(jobs)] == [2, 3]


@pytest.mark.parametrize(
    ("name", "base"),
    [("a", "a"), ("a: [x, y]", "a"), ("a 2/3", "a"), ("a / b", "a / b"), ("a 1/x", "a 1/x")],
)
def test_the_name_in_the_file(name: str, base: str) -> None:
    assert RanJob(1, name, "", "", None, None, None, None, None).base == base


@pytest.mark.parametrize("text", ["", "[]", "{", '{"message": "404"}', "[1]", "null"])
def test_what_is_no_list_of_jobs(text: str) -> None:
    with pytest.raises(JobsError):
        read_jobs(text.encode())


def test_wrong_types_are_unknown() -> None:
    odd = {**entry(1, "a"), "duration": "x", "created_at": 5, "pipeline": None, "id": None}
    (job,) = read_jobs(json.dumps(odd).encode())
    assert (job.duration, job.created, job.pipeline, job.awaited) == (None, None, None, None)
