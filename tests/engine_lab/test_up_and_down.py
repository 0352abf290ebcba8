"""The lab's own life: quick when it was made before, and without a trace when it is down."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lab.lab import Lab, run_dir_of

pytestmark = pytest.mark.engine


@pytest.fixture
def second(lab: Lab) -> Iterator[Lab]:
    """Another lab on this machine, made of the parts of the first; it has its own engine."""
    if not lab.folder.is_dir():
        pytest.skip("no daemons of the lab's own here: they are started as root")
    folder = Path(tempfile.mkdtemp(prefix="second-", dir=lab.folder))  # links need one file system
    for part in ("parts", "mirror"):
        shutil.copytree(lab.folder / part, folder / part, symlinks=True, copy_function=os.link)
    made = Lab(folder=folder, run_dir=run_dir_of(folder), foreign=None)
    yield made
    made.down()
    shutil.rmtree(folder)


def traces(lab: Lab) -> dict[str, list[str]]:
    """What a lab has on the machine outside its folder, by kind."""
    own = (str(lab.folder), str(lab.run_dir), f"dfx{lab.run_dir.name[-8:]}")
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            continue
    links = json.loads(subprocess.check_output(["ip", "-json", "link", "show"]))
    found = {
        "processes": commands,
        "mounts": Path("/proc/self/mountinfo").read_text().splitlines(),
        "networks": [link["ifname"] for link in links],
        "control groups": [str(path) for path in Path("/sys/fs/cgroup").glob("**/dfx*/**")],
        "sockets": [str(path) for path in Path("/run").glob("dockerfix-lab-*")],
    }
    named = {
        kind: [entry for entry in entries if any(name in entry for name in own)]
        for kind, entries in found.items()
    }
    return {kind: entries for kind, entries in named.items() if entries}


def docker(lab: Lab, *words: str) -> str:
    return subprocess.run(
        ["docker", *words], env=lab.env(), check=True, capture_output=True, text=True, timeout=120
    ).stdout


def networks() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


def test_up_fetches_nothing_again_and_starts_nothing_that_runs(second: Lab) -> None:
    second.up()  # makes what the first lab has not, when that is an older one
    second.down()
    parts = {path: path.stat().st_mtime_ns for path in sorted((second.folder / "parts").iterdir())}

    second.up()
    assert parts == {path: path.stat().st_mtime_ns for path in parts}

    running = daemons(second)
    assert running
    second.up()
    assert daemons(second) == running


def daemons(lab: Lab) -> dict[str, str]:
    """The daemons' notes of themselves, process ids among them."""
    return {path.name: path.read_text() for path in lab.run_dir.glob("*.pid")}


def test_down_leaves_no_trace_of_containers_builders_and_networks(
    second: Lab, tmp_path: Path
) -> None:
    before = networks()
    second.up()
    docker(second, "network", "create", "of-compose")
    sleep = ["alpine:3.23", "sleep", "98765"]
    docker(second, "run", "--detach", "--quiet", "--network", "of-compose", *sleep)
    docker(second, "run", "--detach", "--quiet", "--publish", "127.0.0.1::80", *sleep)
    (tmp_path / "Dockerfile").write_text("FROM alpine:3.23\nRUN sleep 98765\n")
    with second.cold_builder() as builder:
        command = ["docker", "buildx", "build", "--builder", builder.name, str(tmp_path)]
        build = subprocess.Popen(command, env=second.env(), stderr=subprocess.DEVNULL)
        wait_for_process("sleep 98765", count=3)
        assert set(traces(second)) == {"processes", "networks", "control groups", "sockets"}
        second.down()
        assert build.wait(timeout=120) != 0

    assert traces(second) == {}
    assert count_processes("sleep 98765") == 0
    assert networks() == before
    assert not list((second.folder / "builders").glob("[!l]*"))


def test_up_recovers_from_daemons_that_were_killed(second: Lab) -> None:
    second.up()
    docker(second, "network", "create", "of-compose")
    sleep = ["alpine:3.23", "sleep", "87654"]
    docker(second, "run", "--detach", "--quiet", "--network", "of-compose", *sleep)
    for name in ("dockerd", "buildkitd-lab", "mirror"):
        noted = json.loads((second.run_dir / f"{name}.pid").read_text())
        os.kill(noted["pid"], signal.SIGKILL)
    wait_for_process("sleep 87654", count=0)
    while second.runs():
        time.sleep(0.1)

    second.up()
    assert docker(second, "run", "--rm", "--quiet", "alpine:3.23", "echo", "again") == "again\n"
    second.down()
    assert traces(second) == {}


def test_engine_that_answers_is_used_and_not_changed(lab: Lab, second: Lab) -> None:
    guest = replace(second, foreign=lab.docker_host)
    containers, builders = docker(lab, "ps", "--quiet", "--all"), docker(lab, "buildx", "ls")
    guest.up()
    assert guest.runs()
    assert not (guest.run_dir / "dockerd.pid").exists()
    assert docker(guest, "info", "--format", "{{.ID}}") == docker(
        lab, "info", "--format", "{{.ID}}"
    )
    assert docker(guest, "buildx", "inspect").split()[1] == "default"
    with guest.cold_builder() as builder:
        assert builder.name in docker(guest, "buildx", "ls")
    guest.down()
    assert traces(guest) == {}
    assert docker(lab, "ps", "--quiet", "--all") == containers
    assert docker(lab, "buildx", "ls") == builders


def test_cold_builder_that_ignores_sigterm_is_killed(second: Lab) -> None:
    second.up()
    with second.cold_builder() as builder:
        pid = builder.daemon.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
    assert not builder.root.exists()
    assert not Path(f"/proc/{pid}/cmdline").exists()


def count_processes(command: str) -> int:
    count = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().rstrip(b"\0").split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        count += b" ".join(words).decode(errors="replace") == command
    return count


def wait_for_process(command: str, *, count: int) -> None:
    deadline = time.monotonic() + 120
    while count_processes(command) != count:
        assert time.monotonic() < deadline, f"{count_processes(command)} times {command}"
        time.sleep(0.1)
