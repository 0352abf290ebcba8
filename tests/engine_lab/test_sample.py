"""The sample's own Dockerfiles, unchanged, built in the lab for real."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from lab.builder import Builder
from lab.lab import Lab
from lab.pins import read_pins

pytestmark = pytest.mark.engine

SAMPLE = Path(__file__).parents[2] / "sample-repo"
WORKSPACE = SAMPLE / "controlplane"


def docker(lab: Lab, *words: str) -> str:
    """Run docker in the lab, which must succeed; gives stdout and stderr."""
    done = subprocess.run(
        ["docker", *words],
        env=lab.env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def test_cargo_images_build(lab: Lab, registry: str, cold_builder: Callable[..., Builder]) -> None:
    builder = cold_builder().name
    compiled = {}
    for name, file in {
        "server": "Dockerfile",
        "authz-worker": "Dockerfile.authz-worker",
        "synchronizer": "Dockerfile.synchronizer",
    }.items():
        command = ["buildx", "build", "--builder", builder, "--progress=plain"]
        command += ["--file", str(WORKSPACE / file), "--provenance=false", str(WORKSPACE)]
        said = docker(lab, *command, "--target", "development")
        compiled[name] = len(re.findall(r" Compiling (\S+ v\S+)", said))
        if name != "authz-worker":
            continue
        image = f"{registry}/{name}:release"
        docker(lab, *command, "--target", "release", "--tag", image, "--push")
        version = docker(lab, "run", "--rm", "--quiet", image, name, "--version")
        assert version.splitlines()[-1].startswith(f"{name} ")
        config = docker(lab, "image", "inspect", image, "--format", "{{.Config.User}}")
        assert config.strip() == "nobody"
        docker(lab, "image", "rm", image)
    # Far less than that is cargo-chef's and shellharden's own compilation, or an empty cook.
    assert all(20 < count < 100 for count in compiled.values()), compiled


def test_console_builds_with_npm_and_its_files_are_served(lab: Lab, registry: str) -> None:
    image = f"{registry}/console:release"
    builder = ["--builder", "lab"] if (lab.programs / "buildkitd").exists() else []
    command = ["buildx", "build", *builder, "--target", "release", "--provenance=false"]
    docker(
        lab, *command, "--push", "--tag", image, "-f", f"{SAMPLE}/console/Dockerfile", str(SAMPLE)
    )
    listed = docker(lab, "run", "--rm", "--quiet", image, "ls", "/usr/share/nginx/html")
    assert "index.html" in listed.split()
    assert "syntax is ok" in docker(lab, "run", "--rm", "--quiet", image, "nginx", "-t")
    docker(lab, "image", "rm", image)


def test_compose_builds_services_of_the_sample(lab: Lab) -> None:
    compose = ["compose", "--file", str(SAMPLE / "docker-compose.yml")]
    docker(lab, *compose, "build", "node-sdk", "system-tests")
    for image in ("sample-repo-node-sdk:latest", "system-tests:latest-development"):
        docker(lab, "image", "rm", image)


def test_cargo_chef_can_be_installed_for_real(
    cold_builder: Callable[..., Builder], lab: Lab, tmp_path: Path
) -> None:
    version = read_pins().crates["cargo-chef"]
    (tmp_path / "Dockerfile").write_text(
        "FROM rust:1.90-alpine\n"
        "RUN rm /usr/local/cargo/bin/cargo-chef /usr/local/cargo/.crates*\n"
        f"RUN cargo install cargo-chef --locked --version {version}\n"
        "RUN cargo chef --version\n"
    )
    builder = cold_builder().name
    said = docker(lab, "buildx", "build", "--builder", builder, "--progress=plain", str(tmp_path))
    assert f"Installed package `cargo-chef v{version}`" in said
