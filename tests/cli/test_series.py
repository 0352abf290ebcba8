"""`dockerfix plan` and `dockerfix check`: mails for `git am`, branches, overviews, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dockerfix.engine.plan import Planned, Refused
from dockerfix.engine.proposal import Proposal
from dockerfix.facts.finding import Finding, Severity
from dockerfix.report.report import Report
from dockerfix.report.series import render_overview

from .conftest import Run, git


@pytest.fixture
def committed(repository: Path) -> Path:
    git(repository, "config", "user.name", "A B")
    git(repository, "config", "user.email", "a@example.org")
    return repository


def test_the_series_is_mail_that_git_am_takes(dockerfix: Run, committed: Path) -> None:
    result = dockerfix("plan", "--only", "pin")
    assert result.code == 0
    assert result.out.startswith(b"From 0000")
    git(committed, "am", "-q", input=result.out)
    assert b"FROM a AS pinned" in (committed / "Dockerfile").read_bytes()
    message = git(committed, "log", "-1", "--format=%an <%ae>%n%B").stdout.decode()
    assert message.startswith("A B <a@example.org>\nApply pin to .\n\n- Pinned to pinned.\n")
    assert "Assumed:\n- the new base is the same [same-base]" in message
    assert dockerfix("plan", "--only", "pin").out == b""


def test_a_folder_gets_a_file_a_patch(dockerfix: Run, committed: Path) -> None:
    assert dockerfix("plan", "--only", "pin", "-o", "out").code == 0
    assert [path.name for path in (committed / "out").iterdir()] == ["0001-pin.patch"]


def test_a_branch_gets_a_commit_a_patch(dockerfix: Run, committed: Path) -> None:
    before = (committed / "Dockerfile").read_bytes()
    result = dockerfix("plan", "--only", "pin", "--branch", "series")
    assert result.code == 0, result.err
    assert "branch series: 1 commit\n" in result.err
    assert (committed / "Dockerfile").read_bytes() == before
    assert "FROM a AS pinned" in git(committed, "show", "series:Dockerfile").stdout.decode()
    again = dockerfix("plan", "--only", "pin", "--branch", "series")
    assert again.code == 2
    assert "is a branch already" in again.err


def test_open_changes_keep_a_branch_from_being_made(dockerfix: Run, committed: Path) -> None:
    (committed / "Dockerfile").write_text("FROM other\nRUN y\nRUN z\n")
    result = dockerfix("plan", "--only", "pin", "--branch", "series")
    assert result.code == 2
    assert "commit or stash open changes" in result.err
    assert "series" not in git(committed, "branch", "--list").stdout.decode()


def test_plan_says_what_does_not_fit(dockerfix: Run, committed: Path) -> None:
    assert dockerfix("plan", "--only", "no-such").code == 64
    assert dockerfix("plan", "--only", "pin", "--stop-at", "wrong").code == 64
    assert dockerfix("plan", "-o", "out", "--branch", "b").code == 64


def test_a_failed_transform_stops_nobody(dockerfix: Run, committed: Path) -> None:
    result = dockerfix("plan", "--only", "pin", "--only", "explode", "--only", "broken")
    assert result.code == 3
    assert b"+FROM a AS pinned" in result.out
    assert "RuntimeError: a" in result.err
    assert "broken" in result.err


def test_check_tells_by_its_exit_code(dockerfix: Run, committed: Path) -> None:
    result = dockerfix("check", "--only", "pin")
    assert result.code == 1
    assert result.out.decode().startswith("would change   dockerfix pin .\n  Pinned to pinned.\n")
    dockerfix("pin", "--write", "--force")
    result = dockerfix("check", "--only", "pin")
    assert (result.code, result.out.decode()) == (
        0,
        "nothing to do  dockerfix pin .\n  it is pinned already\n",
    )


def test_check_in_every_format(dockerfix: Run, committed: Path) -> None:
    data = json.loads(dockerfix("check", "--only", "pin", "--format", "json").out)
    assert [report["outcome"] for report in data["reports"]] == ["planned"]
    sarif = json.loads(dockerfix("check", "--only", "pin", "--format", "sarif").out)
    assert {result["ruleId"] for result in sarif["runs"][0]["results"]} == {"pin", "same-base"}
    quality = json.loads(dockerfix("check", "--only", "pin", "--format", "gitlab-codequality").out)
    assert {entry["check_name"] for entry in quality} == {"pin", "same-base"}
    assert b"- Pinned to pinned." in dockerfix("check", "--only", "pin", "--format", "markdown").out


CI = "a: {script: [x], needs: [b]}\n"


def test_check_finds_what_needs_no_patch(dockerfix: Run, repository: Path) -> None:
    (repository / ".gitlab-ci.yml").write_text(CI)
    git(repository, "add", ".")
    result = dockerfix("check", "--only", "needed-job-absent")
    assert result.code == 1
    assert ".gitlab-ci.yml:1:26: `a` needs `b`: no job has that name" in result.out.decode()
    for form, sign in (
        ("json", b'"name": "needed-job-absent"'),
        ("sarif", b'"ruleId": "needed-job-absent"'),
        ("gitlab-codequality", b'"check_name": "needed-job-absent"'),
        ("markdown", b"**Worth a look**"),
    ):
        assert sign in dockerfix("check", "--format", form, "--skip", "pin").out
    assert dockerfix("check", "--only", "cook-not-used").code == 0
    assert dockerfix("check", "--only", "pin", "--skip", "needed-job-absent").code == 1


def test_what_check_finds_can_be_accepted(dockerfix: Run, repository: Path) -> None:
    (repository / ".gitlab-ci.yml").write_text(CI)
    (repository / ".dockerfix.toml").write_text('[check.accept]\nneeded-job-absent = "known"\n')
    git(repository, "add", ".")
    assert dockerfix("check", "--only", "needed-job-absent").code == 0
    assert dockerfix("pin", ".").code == 0, "transforms know that table"


def test_the_mail_of_a_root_below_the_top(dockerfix: Run, committed: Path) -> None:
    (committed / "app" / ".dockerfix.toml").write_text("root = true\n")
    result = dockerfix("plan", "--only", "pin", cwd=committed / "app")
    assert "`git am --directory=app`" in result.err


def test_refusals_of_one_transform_stand_together_below_the_patches() -> None:
    finding = Finding(Severity.REFUSE, "no", "cannot be done", "", "")
    refused = [
        Report(f"dockerfix shy {path}", "shy", Refused(Proposal(findings=(finding,), refused=True)))
        for path in "ab"
    ]
    changed = Report("dockerfix pin .", "pin", Planned(Proposal(), {}, b"", ()))
    lines = render_overview([refused[0], changed, refused[1]]).splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "would change   dockerfix pin .",
        "refused        shy, 2 times",
    ]
    assert lines[-2:] == ["  cannot be done [no]"] * 2
