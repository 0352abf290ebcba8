"""`dockerfix estimate` on a small pipeline: what it takes, what it says about wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Run, git

CI = "stages: [b, t]\na: {stage: b, script: [x]}\nt: {stage: t, script: [x]}\n"


@pytest.fixture
def piped(repository: Path) -> Path:
    (repository / ".gitlab-ci.yml").write_text(CI)
    git(repository, "add", ".")
    jobs = [
        {"id": 1, "name": "a", "duration": 50, "queued_duration": 4},
        {"id": 2, "name": "t", "duration": 20, "queued_duration": 0},
        {"id": 3, "name": "included", "duration": 5},
    ]
    (repository / "jobs.json").write_text(json.dumps(jobs))
    (repository / "2.log").write_text("Job succeeded\n")
    return repository


def test_a_table_from_a_list_of_jobs(dockerfix: Run, piped: Path) -> None:
    text = dockerfix("estimate", "--only", "pin", "--jobs", "jobs.json", "--trace", "2.log").out
    assert b"as it is" in text
    assert b"1 min 14 s" in text
    assert b"left out: included" in text


@pytest.mark.parametrize("form", ["json", "markdown", "svg", "html", "mermaid"])
def test_every_format(dockerfix: Run, piped: Path, form: str) -> None:
    result = dockerfix("estimate", "--only", "pin", "--format", form, "--runners", "1")
    assert result.code == 0
    assert result.out


def test_what_is_wrong_is_said(dockerfix: Run, piped: Path) -> None:
    for words, message in (
        (("--after", "x"), "JOB=SECONDS"),
        (("--jobs", "none"), "none"),
        (("--measured", "jobs.json"), "verify --cold"),
        (("--trace", ".gitlab-ci.yml"), "no job has that id or name"),
    ):
        result = dockerfix("estimate", "--only", "pin", *words)
        assert result.code == 64
        assert message in result.err


def test_without_a_pipeline(dockerfix: Run, repository: Path) -> None:
    result = dockerfix("estimate", "--only", "pin")
    assert result.code == 64
    assert ".gitlab-ci.yml" in result.err
