"""SARIF for people: rules that explain themselves, fixes that are the patch, valid documents."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from dockerfix.engine.plan import Planned, plan
from dockerfix.engine.registry import Registry
from dockerfix.facts.repository import Facts
from dockerfix.report.report import Report
from dockerfix.report.sarif import render_sarif
from dockerfix.text import Snapshot
from report.sarif import Log

CI = """\
variables:
  GIT_DEPTH: 0
build:
  stage: build
  script: [cargo test]
"""


def planned(name: str, files: dict[str, bytes | str]) -> tuple[Snapshot, Report]:
    snapshot = Snapshot.of(files)
    outcome = plan(Facts(snapshot), Registry.installed().load(name), ("",), {})
    return snapshot, Report(f"dockerfix {name} .", name, outcome)


def decoded(report: Report) -> Log:
    return msgspec.json.decode(render_sarif(report), type=Log)


def test_a_fix_is_the_whole_patch() -> None:
    snapshot, report = planned("shallow-clone", {".gitlab-ci.yml": CI})
    assert isinstance(report.outcome, Planned)
    fixes = [fix for result in decoded(report).runs[0].results for fix in result.fixes]
    assert len(fixes) == 1
    for change in fixes[0].artifact_changes:
        data = snapshot.read(change.artifact_location.uri)
        for item in reversed(change.replacements):
            start = item.deleted_region.byte_offset
            length = item.deleted_region.byte_length
            assert start is not None and length is not None and item.inserted_content is not None
            data = data[:start] + item.inserted_content.text.encode() + data[start + length :]
        assert data == report.outcome.changes[change.artifact_location.uri]


def test_half_a_patch_is_no_fix(sample_files: dict[str, bytes | str]) -> None:
    _, report = planned("merge-rust", sample_files)
    assert isinstance(report.outcome, Planned)
    run = decoded(report).runs[0]
    assert not any(result.fixes for result in run.results)
    rules = run.tool.driver.rules
    assert all(rule.short_description for rule in rules)
    assert all(rules[result.rule_index].id == result.rule_id for result in run.results)


def test_an_acceptance_at_a_path_carries_its_reason() -> None:
    _, report = planned("shallow-clone", {".gitlab-ci.yml": CI})
    accepted = {"clone-depth@.gitlab-ci.yml": "looked at every job"}
    log = decoded(msgspec.structs.replace(report, accepted=accepted))
    said = [s.justification for result in log.runs[0].results for s in result.suppressions]
    assert said == ["looked at every job"]


@pytest.fixture
def sample_files() -> dict[str, bytes | str]:
    top = Path(__file__).parents[2] / "sample-repo"
    paths = (path for path in top.rglob("*") if path.is_file())
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in paths}
