"""Machines that can have no lab: what is said, and how the tests of the engine end there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lab import machine
from lab.commands import NoLabError
from lab.debian import host_release
from lab.machine import check_machine

TESTS = Path(__file__).parents[1]
LAB = str(TESTS / "lab")


def lab(*words: str, path: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The lab's command line, with `path` as PATH and no engine that answers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
    return subprocess.run(
        [sys.executable, LAB, *words],
        env=kept | {"PATH": path, "DOCKERFIX_LAB": str(folder), "DOCKER_HOST": "unix:///nowhere"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_missing_programs_are_named(tmp_path: Path) -> None:
    done = lab("up", path=str(tmp_path), folder=tmp_path / "lab")
    assert done.returncode == 75
    said = done.stderr
    assert said.startswith("lab: no lab on this machine: ")
    assert "Traceback" not in said
    if os.geteuid() == 0:
        assert "not installed here: Go (tests/lab/tools/go.mod says which version), Node.js" in said


def test_another_user_than_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "host_release", lambda: "bookworm")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NoLabError, match="started as root, and this is another user"):
        check_machine()


def test_another_system_than_debian_is_named(tmp_path: Path) -> None:
    release = tmp_path / "os-release"
    release.write_text('ID=fedora\nPRETTY_NAME="Fedora Linux 42"\n')
    with pytest.raises(NoLabError, match="this is Fedora Linux 42"):
        host_release(release)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root comes as far as the network")
def test_without_network_it_says_so_and_ends_what_it_began(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    failing = 'case "$*" in *indextargets*) exec /usr/bin/apt-get "$@";; esac'
    program(tools, "apt-get", f"{failing}\necho 'E: Temporary failure resolving' >&2; exit 100")
    for name in ("cargo", "go"):
        program(tools, name, f'[ "$1" = mod ] && exec {_real(name)} "$@"\nsleep 345678')
    done = lab("up", path=f"{tools}:{os.environ['PATH']}", folder=tmp_path / "lab")
    assert done.returncode == 75, done.stderr
    assert "Temporary failure resolving" in done.stderr
    assert b"345678" not in subprocess.check_output(["ps", "-eo", "args"])


def test_unknown_command_is_a_usage_error(tmp_path: Path) -> None:
    done = lab("start", path=os.environ["PATH"], folder=tmp_path)
    assert done.returncode == 64
    assert done.stderr.startswith("usage: python3 tests/lab COMMAND")


def test_down_has_nothing_to_do_where_there_was_no_lab(tmp_path: Path) -> None:
    assert lab("down", path=os.environ["PATH"], folder=tmp_path / "lab").returncode == 0
    assert not (tmp_path / "lab").exists()


def _real(name: str) -> str:
    words = ["sh", "-c", f"command -v {name}"]
    return subprocess.check_output(words, text=True).strip()


ENGINE_TEST = """
import pytest

@pytest.mark.engine
def test_builds():
    raise AssertionError("ran without an engine")

def test_other():
    pass
"""


@pytest.fixture
def no_lab(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with one engine test on a machine that has no programs at all."""
    monkeypatch.setenv("PATH", str(pytester.path))
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setenv("DOCKERFIX_LAB", str(pytester.path / "lab"))
    monkeypatch.delenv("CI", raising=False)
    pytester.makeini("[pytest]\nmarkers =\n  engine: needs an engine\n")
    pytester.makeconftest('pytest_plugins = ["lab.plugin"]')
    pytester.makepyfile(ENGINE_TEST)
    return pytester


def test_engine_tests_are_skipped_and_named_at_the_end(no_lab: pytest.Pytester) -> None:
    result = no_lab.runpytest_subprocess()
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(
        ["*engine tests that did not run: 1*", "no lab on this machine: *", "  *::test_builds"]
    )
    assert result.ret == pytest.ExitCode.OK


def test_engine_tests_that_cannot_run_fail_in_ci(
    no_lab: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    result = no_lab.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*no lab on this machine: *"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_engine_test_that_skips_itself_fails_in_ci(
    no_lab: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    no_lab.makepyfile(
        "import pytest\n"
        "@pytest.fixture(scope='session')\n"
        "def lab(): return None\n"
        "@pytest.mark.engine\n"
        "def test_builds(): pytest.skip('not today')\n"
    )
    result = no_lab.runpytest_subprocess()
    result.stdout.fnmatch_lines(["*engine tests that did not run: 1*", "not today"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
