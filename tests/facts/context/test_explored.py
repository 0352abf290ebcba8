"""Which builds a path means, and which build makes an image."""

from __future__ import annotations

import pytest

from dockerfix.facts.context.explored import questions
from dockerfix.facts.image_ref import without_tag
from dockerfix.facts.images.makers import find_maker
from dockerfix.facts.repository import Facts
from dockerfix.text import Snapshot

TREE = {
    "web/Dockerfile": "FROM x AS development\nFROM x AS release\n",
    "web/Dockerfile.tool": "FROM x\n",
    "sdk/Dockerfile": "FROM x AS only\n",
    "lonely/Dockerfile": "FROM x AS a\nFROM x\n",
    ".gitlab-ci.yml": """\
sdk:
  script: docker build --push -t $CI_REGISTRY_IMAGE/sdk:$CI_COMMIT_REF_SLUG sdk
web:
  script:
    - docker build -f web/Dockerfile --target release --build-arg V=1 -t web:release .
    - docker build -f web/Dockerfile --target release -t web:again .
""",
    "compose.yaml": """\
services:
  web:
    image: web:dev
    build: {context: ., dockerfile: web/Dockerfile, target: "${TARGET:-development}"}
""",
    "doc/Dockerfile": "FROM x\n",
    "README.md": "```sh\ndocker build web\ndocker build --file doc/Dockerfile .\n```\n",
}


@pytest.fixture
def facts() -> Facts:
    return Facts(Snapshot.of(TREE))


def asked(facts: Facts, path: str, target: str = "") -> list[tuple[str, str, str, int]]:
    found = questions(facts, path, target)
    return [(q.given.dockerfile, q.given.context, q.given.target, len(q.asked_by)) for q in found]


def test_a_folder_means_its_dockerfiles_and_the_builds_it_is_the_context_of(facts: Facts) -> None:
    assert asked(facts, "web") == [
        ("web/Dockerfile", "", "development", 1),
        ("web/Dockerfile", "", "release", 2),
        ("web/Dockerfile", "web", "", 1),
        ("web/Dockerfile.tool", "web", "", 0),
    ]
    assert asked(facts, "") == [("doc/Dockerfile", "", "", 1), *asked(facts, "web")[:2]]
    assert asked(facts, "doc") == [("doc/Dockerfile", "", "", 1)]


def test_a_dockerfile_and_a_target(facts: Facts) -> None:
    assert asked(facts, "sdk/Dockerfile") == [("sdk/Dockerfile", "sdk", "", 1)]
    assert asked(facts, "lonely/Dockerfile") == [("lonely/Dockerfile", "lonely", "", 0)]
    assert asked(facts, "lonely", "a") == [("lonely/Dockerfile", "lonely", "a", 0)]
    assert asked(facts, "web", "release")[0] == ("web/Dockerfile", "", "release", 3)
    assert asked(facts, "web", "none") == []
    assert asked(facts, "nowhere") == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("${CI_REGISTRY_IMAGE}/sdk:${CI_COMMIT_REF_SLUG}", "sdk/Dockerfile"),
        ("${CI_REGISTRY_IMAGE}/sdk:main", "sdk/Dockerfile"),
        ("docker-image://web:release", "web/Dockerfile"),
        ("service:web", "web/Dockerfile"),
        ("web:other", None),  # two targets are called so
        ("node:22", None),
        ("service:none", None),
    ],
)
def test_makers(facts: Facts, name: str, expected: str | None) -> None:
    build = find_maker(facts.builds.builds, name)
    assert (build.dockerfile if build is not None else None) == expected


@pytest.mark.parametrize(
    ("image", "bare"),
    [
        ("a", "a"),
        ("a:1", "a"),
        ("host:5000/a", "host:5000/a"),
        ("host:5000/a:1", "host:5000/a"),
        ("a@sha256:0", "a"),
        ("${R:-x/y}/a:${T:-b}", "${R:-x/y}/a"),
        ("a${T:-b}", "a${T:-b}"),
    ],
)
def test_without_tag(image: str, bare: str) -> None:
    assert without_tag(image) == bare
