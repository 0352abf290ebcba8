"""The sample repository, and the same after a merge that was made by hand.

The merged Dockerfile and the bake file stand in `cases/merged`; the other files are edited
here, each replacement checked. No transform has a part in it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Image, Permit
from dockerfix.text import Snapshot

_SAMPLE = Path(__file__).parents[2] / "sample-repo"
_MERGED = Path(__file__).parent / "cases" / "merged"
_GENERATED = {"node_modules", "target", "dist"}

Change = Callable[[dict[str, str | None]], None]


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """`text` after replacements, each of which must find its text."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="session")
def sample() -> dict[str, bytes]:
    """The sample repository's files."""
    return {
        path.relative_to(_SAMPLE).as_posix(): path.read_bytes()
        for path in sorted(_SAMPLE.rglob("*"))
        if path.is_file() and not _GENERATED.intersection(path.parts)
    }


@pytest.fixture(scope="session")
def by_hand(sample: dict[str, bytes]) -> dict[str, str | None]:
    """What the merge by hand writes (text) and deletes (None)."""
    return {
        "controlplane/Dockerfile": None,
        "controlplane/Dockerfile.authz-worker": None,
        "controlplane/Dockerfile.synchronizer": None,
        "controlplane/Dockerfile.all": (_MERGED / "Dockerfile.all").read_text(),
        "controlplane/docker-bake.hcl": (_MERGED / "docker-bake.hcl").read_text(),
        ".gitlab-ci.yml": _pipeline(sample[".gitlab-ci.yml"].decode()),
        "docker-compose.yml": _compose(sample["docker-compose.yml"].decode()),
        "README.md": _readme(sample["README.md"].decode()),
        "renovate.json": replaced(
            sample["renovate.json"].decode(),
            ("controlplane/Dockerfile", "controlplane/Dockerfile.all"),
        ),
    }


@pytest.fixture(scope="session")
def before(sample: dict[str, bytes]) -> Facts:
    """The facts before."""
    return Facts(Snapshot.of(sample))


@pytest.fixture(scope="session")
def after(before: Facts, by_hand: dict[str, str | None]) -> Facts:
    """The facts after the merge by hand."""
    return facts_after(before, by_hand)


@pytest.fixture
def mutated(before: Facts, by_hand: dict[str, str | None]) -> Callable[..., Facts]:
    """Facts after the merge by hand with one file broken: `mutated(path, (old, new), ...)`."""

    def make(path: str, *pairs: tuple[str, str]) -> Facts:
        text = by_hand[path]
        assert text is not None
        return facts_after(before, {**by_hand, path: replaced(text, *pairs)})

    return make


def facts_after(before: Facts, changes: dict[str, str | None]) -> Facts:
    """The facts of the snapshot with changes."""
    written = {path: None if text is None else text.encode() for path, text in changes.items()}
    return Facts(before.snapshot.with_changes(written))


SERVER = "controlplane/Dockerfile"
WORKER = "controlplane/Dockerfile.authz-worker"
SYNCHRONIZER = "controlplane/Dockerfile.synchronizer"
ALL = "controlplane/Dockerfile.all"

STANDS_FOR = tuple(
    (Image(path, target), Image(ALL, f"{name}-{target}" if target else name))
    for path, name in ((SERVER, "server"), (WORKER, "authz-worker"), (SYNCHRONIZER, "synchronizer"))
    for target in ("development", "release", "")
)


@pytest.fixture(scope="session")
def stands_for() -> tuple[tuple[Image, Image], ...]:
    """Each old image with the one that stands for it."""
    return STANDS_FOR


FILES = (SERVER, WORKER, SYNCHRONIZER)
JOBS = ("build / server", "build / authz-worker", "build / synchronizer")
JOINED = "build / controlplane-all"
USERS = ("code-style / controlplane", "unit-tests / controlplane")
MOVED = tuple((path, ALL) for path in FILES)
MERGE_PERMITS = (
    *(Permit("job-joined", name, ".gitlab-ci.yml", after=JOINED) for name in JOBS),
    Permit("job-added", JOINED, ".gitlab-ci.yml"),
    Permit("build-call", "build / release", ".gitlab-ci.yml", "script"),
    *(Permit("needs-followed", name, ".gitlab-ci.yml", "needs") for name in USERS),
)
"""What the merge by hand asks leave for in the pipeline."""


def _pipeline(text: str) -> str:
    start, end = text.index("build / server:\n"), text.index("build / node-sdk:\n")
    text = text[:start] + _JOB + text[end:]
    text = replaced(
        text,
        ("  needs:\n    - build / server\n", "  needs:\n    - build / controlplane-all\n"),
        (_NEEDS, "    - job: build / controlplane-all\n"),
        (
            '        local extra_args="${4:-}"\n',
            '        local extra_args="${4:-}"\n        local target="${5:-${TARGET}}"\n',
        ),
        ("--target ${TARGET} ", '--target "${target}" '),
        (
            'controlplane/Dockerfile "--label org.opencontainers.image.revision='
            '${CI_COMMIT_SHORT_SHA}"',
            'controlplane/Dockerfile.all "--label org.opencontainers.image.revision='
            '${CI_COMMIT_SHORT_SHA}" "server-${TARGET}"',
        ),
    )
    for name in ("authz-worker", "synchronizer"):
        old = f"controlplane controlplane/Dockerfile.{name}\n"
        new = f'controlplane controlplane/Dockerfile.all "" "{name}-${{TARGET}}"\n'
        text = replaced(text, (old, new))
    return text


_JOB = """\
build / controlplane-all:
  <<: *build
  rules:
    - changes:
        - controlplane/**/*
        - protocol/**/*
  script:
    # The development images: code style, unit tests and system tests run in them.
    - docker buildx bake --file controlplane/docker-bake.hcl --push

"""
_NEEDS = """\
    - job: build / server
    - job: build / authz-worker
    - job: build / synchronizer
"""


def _compose(text: str) -> str:
    text = replaced(
        text,
        (
            "      context: controlplane\n      target: ${TARGET:-development}\n",
            "      context: controlplane\n      dockerfile: Dockerfile.all\n"
            "      target: server-${TARGET:-development}\n",
        ),
    )
    for name in ("authz-worker", "synchronizer"):
        old = f"      dockerfile: Dockerfile.{name}\n      target: ${{TARGET:-development}}\n"
        new = f"      dockerfile: Dockerfile.all\n      target: {name}-${{TARGET:-development}}\n"
        text = replaced(text, (old, new))
    return text


def _readme(text: str) -> str:
    return replaced(
        text,
        (
            "docker build --target development --tag server:development",
            "docker build --file controlplane/Dockerfile.all --target server-development "
            "--tag server:development",
        ),
        (
            "--file controlplane/Dockerfile.authz-worker \\\n  --target release",
            "--file controlplane/Dockerfile.all \\\n  --target authz-worker-release",
        ),
    )
