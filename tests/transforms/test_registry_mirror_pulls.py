"""What jobs pull and by whom, how a builder is read, and where a mirror's address comes from."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dockerfix.api import CommandReader, Facts, Place, Snapshot, Source, Span
from dockerfix.engine.plan import Planned
from dockerfix.testing.pipeline import run_transform
from dockerfix_transforms.gitlab.registry_mirror import RegistryMirror
from dockerfix_transforms.gitlab.registry_mirror.builders import config_option, read_builder
from dockerfix_transforms.gitlab.registry_mirror.mirrors import (
    MirrorError,
    label,
    mirrors_for,
    read_mirrors,
)
from dockerfix_transforms.gitlab.registry_mirror.pulls import JobPulls, Reader, pulls_of

HERE: Place = Source("a", b"").place(Span(0, 0))


def job_pulls(ci: str, files: Mapping[str, str] | None = None) -> JobPulls:
    facts = Facts(Snapshot.of({".gitlab-ci.yml": ci, **(files or {})}))
    pipeline = facts.read_pipeline()
    assert pipeline is not None
    return pulls_of(facts, CommandReader(facts.snapshot, pipeline), pipeline.jobs["job"])


def images(found: JobPulls, reader: Reader) -> list[str]:
    return [pull.image for pull in found.by(reader)]


@pytest.mark.parametrize(
    ("command", "image"),
    [
        ("docker run alpine:3.23 ls", "alpine:3.23"),
        ("docker run -it --rm alpine:3.23 -c x", "alpine:3.23"),
        ("docker run -v a:/b -e A=b --network host alpine:3.23", "alpine:3.23"),
        ("docker run -itv a:/b --env=A=b -p80:80 alpine:3.23", "alpine:3.23"),
        ("docker run -a stdout alpine:3.23", "alpine:3.23"),
        ("docker container run --privileged alpine:3.23", "alpine:3.23"),
        ("docker create --name x alpine:3.23", "alpine:3.23"),
        ("docker pull -a alpine", "alpine"),
        ("docker pull --platform linux/arm64 --quiet alpine:3.23", "alpine:3.23"),
    ],
)
def test_the_image_of_a_command(command: str, image: str) -> None:
    found = job_pulls(f"job:\n  script:\n    - {command}\n")
    assert images(found, Reader.DOCKERD) == [image]


@pytest.mark.parametrize("command", ["docker ps -a", "docker exec x sh", "docker run", "echo a"])
def test_commands_that_pull_nothing(command: str) -> None:
    assert job_pulls(f"job:\n  script:\n    - {command}\n").pulls == ()


DOCKERFILE = """\
# syntax=docker/dockerfile:1
ARG NODE=20
ARG BASE
ARG REGISTRY
FROM node:${NODE} AS build
RUN --mount=from=golang:1,target=/go true
FROM $BASE AS base
FROM ${REGISTRY}/tools:1 AS tools
FROM scratch AS unused
FROM build AS test
FROM named AS other
COPY --from=busybox /bin/sh /sh
COPY --from=build /a /b
FROM nginx AS release
COPY --from=other / /
COPY --from=tools / /
"""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--target build", ["docker/dockerfile:1", "node:20", "golang:1"]),
        ("--target build --build-arg NODE=22", ["docker/dockerfile:1", "node:22", "golang:1"]),
        ("--target base --build-arg BASE=quay.io/a/b:1", ["docker/dockerfile:1", "quay.io/a/b:1"]),
        ("--target unused", ["docker/dockerfile:1"]),
        (
            "--build-context named=docker-image://ghcr.io/a/b:2",
            [
                "ghcr.io/a/b:2", "docker/dockerfile:1", "node:20", "golang:1",
                "${REGISTRY}/tools:1", "busybox", "nginx",
            ],
        ),
    ],
)  # fmt: skip
def test_the_images_of_a_build(options: str, expected: list[str]) -> None:
    lines = f"    - docker buildx create --use\n    - docker buildx build {options} --tag a .\n"
    found = job_pulls(f"job:\n  script:\n{lines}", {"Dockerfile": DOCKERFILE})
    assert images(found, Reader.BUILDKIT) == expected
    assert images(found, Reader.DOCKERD) == ["moby/buildkit:buildx-stable-1"]


def test_who_pulls_is_told_by_the_tool_and_by_the_builder() -> None:
    files = {"Dockerfile": "FROM alpine:3.23"}
    cases = {
        "docker build .": Reader.DOCKERD,
        "docker buildx build .": Reader.DOCKERD,
        "/kaniko/executor --context .": Reader.KANIKO,
        "buildah bud .": Reader.PODMAN,
        "podman build .": Reader.PODMAN,
    }
    for command, reader in cases.items():
        found = job_pulls(f"job:\n  script:\n    - {command}\n", files)
        assert [(p.image, p.reader) for p in found.pulls] == [("alpine:3.23", reader)], command


def test_a_builder_in_the_cluster_is_an_image_of_the_node() -> None:
    create = "docker buildx create --driver kubernetes --driver-opt image=moby/buildkit:v0.20.0"
    found = job_pulls(f"job:\n  image: docker:28\n  script:\n    - {create}\n")
    assert images(found, Reader.NODE) == ["docker:28", "moby/buildkit:v0.20.0"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("docker buildx create", ("docker-container", "", "")),
        ("docker buildx create --use --driver=kubernetes", ("kubernetes", "", "")),
        ("docker buildx create --config a.toml tls", ("docker-container", "a.toml", "tls")),
        ("docker buildx create --buildkitd-config=a", ("docker-container", "a", "")),
        ("docker buildx create --driver remote tcp://x:1", ("remote", "", "tcp://x:1")),
        ("docker buildx create --append --name n $HOST", ("docker-container", "", "$HOST")),
    ],
)
def test_a_builder_by_its_words(command: str, expected: tuple[str, str, str]) -> None:
    found = read_builder(command.split(), HERE)
    assert found is not None
    assert (found.driver, found.file, found.endpoint) == expected
    assert read_builder(command.replace("create", "inspect").split(), HERE) is None


def test_a_builder_with_flags_that_name_a_file_has_its_own() -> None:
    words = ["docker", "buildx", "create", "--buildkitd-flags", "--config /etc/b.toml"]
    found = read_builder(words, HERE)
    assert found is not None and found.file


@pytest.mark.parametrize(
    ("image", "option"),
    [
        ("docker:28-cli", "--buildkitd-config"),
        ("docker:26.1.0-dind", "--buildkitd-config"),
        ("docker.io/library/docker:latest", "--buildkitd-config"),
        ("docker", "--buildkitd-config"),
        ("docker:25-cli", "--config"),
        ("docker:stable", "--config"),
        ("docker:$VERSION", "--config"),
        ("alpine:3.23", "--config"),
    ],
)
def test_the_options_name_by_the_version(image: str, option: str) -> None:
    job = job_pulls(f"job:\n  image: {image}\n  script: [a]\n").job
    old = job_pulls("job:\n  script: [a]\n").job
    assert config_option([job]) == option
    assert config_option([job, old]) == "--config"


def test_the_address_of_a_mirror() -> None:
    given = read_mirrors(["quay.io=https://hub.example.org/quay/", "ghcr.io=http://hub:5000"])
    mirrors = mirrors_for(["docker.io", "quay.io", "ghcr.io"], given, "ns")
    assert [(m.url, m.host, m.plain, m.is_given) for m in mirrors] == [
        ("http://docker-io.ns.svc:5000", "docker-io.ns.svc:5000", True, False),
        ("https://hub.example.org/quay", "hub.example.org", False, True),
        ("http://hub:5000", "hub:5000", True, True),
    ]
    assert mirrors[0].upstream == "https://registry-1.docker.io"


@pytest.mark.parametrize("written", ["docker.io", "=x", "docker.io=", "docker.io=ftp://x", "a=b?c"])
def test_what_is_no_mirror(written: str) -> None:
    with pytest.raises(MirrorError):
        read_mirrors([written])


def test_labels() -> None:
    assert label("docker.io") == "docker-io"
    assert label("registry.example.org:5443") == "registry-example-org-5443"
    assert label("127.example:1") == "registry-127-example-1"
    assert len(label("a" * 300)) <= 50


def test_the_newlines_of_the_file_stay() -> None:
    ci = "job:\n  before_script:\n    - docker buildx create\n  script:\n    - docker build .\n"
    files = {".gitlab-ci.yml": ci.replace("\n", "\r\n"), "Dockerfile": "FROM alpine"}
    outcome = run_transform(RegistryMirror(), Snapshot.of(files), [], {})
    assert isinstance(outcome, Planned)
    data = outcome.changes[".gitlab-ci.yml"]
    assert data is not None
    assert data.count(b"\n") == data.count(b"\r\n") == ci.count("\n") + 8
