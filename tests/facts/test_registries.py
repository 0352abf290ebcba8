"""The registry of an image, and the registries that a pipeline pushes to."""

from __future__ import annotations

import pytest

from dockerfix.facts.images.registries import pushed_registries, registry_of, repository_of
from dockerfix.facts.repository import Facts
from dockerfix.text import Snapshot


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("alpine", "docker.io"),
        ("alpine:3.23", "docker.io"),
        ("node:${VERSION}", "docker.io"),
        ("acme/app@sha256:0", "docker.io"),
        ("index.docker.io/acme/app", "docker.io"),
        ("registry-1.docker.io/library/alpine", "docker.io"),
        ("quay.io/acme/app:1", "quay.io"),
        ("localhost/app", "localhost"),
        ("mirror:5000/app", "mirror:5000"),
        ("${CI_REGISTRY_IMAGE}:1", "${CI_REGISTRY_IMAGE}"),
        ("${CI_REGISTRY}/group/app:1", "${CI_REGISTRY}"),
        ("${IMAGE:-quay.io/acme/app}", "${IMAGE:-quay.io/acme/app}"),
    ],
)
def test_the_registry_of_an_image(image: str, registry: str) -> None:
    assert registry_of(image) == registry


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("alpine:3.23", "docker.io/library/alpine"),
        ("docker.io/alpine", "docker.io/library/alpine"),
        ("index.docker.io/acme/app@sha256:0", "docker.io/acme/app"),
        ("quay.io:443/acme/app:1", "quay.io:443/acme/app"),
        ("${CI_REGISTRY_IMAGE}/app:1", "${CI_REGISTRY_IMAGE}/app"),
    ],
)
def test_one_spelling_for_each_repository(image: str, repository: str) -> None:
    assert repository_of(image) == repository


def test_the_registries_that_jobs_push_to() -> None:
    script = """\
    build:
      script:
        - docker build --tag quay.io/acme/app:1 .
        - docker tag quay.io/acme/app:1 ghcr.io/acme/app:1
        - docker push ghcr.io/acme/app:1
        - docker buildx build --tag acme/app --cache-to type=registry,ref=$CI_REGISTRY/c --push .
    """
    facts = Facts(Snapshot.of({".gitlab-ci.yml": script, "Dockerfile": "FROM gcr.io/base"}))
    assert pushed_registries(facts) == {"quay.io", "ghcr.io", "${CI_REGISTRY}"}
