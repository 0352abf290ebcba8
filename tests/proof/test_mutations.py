"""Ten ways in which merges by hand went wrong, tried on the sample: each must be caught.

The other modules break one thing for one obligation; here those of a whole merge are checked
together, and the test says which of them see the fault.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.asks.same_images_asked_for import SameImagesAskedFor
from dockerfix.proof.cargo.artefact_produced import ArtefactProduced
from dockerfix.proof.cargo.same_compiler_input import SameCompilerInput
from dockerfix.proof.image.same_runtime import SameRuntime
from dockerfix.proof.obligation import Image, Obligation
from dockerfix.proof.pipeline.pipeline_change import PipelineChange
from dockerfix.proof.references.no_dangling_reference import NoDanglingReference

from .conftest import MERGE_PERMITS, MOVED

RULES = frozenset(
    {"united-packages", "prepare-widened", "cook-widened", "build-widened", "tools-later"}
)
OLD_JOBS = ("build / server", "build / authz-worker", "build / synchronizer")


def obligations(stands_for: tuple[tuple[Image, Image], ...]) -> list[Obligation]:
    found: list[Obligation] = []
    for old, new in stands_for:
        found += [
            SameRuntime(old, new, RULES),
            SameCompilerInput(old, new),
            ArtefactProduced(new, old),
        ]
    files = tuple(dict.fromkeys(old.dockerfile for old, _ in stands_for))
    return [
        *found,
        SameImagesAskedFor(stands_for),
        NoDanglingReference(files, OLD_JOBS),
        PipelineChange(".gitlab-ci.yml", MERGE_PERMITS, MOVED),
    ]


def caught_by(stands_for: tuple[tuple[Image, Image], ...], before: Facts, after: Facts) -> set[str]:
    return {
        type(owed).__name__
        for owed in obligations(stands_for)
        if not check(owed, before, after).holds
    }


ALL = "controlplane/Dockerfile.all"
CI = ".gitlab-ci.yml"
MUTATIONS = {
    "USER dropped": (ALL, [("USER nobody\n", "")], {"SameRuntime"}),
    "two targets swapped": (
        ALL,
        [
            ("AS server-release", "AS other-release"),
            ("AS synchronizer-release", "AS server-release"),
            ("AS other-release", "AS synchronizer-release"),
        ],
        {"SameRuntime", "SameCompilerInput"},
    ),
    "base image changed": (
        ALL,
        [("alpine:3.23 AS authz-worker-release", "alpine:3.22 AS authz-worker-release")],
        {"SameRuntime"},
    ),
    "ENV dropped": (ALL, [("ENV SYNC_INTERVAL=30\n", "")], {"SameRuntime"}),
    "copied from the wrong stage": (
        ALL,
        [("--from=builder /app/target/release/server", "--from=base /app/target/release/server")],
        {"SameRuntime", "ArtefactProduced", "SameCompilerInput"},
    ),
    "a binary that is not selected": (
        ALL,
        [("build --release --bin server --bin authz-worker", "build --release --bin server")],
        {"SameRuntime", "ArtefactProduced", "SameCompilerInput"},
    ),
    "--target repeated": (
        CI,
        [
            (
                "    - docker buildx bake --file controlplane/docker-bake.hcl --push\n",
                "    - docker buildx build --push --file controlplane/Dockerfile.all"
                " --target server-development"
                " --tag $CI_REGISTRY_IMAGE/server:$CI_COMMIT_REF_SLUG-development"
                " --target authz-worker-development"
                " --tag $CI_REGISTRY_IMAGE/authz-worker:$CI_COMMIT_REF_SLUG-development"
                " --target synchronizer-development"
                " --tag $CI_REGISTRY_IMAGE/synchronizer:$CI_COMMIT_REF_SLUG-development"
                " controlplane\n",
            )
        ],
        {"SameImagesAskedFor"},
    ),
    "a tag pushed twice": (
        CI,
        [
            (
                "docker-bake.hcl --push\n",
                "docker-bake.hcl --push\n"
                "    - docker buildx bake --file controlplane/docker-bake.hcl --push server\n",
            )
        ],
        {"SameImagesAskedFor"},
    ),
    "needs of a removed job": (
        CI,
        [("    - build / controlplane-all\n", "    - build / server\n")],
        {"NoDanglingReference", "PipelineChange"},
    ),
    "cook instead of build": (
        ALL,
        [("RUN cargo build --release", "RUN cargo chef cook --release")],
        {"SameRuntime", "ArtefactProduced", "SameCompilerInput"},
    ),
    "Compose forgotten": (
        "docker-compose.yml",
        [
            ("      dockerfile: Dockerfile.all\n      target: server-", "      target: "),
        ],
        {"SameImagesAskedFor", "NoDanglingReference"},
    ),
    "rules that do not cover": (
        CI,
        [("        - controlplane/**/*\n        - protocol/**/*\n", "        - protocol/**/*\n")],
        {"PipelineChange"},
    ),
    "one binary over another": (
        ALL,
        [
            (
                "--bin synchronizer\n\n# server",
                "--bin synchronizer && cp target/release/synchronizer target/release/server\n\n"
                "# server",
            )
        ],
        {"SameCompilerInput"},
    ),
}


def test_the_merge_itself_holds(
    stands_for: tuple[tuple[Image, Image], ...], before: Facts, after: Facts
) -> None:
    assert caught_by(stands_for, before, after) == set()


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_fault_is_caught(
    name: str,
    stands_for: tuple[tuple[Image, Image], ...],
    before: Facts,
    mutated: Callable[..., Facts],
) -> None:
    path, pairs, seen_by = MUTATIONS[name]
    assert caught_by(stands_for, before, mutated(path, *pairs)) >= seen_by
