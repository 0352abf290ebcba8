"""`estimate --fetch` and `metrics --fetch`: jobs and traces from a GitLab server on loopback."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run, git

CI = "stages: [b, t]\na: {stage: b, script: [x]}\nt 9: {stage: t, script: [x]}\n"


def trace(preparation: int, script: int) -> bytes:
    """A job's trace with these seconds."""
    at = 100 + preparation
    return (
        f"section_start:100:prepare_executor\r\x1b[0K\nsection_end:{at}:prepare_executor\r\x1b[0K"
        f"section_start:{at}:step_script\r\x1b[0K\n$ x\n"
        f"section_end:{at + script}:step_script\r\x1b[0KJob succeeded\n"
    ).encode()


def job(number: int, name: str, duration: float | None, **more: Any) -> dict[str, Any]:
    """An entry of the jobs API."""
    started = "2026-01-05T10:00:00Z" if duration is not None else None
    return {
        "id": number,
        "name": name,
        "stage": "b",
        "duration": duration,
        "queued_duration": 4.0,
        "started_at": started,
        "pipeline": {"id": 70},
        **more,
    }


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "forge")
    monkeypatch.delitem(sys.modules, "fake", raising=False)
    import fake  # type: ignore[import-not-found]  # a module beside its tests

    return fake


@pytest.fixture
def fake(fakes: Any) -> Any:
    found = fakes.FakeGitLab({}, scopes=["read_api"])
    # The digit of `t 9` is the id of another job: a trace belongs to the job that it came from.
    found.jobs = [job(9, "a", 50), job(11, "t 9", 20), job(12, "later", None)]
    found.traces = {9: trace(30, 20), 11: trace(5, 15)}
    return found


@pytest.fixture
def asked(dockerfix: Run, fakes: Any, fake: Any) -> Iterator[Callable[..., Any]]:
    with fakes.serving(fake) as url:
        where = ("--url", url, "--project", "group/app")

        def run(command: str, *words: str, token: str = "secret") -> Any:
            return dockerfix(command, *words, *where, GITLAB_TOKEN=token)

        yield run


@pytest.fixture
def piped(repository: Path) -> Path:
    (repository / ".gitlab-ci.yml").write_text(CI)
    git(repository, "add", ".")
    return repository


@pytest.mark.parametrize("wanted", ["70", "latest", "main"])
def test_metrics_of_a_pipeline(
    asked: Callable[..., Any], fake: Any, repository: Path, wanted: str
) -> None:
    result = asked("metrics", "--fetch", wanted, "--format", "json")
    assert result.code == 0, result.err
    first, second = json.loads(result.out)["jobs"]
    assert (first["name"], second["name"]) == ("a", "t 9")
    assert first["seconds"]["preparation"] == 30
    assert second["seconds"]["script"] == 15
    assert second["seconds"]["waited_for_a_runner"] == 4.0
    assert not any("/jobs/12/" in path for path in fake.asked)


def test_metrics_of_one_job(asked: Callable[..., Any], fake: Any, repository: Path) -> None:
    result = asked("metrics", "--fetch", "70", "--job", "t 9", "--format", "json")
    assert [one["name"] for one in json.loads(result.out)["jobs"]] == ["t 9"]
    assert not any("/jobs/9/" in path for path in fake.asked)
    strange = asked("metrics", "--fetch", "70", "--job", "none")
    assert strange.code == 64
    assert "it has: a, later, t 9" in strange.err


def starting(number: int, name: str, at: int, child: int, project: int = 3) -> dict[str, Any]:
    """An entry of the bridges API: a job of the pipeline `at` that starts another one."""
    return job(
        number,
        name,
        25,
        pipeline={"id": at, "project_id": 3},
        downstream_pipeline={"id": child, "project_id": project},
    )


