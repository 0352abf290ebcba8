"""Whether a needed job exists whenever its user does: `rules`, `only`, `except`, `workflow`."""

from __future__ import annotations

import pytest

from dockerfix.facts.gitlab.conditions import ConditionError, SomeText, holds, parse_condition
from dockerfix.facts.gitlab.pipeline import Pipeline, find_pipeline
from dockerfix.facts.gitlab.presence import (
    AlwaysThere,
    Missing,
    Presence,
    Undecided,
    covers,
    implies,
)
from dockerfix.text import Snapshot


def pipeline(text: str) -> Pipeline:
    found = find_pipeline(Snapshot.of({".gitlab-ci.yml": text}))
    assert found is not None
    return found


def ask(user: str, needed: str, head: str = "") -> Presence:
    """`user` and `needed` are the bodies of two jobs, in flow style."""
    whole = pipeline(f"{head}\nuser: {user}\nneeded: {needed}\n")
    return implies(whole, whole.jobs["user"], whole.jobs["needed"])


def missing(presence: Presence) -> str:
    assert isinstance(presence, Missing), presence
    return presence.example


WORKFLOW = """
workflow:
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH
    - if: $CI_COMMIT_TAG
"""


class TestAlways:
    @pytest.mark.parametrize(
        ("user", "needed"),
        [
            ("{script: a}", "{script: b}"),
            ("{rules: [{changes: [a/**/*]}]}", "{rules: [{changes: [a/**/*]}]}"),
            ("{rules: [{changes: [a/b/*]}]}", "{rules: [{changes: [c, a/**/*]}]}"),
            ("{rules: [{changes: [a/**/*]}]}", "{rules: [{changes: [a/*, a/*/**/*]}]}"),
            ("{rules: [{if: $CI_COMMIT_TAG}]}", "{rules: [{when: manual}]}"),
            (
                "{rules: [{if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH}]}",
                "{rules: [{if: $CI_COMMIT_BRANCH}]}",
            ),
            (
                "{rules: [{if: $A == 'x', changes: [a/*]}]}",
                "{rules: [{if: $A == 'y', when: never}, {changes: [a/*]}]}",
            ),
            (
                "{rules: [{if: $CI_COMMIT_BRANCH == 'release/1'}]}",
                "{rules: [{if: '$CI_COMMIT_BRANCH =~ /^release/'}]}",
            ),
            ("{rules: [{exists: [Cargo.toml]}]}", "{rules: [{exists: [Cargo.toml]}, {if: $X}]}"),
            ("{only: [tags]}", "{only: [branches, tags]}"),
            ("{only: [main]}", "{only: [branches, tags]}"),
            ("{only: {changes: [a/b]}}", "{only: {changes: [a/*]}}"),
            ("{script: a}", "{only: [branches, tags]}"),
        ],
    )
    def test_the_needed_job_is_there(self, user: str, needed: str) -> None:
        assert ask(user, needed) == AlwaysThere()

    def test_a_job_without_rules_is_in_merge_requests_only_with_workflow_rules(self) -> None:
        user = "{rules: [{if: '$CI_PIPELINE_SOURCE == \"merge_request_event\"'}]}"
        assert ask(user, "{script: a}", WORKFLOW) == AlwaysThere()
        assert "merge request" in missing(ask(user, "{script: a}"))

    def test_a_pipeline_that_the_workflow_rejects_does_not_count(self) -> None:
        head = "workflow: {rules: [{if: $CI_COMMIT_TAG, when: never}, {when: always}]}"
        needed = "{rules: [{if: $CI_COMMIT_TAG == null}]}"
        assert ask("{script: a}", needed, head) == AlwaysThere()
        assert "tag" in missing(ask("{script: a}", needed))

    def test_changes_are_true_without_a_list_of_changes(self) -> None:
        user = "{rules: [{if: $CI_COMMIT_TAG}]}"
        assert ask(user, "{rules: [{changes: [a/*]}]}") == AlwaysThere()

    def test_variables_of_the_files_count(self) -> None:
        head = "variables: {BUILD: 'yes'}"
        same = "{rules: [{if: '$BUILD == \"yes\"'}]}"
        assert ask(same, "{rules: [{if: $BUILD}]}", head) == AlwaysThere()


