"""What the engine tests of verify share: the sample before and after, and ways to run things."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.lab import Lab
from runner.gitlab import work_tree
from runner.machine import Machine, dockerfix_command

SAMPLE = Path(__file__).parents[2] / "sample-repo"


@pytest.fixture(scope="session")
def machine(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The lab's environment, with a folder for temporary files that only we use."""
    env = {**lab.env(), "TMPDIR": str(tmp_path_factory.mktemp("tmp"))}
    env.pop("DOCKERFIX_TRACEBACK", None)
    return Machine(env)


@pytest.fixture
def leaves_nothing(machine: Machine) -> Iterator[None]:
    """What the test makes is gone in the end; what others have at the same time may stay."""
    before = machine.traces()
    yield
    assert not machine.traces() - before


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample repository as a Git work tree of its own."""
    folder = tmp_path_factory.mktemp("sample") / "repository"
    shutil.copytree(SAMPLE, folder)
    work_tree(folder)
    return folder


@pytest.fixture(scope="session")
def patch(sample: Path) -> bytes:
    """What `dockerfix merge-rust controlplane` prints for the sample."""
    command = dockerfix_command("merge-rust", "controlplane", "--quiet")
    done = subprocess.run(command, cwd=sample, capture_output=True, env=dict(os.environ))
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="session")
def merged(sample: Path, patch: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample with the patch applied, as a Git work tree of its own."""
    folder = tmp_path_factory.mktemp("merged") / "repository"
    shutil.copytree(sample, folder, ignore=shutil.ignore_patterns(".git"))
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "apply", "-"], cwd=folder, input=patch, check=True)
    shutil.rmtree(folder / ".git")
    work_tree(folder)
    return folder