def test_metrics_of_what_a_pipeline_starts(
    asked: Callable[..., Any], fake: Any, repository: Path
) -> None:
    fake.jobs += [
        job(20, "a", 10, pipeline={"id": 71}),
        job(30, "b", 10, pipeline={"id": 72}),
        job(40, "c", 10, pipeline={"id": 73}),
    ]
    fake.bridges = [
        starting(13, "child", 70, 71),
        starting(21, "deeper", 71, 72),
        starting(14, "other project", 70, 73, project=4),
    ]
    fake.traces |= {20: trace(1, 2), 30: trace(3, 4)}
    result = asked("metrics", "--fetch", "70", "--format", "json")
    assert result.code == 0, result.err
    names = [one["name"] for one in json.loads(result.out)["jobs"]]
    assert names == ["a", "t 9", "child > a", "child > deeper > b"]
    assert "no trace of" not in result.err
    assert not any("/pipelines/73/" in path for path in fake.asked)
    one = asked("metrics", "--fetch", "70", "--job", "child > a", "--format", "json")
    assert [job["name"] for job in json.loads(one.out)["jobs"]] == ["child > a"]


def test_estimate_takes_the_time_of_a_job_that_starts_a_pipeline(
    asked: Callable[..., Any], fake: Any, piped: Path
) -> None:
    (piped / ".gitlab-ci.yml").write_text(f"{CI}child: {{stage: b, trigger: {{include: c.yml}}}}\n")
    (piped / "c.yml").write_text("x: {script: [x]}\n")
    git(piped, "add", ".")
    fake.bridges = [starting(13, "child", 70, 71)]
    fake.bridges[0]["duration"] = 900
    result = asked("estimate", "--only", "pin", "--fetch", "70", "--format", "json")
    assert result.code == 0, result.err
    assert json.loads(result.out)["states"][0]["longest_path_seconds"] >= 900
    assert "no trace of" not in result.err


def test_estimate_of_a_pipeline(asked: Callable[..., Any], piped: Path) -> None:
    result = asked("estimate", "--only", "pin", "--fetch", "latest", "--format", "json")
    assert result.code == 0, result.err
    state = json.loads(result.out)["states"][0]
    assert state["longest_path_seconds"] == 4 + 50 + 4 + 20
    assert "later" in result.out.decode()


def test_a_trace_that_is_gone_is_named(asked: Callable[..., Any], fake: Any, piped: Path) -> None:
    del fake.traces[11]
    result = asked("estimate", "--only", "pin", "--fetch", "70")
    assert result.code == 0
    assert "GitLab has no trace of t 9" in result.err


def test_what_is_refused(
    asked: Callable[..., Any], fakes: Any, fake: Any, repository: Path
) -> None:
    wrong = asked("metrics", "--fetch", "70", token="bad-4711")
    assert wrong.code == 2
    assert "a new token with the scope `read_api`" in wrong.err
    assert "4711" not in wrong.err
    assert asked("metrics", "--fetch", "70", token="").code == 64
    fake.scopes = ["read_registry"]
    assert "the token has the scopes read_registry" in asked("metrics", "--fetch", "70").err
    fake.scopes = None
    assert asked("metrics", "--fetch", "70").code == 0
    assert "look at --project" in asked("metrics", "--fetch", "71").err
    fake.jobs = []
    assert "the pipeline 70 has no jobs" in asked("metrics", "--fetch", "70").err


def test_a_passing_fault_is_passed(
    asked: Callable[..., Any], fakes: Any, fake: Any, repository: Path
) -> None:
    fake.faults = [
        fakes.Fault("GET", "/jobs$", status=502),
        fakes.Fault("GET", "/9/trace", status=429, headers={"Retry-After": "0"}),
    ]
    assert asked("metrics", "--fetch", "70").code == 0
    fake.faults = [fakes.Fault("GET", "/9/trace", status=500, times=99)]
    result = asked("metrics", "--fetch", "70")
    assert result.code == 2
    assert "reading the trace of the job 9: GitLab answers 500" in result.err


def test_words_that_do_not_fit(dockerfix: Run, repository: Path) -> None:
    assert "--fetch" in dockerfix("metrics").err
    assert "needs --fetch" in dockerfix("metrics", "x.log", "--job", "a").err
    result = dockerfix("metrics", "--fetch", "70", GITLAB_TOKEN="secret")
    assert result.code == 64
    assert "--project" in result.err
