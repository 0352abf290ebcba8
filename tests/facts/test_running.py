"""How a job runs beside the one that stands for it, and what that one pushes elsewhere."""

from __future__ import annotations

import pytest

from dockerfix.facts.gitlab.pipeline import Pipeline, find_pipeline
from dockerfix.facts.gitlab.running import kind_without, pushes_again, runs_otherwise
from dockerfix.facts.images.pushes import pushed_tags
from dockerfix.facts.repository import Facts
from dockerfix.text import Snapshot

MAIN = "{if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH}"
REQUEST = "{if: $CI_PIPELINE_SOURCE == 'merge_request_event'}"
SCHEDULE = "{if: $CI_PIPELINE_SOURCE == 'schedule'}"


def pipeline(job: str, heir: str) -> Pipeline:
    """Two jobs with these bodies, in flow style."""
    found = find_pipeline(Snapshot.of({".gitlab-ci.yml": f"job: {job}\nheir: {heir}\n"}))
    assert found is not None
    return found


def rules(*listed: str) -> str:
    return f"{{rules: [{', '.join(listed)}]}}"


def otherwise(job: str, heir: str) -> str:
    whole = pipeline(job, heir)
    return runs_otherwise(whole, whole.jobs["job"], whole.jobs["heir"])


def anew(job: str, heir: str, tag: str) -> str:
    whole = pipeline(job, heir)
    return pushes_again(whole, whole.jobs["job"], whole.jobs["heir"], [tag])


class TestHowItRuns:
    @pytest.mark.parametrize(
        ("job", "heir"),
        [
            ("{script: a}", "{script: a}"),
            (rules("{if: $A}"), rules("{if: $B}", "{if: $A}")),
            (rules("{if: $A}"), "{script: a}"),
            (rules("{if: $A, when: on_success}"), rules("{if: $A}")),
            (rules("{if: $A, when: manual}"), rules("{if: $A, when: manual}")),
            (rules("{changes: [a], when: manual}"), rules("{changes: [a, b], when: manual}")),
            (
                rules("{if: $CI_COMMIT_TAG, when: manual}", "{if: $CI_COMMIT_BRANCH}"),
                rules("{if: $CI_COMMIT_BRANCH}", "{if: $CI_COMMIT_TAG, when: manual}"),
            ),
            ("{when: manual}", "{when: manual}"),
        ],
    )
    def test_as_before(self, job: str, heir: str) -> None:
        assert otherwise(job, heir) == ""

    @pytest.mark.parametrize(
        ("job", "heir", "words"),
        [
            (rules("{if: $A}"), rules("{if: $A, when: manual}"), "by itself and `heir` with `when"),
            (rules("{if: $A}"), rules("{if: $A, when: manual}", "{if: $A}"), "when: manual"),
            (rules("{if: $A}"), rules("{if: $A, allow_failure: true}"), "allow_failure: true"),
            (
                rules("{if: $A, variables: {X: 2}}"),
                rules("{if: $A, variables: {X: 1}}", "{if: $A, variables: {X: 2}}"),
                "variables",
            ),
            (
                rules("{if: $A, when: delayed, start_in: 1 hour}"),
                rules("{if: $A, when: delayed, start_in: 2 hours}"),
                "start_in: 2 hours",
            ),
            ("{when: manual}", rules("{if: $CI_COMMIT_BRANCH}"), "`job` runs with `when: manual`"),
            (
                rules("{if: $CI_COMMIT_BRANCH =~ /^rel/}"),
                rules("{if: $CI_COMMIT_BRANCH =~ /^release/, when: manual}", "{when: on_success}"),
                "when: manual",
            ),
            (
                rules("{if: $A}"),
                rules("{if: $A =~ $B, when: manual}", "{if: $A}"),
                "cannot be read",
            ),
        ],
    )
    def test_in_another_way(self, job: str, heir: str, words: str) -> None:
        assert words in otherwise(job, heir)

    def test_the_kind_of_pipeline_that_it_is_missing_from(self) -> None:
        whole = pipeline(rules(REQUEST), "{script: a}")
        assert "a merge request" in kind_without(whole, whole.jobs["job"], whole.jobs["heir"])
        whole = pipeline(rules("{changes: [a]}"), rules("{changes: [b]}"))
        assert kind_without(whole, whole.jobs["job"], whole.jobs["heir"]) == ""


class TestWhatItPushes:
    @pytest.mark.parametrize(
        ("job", "heir", "tag"),
        [
            (rules(MAIN), rules(MAIN), "r/a:latest"),
            (rules("{changes: [a]}"), rules("{changes: [a, b]}"), "r/a:latest"),
            (rules(MAIN), rules(MAIN, REQUEST), "r/a:${CI_COMMIT_SHA}"),
            (rules(MAIN), rules(MAIN, REQUEST), "r/a:${CI_COMMIT_REF_SLUG}"),
            (rules(MAIN), "{script: a}", "r/a:${CI_COMMIT_REF_SLUG}"),
            (rules(SCHEDULE), rules(SCHEDULE, MAIN), "r/a:${CI_COMMIT_SHORT_SHA}"),
        ],
    )
    def test_nothing_that_stood_for_others(self, job: str, heir: str, tag: str) -> None:
        assert anew(job, heir, tag) == ""

    @pytest.mark.parametrize(
        ("job", "heir", "tag", "where"),
        [
            (rules(MAIN), rules(MAIN, REQUEST), "r/a:latest", "a merge request"),
            (rules(MAIN), "{script: a}", "r/a", "a push to branch `feature`"),
            (rules(MAIN), rules(MAIN, REQUEST), "r/a:${UNKNOWN}", "a merge request"),
            (rules(SCHEDULE), rules(SCHEDULE, MAIN), "r/a:nightly", "a push to"),
            (rules(SCHEDULE), rules(SCHEDULE, MAIN), "r/a:${CI_COMMIT_REF_SLUG}", "a push to"),
            (rules("{if: $CI_COMMIT_TAG}"), "{script: a}", "r/a:${CI_COMMIT_TAG}", "a push to"),
            (rules(MAIN), rules(MAIN, "{if: $A =~ $B}"), "r/a:latest", "cannot be read"),
        ],
    )
    def test_what_only_others_pushed(self, job: str, heir: str, tag: str, where: str) -> None:
        assert where in anew(job, heir, tag)

    def test_every_command_that_pushes(self) -> None:
        script = """
job:
  script:
    - docker build -t r/a:1 --push .
    - docker push r/b
    - docker buildx imagetools create -t r/c:latest r/c:1
    - docker compose build --push web
    - docker build -t r/e .
"""
        compose = "services:\n  web: {build: ., image: r/d}\n  db: {build: ., image: r/f}\n"
        files = {".gitlab-ci.yml": script, "compose.yaml": compose, "Dockerfile": "FROM a\n"}
        facts = Facts(Snapshot.of(files))
        assert facts.pipeline is not None
        assert set(pushed_tags(facts, facts.pipeline.jobs["job"])) == {
            "r/a:1", "r/b", "r/c:latest", "r/d",
        }  # fmt: skip
