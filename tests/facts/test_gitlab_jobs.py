"""Typed keys of jobs, inputs of included files, the order of jobs, and the commands they run."""

from __future__ import annotations

import pytest

from dockerfix.facts.gitlab.commands import CommandReader
from dockerfix.facts.gitlab.conditions import ConditionError
from dockerfix.facts.gitlab.existing import PipelineKind, existing
from dockerfix.facts.gitlab.gates import workflow_gate
from dockerfix.facts.gitlab.pipeline import ROOT, Pipeline, find_pipeline
from dockerfix.facts.gitlab.schedule import Schedule
from dockerfix.text import Snapshot


def pipeline(text: str, **files: str) -> Pipeline:
    tree = {ROOT: text, **{name.replace("__", "/"): body for name, body in files.items()}}
    found = find_pipeline(Snapshot.of({path: body.encode() for path, body in tree.items()}))
    assert found is not None
    return found


def test_keys_are_typed() -> None:
    job = pipeline(
        """
job:
  image: {name: rust, entrypoint: [""]}
  services: [postgres, {name: docker:dind, alias: docker}]
  artifacts: {paths: [a], reports: {dotenv: b.env}}
  cache: {key: {files: [x.lock]}, paths: [c]}
  environment: {name: live, action: stop}
  retry: {max: 2, when: [runner_system_failure]}
  needs:
    - {job: a, optional: true, artifacts: false}
    - {project: p, job: b, ref: main}
    - {job: m, parallel: {matrix: [{A: a}]}}
  when: manual
  tags: [big]
  timeout: 1h
  resource_group: live
  script: make
"""
    ).jobs["job"]
    assert job.image is not None and job.image.entrypoint == ("",)
    assert [s.alias or s.name for s in job.services] == ["postgres", "docker"]
    assert job.artifacts is not None and job.artifacts.dotenv == ("b.env",)
    assert job.caches[0].key_files == ("x.lock",)
    assert job.environment is not None and job.environment.action == "stop"
    assert (job.retry.max, job.tags, job.timeout) == ("2", ("big",), "1h")
    assert [(n.job, n.optional, n.artifacts, n.matrix) for n in job.needs or ()] == [
        ("a", True, False, False),
        ("m", False, True, True),
    ]
    assert [(n.project, n.job) for n in job.foreign_needs] == [("p", "b")]
    assert job.allow_failure and job.resource_group == "live"


def test_a_file_is_included_once_for_each_set_of_inputs() -> None:
    found = pipeline(
        """
include:
  - {local: build.yml, inputs: {name: api}}
  - {local: build.yml, inputs: {name: web, stage: test}}
""",
        **{
            "build.yml": "spec:\n  inputs:\n    name:\n    stage: {default: build}\n---\n"
            '"build $[[ inputs.name ]]":\n  stage: $[[ inputs.stage ]]\n'
            "  script: docker build -t $[[ inputs.name ]] $[[ inputs.name ]]\n"
        },
    )
    assert {name: job.stage for name, job in found.jobs.items()} == {
        "build api": "build",
        "build web": "test",
    }
    mapped = found.jobs["build web"].lines[0].scalar.mapped
    assert mapped.text == "docker build -t web web"


def test_an_include_under_rules_is_unknown_and_not_nothing() -> None:
    found = pipeline(
        "include:\n  - {local: a.yml, rules: [{if: $A}]}\n", **{"a.yml": "a:\n  script: x\n"}
    )
    assert "a" in found.jobs
    assert [what for _, what in found.unread] == ["include whose rules may leave it out"]


def test_parents_that_are_nowhere_are_named() -> None:
    found = pipeline(".a: {extends: .b}\njob: {extends: [.a, .c], script: x}\n")
    assert set(found.unknown_parents(found.jobs["job"])) == {".b", ".c"}


