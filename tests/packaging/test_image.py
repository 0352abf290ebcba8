"""Our own image, built from this repository and used as the README says."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.lab import Lab
from runner.machine import Machine
from runner.python_image import write_python_image

from dockerfix import __version__

pytestmark = pytest.mark.engine

TOP = Path(__file__).parents[2]
MOST = 70_000_000
"""Bytes that we may add to the official image, which has 47 MB: together they stay below 120."""


@pytest.fixture(scope="module")
def docker(lab: Lab) -> Machine:
    return Machine(lab.env())


@pytest.fixture(scope="module")
def image(docker: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The tag of our image on a stand-in for Python's; both are gone afterwards."""
    base, tag = (f"dockerfix-test-{os.getpid()}:{name}" for name in ("base", "own"))
    folder = tmp_path_factory.mktemp("python")
    write_python_image(folder, "alpine:3.23")
    build = ("buildx", "build", "--builder", "default", "--provenance=false")
    try:
        docker.docker(*build, "--tag", base, str(folder))
        asked = (TOP / "Dockerfile").read_text(encoding="utf-8").partition("FROM ")[2].split()[0]
        context = f"{asked}=docker-image://{base}"
        words = ("--network", "host", "--build-context", context, "--tag", tag)
        docker.docker(*build, *words, str(TOP))
        yield tag
    finally:
        docker.docker("image", "rm", "--force", base, tag, check=False)


def test_the_image_says_who_it_is(docker: Machine, image: str) -> None:
    assert docker.docker("run", "--rm", image, "--version").out == f"dockerfix {__version__}\n"
    assert "dockerfix check" in docker.docker("run", "--rm", image).out


def test_the_image_checks_a_mounted_repository(docker: Machine, image: str, tmp_path: Path) -> None:
    sample = shutil.copytree(TOP / "sample-repo", tmp_path / "sample")
    os.chmod(tmp_path, 0o755)  # noqa: PTH101
    mount = f"{sample}:/work:ro"
    run = ("run", "--rm", "--network", "none", "--volume", mount, image)
    done = docker.docker(*run, "check", "--only", "merge-rust", "--format", "json", check=False)
    assert done.code == 1, done.err
    assert json.loads(done.out)


def test_the_image_is_small_and_runs_as_nobody(docker: Machine, image: str) -> None:
    (inspected,) = json.loads(docker.docker("image", "inspect", image).out)
    user, _, group = inspected["Config"]["User"].partition(":")
    assert int(user) > 0 and int(group) > 0
    measure = ("run", "--rm", "--entrypoint", "du", image, "-sb", "/opt/dockerfix")
    added = int(docker.docker(*measure).out.split()[0])
    assert 5_000_000 < added < MOST
