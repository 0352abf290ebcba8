"""*Cache refs*: what a build may read and write otherwise, and what it may not."""

from __future__ import annotations

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Permit, Verdict
from dockerfix.proof.pipeline.cache_change import CacheChange, changes_caches
from dockerfix.text import Snapshot

CI = ".gitlab-ci.yml"
OLD = "type=registry,ref=${CI_REGISTRY_IMAGE}/a:buildcache"
SLUG = "${CI_COMMIT_REF_SLUG}"
NEW = f"{OLD}-{SLUG}"


def facts(*options: str, more: str = "") -> Facts:
    """A pipeline with one build."""
    words = " ".join(f'"{option}"' if "=" in option else option for option in options)
    text = f"a:\n  script:\n    - docker buildx build {words} --push -t a:1 .\n{more}"
    return Facts(Snapshot.of({CI: text.encode(), "Dockerfile": b"FROM a\n"}))


BEFORE = facts("--cache-from", OLD, "--cache-to", f"{OLD},mode=max")


def permits(sources: str, exports: str) -> tuple[Permit, ...]:
    return (
        Permit("cache-ref", "a", CI, "cache-from", OLD, sources),
        Permit("cache-ref", "a", CI, "cache-to", f"{OLD},mode=max", exports),
    )


def verdict(after: Facts, sources: str = NEW, exports: str = f"{NEW},mode=max") -> Verdict:
    return CacheChange(permits(sources, exports)).check(BEFORE, after)


def test_a_ref_for_each_branch_holds() -> None:
    found = verdict(facts("--cache-from", NEW, "--cache-to", f"{NEW},mode=max"))
    assert found.failures == ()
    assert [line.split(":")[0] for line in found.differences] == ["cache-ref", "cache-ref"]


def test_the_default_branch_counts_as_written() -> None:
    default = f"{OLD}-${{CI_DEFAULT_BRANCH}}"
    after = facts("--cache-from", default, "--cache-to", f"{NEW},mode=max")
    assert verdict(after, sources=default).failures == ()


def test_nothing_is_owed_where_no_cache_changes() -> None:
    assert not changes_caches(BEFORE, BEFORE)
    assert changes_caches(BEFORE, facts("--cache-from", OLD))


SECOND = f'b:\n  script:\n    - docker buildx build --cache-to "{NEW}" --target b --push -t b:1 .\n'


@pytest.mark.parametrize(
    ("after", "sources", "exports", "message"),
    [
        (facts("--cache-from", NEW, "--cache-to", f"{NEW},mode=max"), OLD, NEW, "it is"),
        (facts("--cache-from", NEW, "--cache-to", f"{NEW},mode=max", "--no-cache"),
         NEW, f"{NEW},mode=max", "more than the caches"),
        (facts("--cache-from", f"{OLD}2", "--cache-to", f"{NEW},mode=max"),
         f"{OLD}2", f"{NEW},mode=max", "nothing writes the cache"),
        (facts("--cache-from", f"{OLD}2", "--cache-to", f"{OLD}2"),
         f"{OLD}2", f"{OLD}2", "the same for all branches"),
        (facts("--cache-from", NEW, "--cache-to", f"{NEW},mode=max", more=SECOND),
         NEW, f"{NEW},mode=max", "gets 2 writers"),
    ],
)  # fmt: skip
def test_faults_are_caught(after: Facts, sources: str, exports: str, message: str) -> None:
    failures = verdict(after, sources, exports).failures
    assert any(message in line for line in failures), failures
