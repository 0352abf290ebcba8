"""Ten ways in which merges by hand went wrong, tried on the sample: a claim must catch each.

The other modules break one thing for one claim; here the claims of a whole merge are checked
together, and the test says which of them see the fault.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.claims import (
    ArtefactProduced,
    Claim,
    Image,
    NoDanglingReference,
    PipelineValid,
    SameCompilerInput,
    SameImagesAskedFor,
    SameRuntime,
)

RULES = frozenset(
    {"united-packages", "prepare-widened", "cook-widened", "build-widened", "tools-later"}
)
OLD_JOBS = ("build / server", "build / authz-worker", "build / synchronizer")


def claims(stands_for: tuple[tuple[Image, Image], ...]) -> list[Claim]:
    found: list[Claim] = []
    for old, new in stands_for:
        found += [
            SameRuntime(old, new, RULES),
            SameCompilerInput(old, new),
            ArtefactProduced(new),
        ]
    files = tuple(dict.fromkeys(old.dockerfile for old, _ in stands_for))
    return [
        *found,
        SameImagesAskedFor(stands_for),
        NoDanglingReference(files, OLD_JOBS),
        PipelineValid(
            ".gitlab-ci.yml",
            frozenset(OLD_JOBS),
            frozenset({"build / controlplane-all"}),
            frozenset(
                {
                    "build / release",
                    "code-style / controlplane",
                    "unit-tests / controlplane",
                    "system-tests",
                }
            ),
        ),
    ]


def caught_by(stands_for: tuple[tuple[Image, Image], ...], before: Facts, after: Facts) -> set[str]:
    return {
        type(claim).__name__
        for claim in claims(stands_for)
        if not check(claim, before, after).holds
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
                " --target server-development --tag $CI_REGISTRY_IMAGE/server:$CI_COMMIT_REF_SLUG"
                " --target authz-worker-development"
                " --tag $CI_REGISTRY_IMAGE/authz-worker:$CI_COMMIT_REF_SLUG"
                " --target synchronizer-development"
                " --tag $CI_REGISTRY_IMAGE/synchronizer:$CI_COMMIT_REF_SLUG controlplane\n",
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
        {"NoDanglingReference", "PipelineValid"},
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
        {"PipelineValid"},
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
    path, pairs, claims_that_see_it = MUTATIONS[name]
    assert caught_by(stands_for, before, mutated(path, *pairs)) >= claims_that_see_it
