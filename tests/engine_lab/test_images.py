"""The stand-ins, as Dockerfiles see them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from lab.builder import Builder
from lab.lab import Lab
from lab.pins import read_pins

pytestmark = pytest.mark.engine

CRATE = """\
# syntax=docker/dockerfile:1
FROM rust:1.90-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /hello
RUN cargo init --name hello && cargo add itoa@1.0.15
RUN printf 'fn main() { println!("{}", itoa::Buffer::new().format(42u8)) }' > src/main.rs
RUN cargo build --release
FROM alpine:3.23
COPY --from=build /hello/target/release/hello /usr/local/bin/hello
USER nobody
CMD ["hello"]
"""


def docker(lab: Lab, *words: str, fails: bool = False) -> str:
    """Run docker in the lab; gives stdout and stderr, and checks how it ended."""
    done = subprocess.run(
        ["docker", *words],
        env=lab.env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert (done.returncode != 0) is fails, done.stdout
    return done.stdout


def test_daemon_keeps_images_in_containerds_store(lab: Lab) -> None:
    if lab.foreign:
        pytest.skip("an engine that was there is used as it is")
    assert "io.containerd.snapshotter" in docker(lab, "info", "--format", "{{.DriverStatus}}")
    assert docker(lab, "version", "--format", "{{.Server.Version}}").startswith(read_pins().docker)


def test_alpine_runs_and_says_what_it_is(lab: Lab) -> None:
    shown = docker(lab, "run", "--rm", "alpine:3.23", "cat", "/etc/os-release")
    assert lab.foreign or "stand-in" in shown


def test_apk_adds_what_the_list_knows(lab: Lab) -> None:
    script = "test ! -e /usr/share/zoneinfo/Europe && apk add --no-cache tzdata ca-certificates"
    script += " && test -f /usr/share/zoneinfo/Europe/Berlin"
    docker(lab, "run", "--rm", "alpine:3.23", "sh", "-c", script)


def test_apk_refuses_a_package_it_does_not_know_and_adds_none(lab: Lab) -> None:
    script = "apk add tzdata no-such-package; code=$?; test ! -e /usr/share/zoneinfo && exit $code"
    said = docker(lab, "run", "--rm", "alpine:3.23", "sh", "-c", script, fails=True)
    assert "no-such-package (no such package)" in said


def test_node_installs_nothing_by_itself_and_runs(lab: Lab) -> None:
    command = ["sh", "-c", "node -p 1+1 && npm --version"]
    assert docker(lab, "run", "--rm", "node:22-alpine", *command).splitlines()[-2] == "2"


def test_nginx_accepts_its_own_settings(lab: Lab) -> None:
    assert "syntax is ok" in docker(lab, "run", "--rm", "nginx:1.27-alpine", "nginx", "-t")


def test_cold_builder_compiles_a_crate_and_exports_its_cache(
    lab: Lab, registry: str, cold_builder: Callable[..., Builder], tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(CRATE)
    image, cache = f"{registry}/hello:1", f"type=registry,ref={registry}/hello:buildcache"
    common = ["buildx", "build", "--progress=plain", "--provenance=false", "--push", "-t", image]

    first = cold_builder().name
    said = docker(
        lab, *common, "--builder", first, "--cache-to", f"{cache},mode=max", str(tmp_path)
    )
    assert "Compiling itoa" in said
    assert docker(lab, "run", "--rm", "--quiet", image).splitlines()[-1] == "42"
    docker(lab, "image", "rm", image)

    second = cold_builder().name
    said = docker(lab, *common, "--builder", second, "--cache-from", cache, str(tmp_path))
    assert "Compiling itoa" not in said
    assert "CACHED" in said


def test_cold_builder_has_nothing_of_an_earlier_build(
    lab: Lab, cold_builder: Callable[..., Builder], tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM alpine:3.23\nRUN echo made anew\n")
    for _ in range(2):
        builder = cold_builder().name
        said = docker(
            lab, "buildx", "build", "--progress=plain", "--builder", builder, str(tmp_path)
        )
        assert "CACHED" not in said


def test_builder_with_a_small_disk_runs_full(
    lab: Lab, cold_builder: Callable[..., Builder], tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM alpine:3.23\nRUN dd if=/dev/zero of=/big bs=1M count=90\n"
    )
    builder = cold_builder(disk_mib=80).name
    said = docker(lab, "buildx", "build", "--builder", builder, str(tmp_path), fails=True)
    assert "no space left on device" in said.lower()


def test_build_checks_work(lab: Lab, cold_builder: Callable[..., Builder], tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM alpine:3.23 as a\nRUN true\n")
    builder = cold_builder().name
    said = docker(
        lab, "buildx", "build", "--builder", builder, "--check", str(tmp_path), fails=True
    )
    assert "FromAsCasing" in said