class TestMissing:
    def test_other_files_change(self) -> None:
        found = ask(
            "{rules: [{changes: [console/**/*, node-sdk/**/*]}]}",
            "{rules: [{changes: [node-sdk/**/*]}]}",
        )
        assert "changes only `console/x`" in missing(found)
        assert "`user` exists and `needed` does not" in missing(found)

    def test_a_job_without_rules_needs_one_with(self) -> None:
        found = ask("{script: a}", "{rules: [{changes: [a/**/*]}]}", WORKFLOW)
        assert "changes only" in missing(found)

    def test_default_branch(self) -> None:
        found = ask(
            "{rules: [{if: $CI_COMMIT_BRANCH}]}",
            "{rules: [{if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH}]}",
        )
        assert "a push to another branch" in missing(found)

    def test_the_default_branch_may_have_any_name(self) -> None:
        found = ask(
            "{rules: [{if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH}]}",
            "{rules: [{if: $CI_COMMIT_BRANCH == 'master'}]}",
        )
        assert "default branch" in missing(found)

    def test_a_never_rule_that_another_file_trips(self) -> None:
        # Two files must change together: one for the user, one that forbids the needed job.
        found = ask(
            "{rules: [{changes: [a/*]}]}",
            "{rules: [{changes: [docs/*], when: never}, {changes: [a/*]}]}",
        )
        assert "`a/x` and `docs/x`" in missing(found)

    def test_a_schedule_lacks_what_a_push_has(self) -> None:
        found = ask(
            "{rules: [{changes: [a/*]}]}",
            "{rules: [{if: '$CI_PIPELINE_SOURCE == \"push\"'}]}",
        )
        assert "scheduled" in missing(found) or "merge request" in missing(found)

    def test_a_free_variable(self) -> None:
        found = ask("{rules: [{if: $DEPLOY}]}", "{rules: [{if: '$DEPLOY == \"yes\"'}]}")
        assert "$DEPLOY = `" in missing(found)

    def test_no_rule_at_all_means_never(self) -> None:
        assert isinstance(ask("{script: a}", "{rules: []}"), Missing)

    def test_an_only_that_leaves_tags_out(self) -> None:
        assert "tag" in missing(ask("{script: a}", "{only: [branches]}"))

    def test_a_name_in_only_is_a_tag_as_well(self) -> None:
        assert "tag `main`" in missing(ask("{only: [main]}", "{only: [branches]}"))

    def test_except(self) -> None:
        assert "tag" in missing(ask("{script: a}", "{except: [tags]}"))

    def test_compare_to_counts_other_changes(self) -> None:
        found = ask(
            "{rules: [{changes: {paths: [a/*], compare_to: main}}]}",
            "{rules: [{changes: [a/*]}]}",
        )
        assert isinstance(found, Missing)

    def test_a_file_that_may_not_exist(self) -> None:
        found = ask("{rules: [{exists: [a]}]}", "{rules: [{exists: [b]}]}")
        assert "with a file a" in missing(found)


class TestUndecided:
    def test_patterns_that_no_sample_tells_apart(self) -> None:
        found = ask(
            "{rules: [{if: '$CI_COMMIT_BRANCH =~ /(q|z)w+k/'}]}",
            "{rules: [{if: '$CI_COMMIT_BRANCH =~ /[qz]wk/'}]}",
        )
        assert isinstance(found, Undecided)
        assert "patterns" in found.why

    @pytest.mark.parametrize(
        "needed",
        [
            "{rules: [{if: '$A =='}]}",
            "{rules: [{if: '($A'}]}",
            "{rules: [{if: '$A =~ $B'}]}",
            "{rules: [{if: '$A =~ /(/'}]}",
            "{rules: [{changes: ['$X/**/*']}]}",
            "{rules: [text]}",
            "{rules: text}",
            "{only: {kubernetes: active}}",
            "{only: [main@group/project]}",
        ],
    )
    def test_what_cannot_be_read_is_said(self, needed: str) -> None:
        found = ask("{script: a}", needed)
        assert isinstance(found, Undecided)
        assert found.why

    def test_jobs_that_say_the_same_need_no_reading(self) -> None:
        same = "{rules: [{changes: ['$X/**/*']}]}"
        assert ask(same, same) == AlwaysThere()
        other = "{variables: {X: a}, rules: [{changes: ['$X/**/*']}]}"
        assert isinstance(ask(same, other), Undecided)


class TestCovers:
    def test_the_union_of_three(self) -> None:
        whole = pipeline(
            """
            a: {rules: [{changes: [a/**/*]}]}
            b: {rules: [{changes: [b/**/*]}]}
            both: {rules: [{changes: [a/**/*, b/**/*]}]}
            """
        )
        jobs = whole.jobs
        assert covers(whole, jobs["both"], [jobs["a"], jobs["b"]]) == AlwaysThere()
        assert isinstance(covers(whole, jobs["a"], [jobs["a"], jobs["b"]]), Missing)


class TestConditions:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ('$A == "x"', True),
            ("$A == 'x' && $B", False),
            ("$B || $A == 'x' && $A", True),
            ("($B || $A) && $C == null", True),
            ('$B == ""', False),
            ("$E == ''", True),
            ("$E", False),
            ("$A =~ /^X$/i", True),
            ("$A !~ /y/", True),
            ("$B =~ /./", False),
            ("$B !~ /./", True),
            ("${A} != $B", True),
            ("$P =~ /^group\\/project/", True),
            ("$A =~ $R", True),
        ],
    )
    def test_evaluation(self, text: str, value: bool) -> None:
        variables = {"A": "x", "E": "", "P": "group/project", "R": "/x/"}
        assert holds(parse_condition(text), variables) is value

    @pytest.mark.parametrize("text", ["", "$A ==", "== $A", "($A", "$A $B", "$A == x", "&&"])
    def test_what_gitlab_rejects(self, text: str) -> None:
        with pytest.raises(ConditionError):
            parse_condition(text)

    def test_some_text_equals_no_text(self) -> None:
        assert not holds(parse_condition('$A == "x"'), {"A": SomeText()})
        assert holds(parse_condition("$A"), {"A": SomeText()})
