"""For which refs a job runs."""

from __future__ import annotations

import pytest

from dockerfix.facts.gitlab.pipeline import ROOT, find_pipeline
from dockerfix.facts.gitlab.refs import (
    named_branches,
    never_on_default_branch,
    only_for_tags,
    only_on_default_branch,
)
from dockerfix.text import Snapshot

DEFAULT = "rules: [{if: '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH'}]"
OTHERS = "rules: [{if: '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH', when: never}, {when: always}]"
TAGS = "rules: [{if: $CI_COMMIT_TAG}]"
REQUESTS = "rules: [{if: '$CI_PIPELINE_SOURCE == \"merge_request_event\"'}]"
CHANGES = "rules: [{changes: [src/**/*]}]"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("", (False, False, False)),
        (CHANGES, (False, False, False)),
        (DEFAULT, (True, False, False)),
        ("rules: [{if: '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH', changes: [a]}]",
         (True, False, False)),
        (OTHERS, (False, True, False)),
        (REQUESTS, (False, True, False)),
        (TAGS, (False, True, True)),
        ("only: [tags]", (False, True, True)),
        ("only: [main]", (False, False, False)),
        ("rules: [{if: '$DEPLOY == \"yes\"'}]", (False, False, False)),
    ],
)  # fmt: skip
def test_for_which_refs(rules: str, expected: tuple[bool, bool, bool]) -> None:
    text = f"job:\n  script: [a]\n  {rules}\n"
    pipeline = find_pipeline(Snapshot.of({ROOT: text.encode()}))
    assert pipeline is not None
    job = pipeline.jobs["job"]
    found = (
        only_on_default_branch(pipeline, job),
        never_on_default_branch(pipeline, job),
        only_for_tags(pipeline, job),
    )
    assert found == expected


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("", None),
        (CHANGES, None),
        (REQUESTS, None),
        (OTHERS, None),
        (DEFAULT, {"$CI_DEFAULT_BRANCH"}),
        (TAGS, set()),
        ("only: [main, tags]", {"'main'"}),
        ("rules: [{if: '$CI_COMMIT_BRANCH == \"main\"'}, {if: $CI_COMMIT_TAG}]", {"'main'"}),
        ("rules: [{if: '$CI_COMMIT_BRANCH == \"a\" || $CI_COMMIT_BRANCH == \"b\"'}]",
         {"'a'", "'b'"}),
    ],
)  # fmt: skip
def test_the_branches_that_rules_name(rules: str, expected: set[str] | None) -> None:
    text = f"job:\n  script: [a]\n  {rules}\n"
    pipeline = find_pipeline(Snapshot.of({ROOT: text.encode()}))
    assert pipeline is not None
    assert named_branches(pipeline, pipeline.jobs["job"]) == expected
