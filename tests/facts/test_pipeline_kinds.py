"""Which jobs each kind of pipeline holds: GitLab's documentation as a table.

"CI/CD YAML syntax, rules: changes": for new branch pipelines, or when there is no push event,
it always evaluates to true; tags, schedules and pipelines started by hand have none. With
`compare_to` it counts from there in all of them.
"""

from __future__ import annotations

import pytest

from dockerfix.facts.gitlab.kinds import KINDS, Held, held
from dockerfix.facts.gitlab.pipeline import Pipeline, find_pipeline
from dockerfix.facts.gitlab.presence import AlwaysThere, Missing, implies
from dockerfix.text import Snapshot


def pipeline(text: str) -> Pipeline:
    found = find_pipeline(Snapshot.of({".gitlab-ci.yml": text}))
    assert found is not None
    return found


MERGE_REQUESTS_ALONE = "workflow: {rules: [{if: $CI_MERGE_REQUEST_IID}]}"
SWITCHING = (
    "workflow: {rules: [{if: $CI_COMMIT_TAG, when: never}, {changes: [docs/*], when: never},"
    " {when: always}]}"
)

# One letter for each of KINDS, a README changed: + the job is there, - it is not, 0 there is
# no pipeline. push, first push, default branch, merge request, tag, schedule, by hand, API.
TABLE = [
    ("{script: a}", "", "+++-++++"),
    ("{script: a}", "workflow: {rules: [{when: always}]}", "++++++++"),
    ("{rules: [{changes: [src/**/*]}]}", "", "-+--++++"),
    ("{rules: [{changes: ['*.md']}]}", "", "++++++++"),
    ("{rules: [{changes: {paths: [src/*], compare_to: main}}]}", "", "--------"),
    ("{rules: [{changes: [src/*], when: never}, {when: on_success}]}", "", "+-++----"),
    ("{only: {changes: [src/**/*]}}", "", "-+--++++"),
    ("{only: {refs: [merge_requests], changes: ['*.md']}}", "", "---+----"),
    ("{only: [branches]}", "", "+++--+++"),
    ("{only: [tags]}", "", "----+---"),
    ("{only: [schedules, web]}", "", "-----++-"),
    ("{except: {changes: ['*.md']}}", "", "--------"),
    ("{rules: [{if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH}]}", "", "--+--+--"),
    ("{rules: [{if: '$CI_PIPELINE_SOURCE == \"schedule\"'}]}", "", "-----+--"),
    ("{rules: [{if: '$CI_PIPELINE_SOURCE =~ /^(web|api)$/'}]}", "", "------++"),
    ("{rules: [{exists: [Dockerfile]}]}", "", "++++++++"),
    ("{rules: [{exists: [absent/*]}]}", "", "--------"),
    ("{script: a}", MERGE_REQUESTS_ALONE, "000+0000"),
    ("{rules: [{changes: [src/*]}]}", SWITCHING, "-0--0000"),
]


@pytest.mark.parametrize(("job", "head", "expected"), TABLE)
def test_the_documentation(job: str, head: str, expected: str) -> None:
    whole = pipeline(f"{head}\njob: {job}\n")
    letters = ""
    for case in KINDS:
        found = held(whole, case, ["README.md"], ["Dockerfile"])
        letters += "0" if found is None else "+" if found.jobs else "-"
    assert letters == expected


def test_what_cannot_be_read_is_unknown() -> None:
    whole = pipeline("job: {rules: [{if: '$A =='}]}\nother: {rules: [{changes: ['$X/*']}]}")
    assert held(whole, KINDS[0], ["a"]) == Held(frozenset(), frozenset({"job", "other"}))


def implied(user: str, needed: str) -> AlwaysThere | Missing:
    whole = pipeline(f"user: {user}\nneeded: {needed}\n")
    found = implies(whole, whole.jobs["user"], whole.jobs["needed"])
    assert isinstance(found, AlwaysThere | Missing)
    return found


SOURCE = "{rules: [{if: '$CI_PIPELINE_SOURCE %s'}]}"


@pytest.mark.parametrize(
    ("user", "needed", "where"),
    [
        (SOURCE % "=~ /^web/", SOURCE % '== "push"', "a pipeline started by hand"),
        (SOURCE % '== "ondemand_dast_scan"', SOURCE % '== "push"', "of the source ondemand_dast"),
        (
            "{rules: [{if: '$CI_MERGE_REQUEST_TARGET_BRANCH_NAME == \"stable\"'}]}",
            "{rules: [{if: '$CI_MERGE_REQUEST_TARGET_BRANCH_NAME == \"main\"'}]}",
            "a merge request from the default branch into branch `stable`",
        ),
        (
            "{rules: [{if: '$CI_COMMIT_REF_SLUG == \"feature-x\"'}]}",
            "{rules: [{if: '$CI_COMMIT_REF_NAME == \"feature-x\"'}]}",
            "a push to the default branch",
        ),
        (
            "{rules: [{changes: {paths: [a/*], compare_to: main}}]}",
            "{rules: [{changes: {paths: [b/*], compare_to: main}}]}",
            "changes only `a/x`",
        ),
        ("{only: [tags]}", "{rules: [{changes: {paths: [b/*], compare_to: main}}]}", "tag"),
        (
            "{rules: [{if: '$CI_PIPELINE_SOURCE == \"parent_pipeline\"'}]}",
            "{rules: [{changes: [a/*]}]}",
            "a child pipeline",
        ),
        (
            "{only: [external_pull_requests]}",
            "{rules: [{changes: [a/*]}]}",
            "an external pull request",
        ),
    ],
)
def test_kinds_that_tell_two_jobs_apart(user: str, needed: str, where: str) -> None:
    found = implied(user, needed)
    assert isinstance(found, Missing)
    assert where in found.example


@pytest.mark.parametrize(
    ("user", "needed"),
    [
        # A tag has no list of changes, so that every `changes:` is true there.
        ("{only: [tags]}", "{rules: [{changes: [a/*]}]}"),
        ("{only: [schedules]}", "{rules: [{changes: [a/*]}]}"),
        # Only a merge request has a title.
        ("{rules: [{if: $CI_MERGE_REQUEST_TITLE}]}", "{rules: [{if: $CI_MERGE_REQUEST_IID}]}"),
    ],
)
def test_kinds_in_which_both_are_there(user: str, needed: str) -> None:
    assert implied(user, needed) == AlwaysThere()
