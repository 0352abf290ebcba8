"""The process, with a `docker` of the tests' own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dockerfix.verify.bake import Wanted
from dockerfix.verify.buildx import Buildx, Job
from dockerfix.verify.errors import BuildFailedError, EngineError
from dockerfix.verify.recipe import Recipe
from dockerfix.verify.side import Side
from dockerfix.verify.watch import Event, Progress

Docker = Callable[[str], Buildx]


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    """A buildx whose `docker` is the given shell script; it finds `$HERE` to write to."""

    def make(script: str) -> Buildx:
        program = tmp_path / "bin" / "docker"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\nHERE={tmp_path}\n{script}\n")
        program.chmod(0o755)
        return Buildx({"PATH": f"{program.parent}:{os.environ['PATH']}"})

    return make


def job(folder: Path, **options: str) -> Job:
    recipe = Recipe("app", "app/Dockerfile", options=tuple(options.items()))
    return Job(Side.AFTER, folder, (Wanted("app", recipe, ("run:app",)),), "after")


def test_the_definition_is_given_and_progress_is_read(docker: Docker, tmp_path: Path) -> None:
    times = {"started": "2026-01-01T00:00:00Z", "completed": "2026-01-01T00:00:02Z"}
    status = {"vertexes": [{"digest": "a", "name": "[x 1/1] RUN y", **times}]}
    buildx = docker(f"cat > $HERE/given; echo $* > $HERE/words; echo '{json.dumps(status)}' >&2")
    seen: list[Event] = []
    steps = buildx.bake(job(tmp_path), watch=seen.append)
    assert json.loads((tmp_path / "given").read_text())["group"]["default"]["targets"] == ["app"]
    words = (tmp_path / "words").read_text().split()
    assert words[:2] == ["buildx", "bake"]
    assert {"--provenance=false", "rawjson"} < set(words)
    assert "--push" not in words and "--builder" not in words and "--allow" not in words
    assert steps.done == 1
    ended = [event.step for event in seen if isinstance(event, Progress) and event.step]
    assert [step.seconds for step in ended] == [2.0]


@pytest.mark.parametrize(
    ("version", "allowed"), [("v0.16.2", False), ("v0.17.0", True), ("", True)]
)
def test_the_hosts_network_is_asked_for_where_bake_wants_that(
    docker: Docker, tmp_path: Path, version: str, allowed: bool
) -> None:
    buildx = docker(
        f'[ "$2" = version ] && echo x {version} || echo $* > $HERE/words; cat >/dev/null'
    )
    buildx.bake(job(tmp_path, network="host"))
    assert ("--allow network.host" in (tmp_path / "words").read_text()) is allowed


def test_a_failed_build_says_which_side_and_what(docker: Docker, tmp_path: Path) -> None:
    buildx = docker("cat >/dev/null; echo 'ERROR: no builder' >&2; exit 1")
    with pytest.raises(BuildFailedError) as caught:
        buildx.bake(job(tmp_path))
    assert caught.value.side is Side.AFTER
    assert caught.value.images == ("app",)
    assert caught.value.failure.lines == ("ERROR: no builder",)


def test_an_interrupt_ends_the_process_and_its_children(docker: Docker, tmp_path: Path) -> None:
    buildx = docker(
        "cat >/dev/null; sleep 60 & echo $! > $HERE/child; echo '{}' >&2; echo '{}' >&2; wait"
    )
    seen = 0

    def interrupt(event: Event) -> None:
        nonlocal seen
        seen += 1
        if seen == 2:
            raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        buildx.bake(job(tmp_path), watch=interrupt)
    assert time.monotonic() - start < 5
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        if "Z" in Path(f"/proc/{child}/stat").read_text().rpartition(")")[2]:
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{child}").exists()


def test_a_process_that_ignores_interrupts_is_killed(
    docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dockerfix.verify.child._GRACE", 0.3)
    buildx = docker("trap '' INT; cat >/dev/null; echo '{}' >&2; while :; do sleep 0.1; done")

    def interrupt(event: Event) -> None:
        if isinstance(event, Progress) and armed:
            raise KeyboardInterrupt
        armed.append(True)

    armed: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        buildx.bake(job(tmp_path), watch=interrupt)


def test_no_docker_no_buildx_and_an_old_one_are_told(docker: Docker, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="docker is not installed"):
        Buildx({"PATH": str(tmp_path)}).check()
    with pytest.raises(EngineError, match="no buildx"):
        docker("exit 1").check()
    with pytest.raises(EngineError, match="too old"):
        docker("echo github.com/docker/buildx v0.12.1 abc").check()
    docker("echo github.com/docker/buildx v0.13.0 abc").check()
    docker("echo github.com/docker/buildx 0.0.0+unknown").check()


def test_bakes_own_reading_of_a_call(docker: Docker, tmp_path: Path) -> None:
    buildx = docker('echo $* $V > $HERE/words; echo \'{"target": {"a": {"target": "x"}}}\'')
    assert buildx.print_bake(Side.AFTER, tmp_path, ["--file", "b.hcl"], {"V": "1"}) == {
        "a": {"target": "x"}
    }
    assert (tmp_path / "words").read_text().split() == [
        *("buildx", "bake", "--print", "--file", "b.hcl", "1")
    ]
    with pytest.raises(BuildFailedError) as caught:
        docker("echo 'ERROR: bad HCL' >&2; exit 1").print_bake(Side.AFTER, tmp_path, [], {})
    assert caught.value.failure.lines == ("ERROR: bad HCL",)


def test_fresh_builders_come_and_go_by_name(docker: Docker, tmp_path: Path) -> None:
    buildx = docker("echo $* >> $HERE/words")
    buildx.create("run-1", ("--driver-opt", "x=y"))
    buildx.remove("run-1")
    created, removed = (tmp_path / "words").read_text().splitlines()
    assert created.startswith("buildx create --name run-1 --driver docker-container ")
    assert created.endswith(" --driver-opt x=y --bootstrap")
    assert removed == "buildx rm --force run-1"
    with pytest.raises(EngineError, match="no fresh builder can be made here: denied"):
        docker("echo denied >&2; exit 1").create("run-1")