def test_null_keys_are_absent_and_null_variables_empty() -> None:
    found = pipeline("default: {image: rust}\njob: {image: null, variables: {A: }, script: x}\n")
    job = found.jobs["job"]
    assert job.image is not None and job.image.name == "rust"
    assert job.variables["A"].text == ""


def test_workflow_rules_may_set_a_variable() -> None:
    found = pipeline(
        "workflow: {rules: [{if: $B, variables: {A: b}}]}\nvariables: {A: a}\njob: {script: x}\n"
    )
    assert [s.text for s in found.values_of(found.jobs["job"], "A")] == ["a", "b"]


def test_rules_of_workflow_come_by_reference() -> None:
    found = pipeline(
        "workflow: {rules: !reference [.rules, rules]}\n"
        ".rules: {rules: [{if: $A}, [[{when: never}]]]}\njob: {script: x}\n"
    )
    assert [rule.when for rule in found.workflow or ()] == ["on_success", "never"]
    gate = workflow_gate(found)
    assert gate is not None and [clause.present for clause in gate] == [True, False]
    assert existing(found, PipelineKind.BRANCH).jobs == {"job"}


def test_rules_of_workflow_that_lead_nowhere_are_unknown() -> None:
    found = pipeline("workflow: {rules: !reference [.none, rules]}\njob: {script: x}\n")
    with pytest.raises(ConditionError):
        workflow_gate(found)
    assert existing(found, PipelineKind.BRANCH).jobs == {"job"}


def test_lists_among_rules_are_part_of_them() -> None:
    found = pipeline("job: {script: x, rules: [[{if: $A}], {when: manual}]}\n")
    job = found.jobs["job"]
    assert [rule.when for rule in job.rules or ()] == ["on_success", "manual"]
    assert existing(found, PipelineKind.BRANCH).manual == {"job"}


def test_who_waits_for_whom() -> None:
    schedule = Schedule(
        pipeline(
            "stages: [a, b, c]\none: {stage: a, script: x}\ntwo: {stage: b, script: x}\n"
            "free: {stage: b, needs: [], script: x}\nlast: {stage: c, needs: [two], script: x}\n"
            "all: {stage: c, script: x}\n"
        )
    )
    assert schedule.before("last") == {"one", "two"}
    assert schedule.waits("free").after == ()
    assert schedule.waits("all").barrier
    assert schedule.waits("all").after == ("one", "two", "free")


def test_commands_are_followed_into_what_the_repository_holds() -> None:
    files = {
        ROOT: "job:\n  script:\n    - f() { sh tools/x.sh; }\n    - f\n    - make all\n"
        "    - npm run lint\n    - docker compose run --rm app cargo test\n    - ./unknown\n",
        "tools/x.sh": "inner_one\n",
        "Makefile": "all:\n\t@inner_two\n",
        "package.json": '{"scripts": {"lint": "inner_three"}}',
        "compose.yaml": "services:\n  app:\n    image: a\n    volumes: ['.:/src']\n",
    }
    snapshot = Snapshot.of({path: text.encode() for path, text in files.items()})
    found = find_pipeline(snapshot)
    assert found is not None
    commands = CommandReader(snapshot, found).of(found.jobs["job"])
    names = [ran.name for ran in commands.ran]
    assert {"inner_one", "inner_two", "inner_three", "cargo"} <= set(names)
    assert [u.what for u in commands.unfollowed] == ["./unknown"]


def test_bun_runs_tests_itself() -> None:
    files = {"package.json": '{"scripts": {"test": "bun test", "lint": "eslint ."}}'}
    found = pipeline("job: {script: [bun test, bun run lint]}\n", **files)
    tree = {ROOT: "", **files}
    snapshot = Snapshot.of({path: body.encode() for path, body in tree.items()})
    commands = CommandReader(snapshot, found).of(found.jobs["job"])
    assert [ran.words for ran in commands.ran] == [("bun", "test"), ("eslint", ".")]
    assert not commands.unfollowed
