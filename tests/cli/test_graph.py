"""`dockerfix graph`: what PATH means, every form, and a pipeline that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Run, git


@pytest.mark.parametrize("form", ["mermaid", "dot", "svg", "json"])
def test_stages_and_jobs(dockerfix: Run, repository: Path, form: str) -> None:
    (repository / ".gitlab-ci.yml").write_text("one: {script: [x]}\n")
    git(repository, "add", ".")
    assert b"stage 0" in dockerfix("graph", "Dockerfile", "--format", form).out
    for path in (".", ".gitlab-ci.yml", "app"):
        assert b"one" in dockerfix("graph", path, "--format", form).out


def test_without_a_pipeline(dockerfix: Run) -> None:
    result = dockerfix("graph")
    assert result.code == 64
    assert "name a Dockerfile" in result.err


def test_the_markdown_report_shows_the_stages(dockerfix: Run) -> None:
    report = dockerfix("pin", ".", "--format", "markdown").out.decode()
    assert "<details><summary>Stages of Dockerfile</summary>" in report
    assert '```mermaid\nflowchart LR\n  n0(["a"])\n  n1["pinned"]' in report
    both = dockerfix("check", "--only", "pin", "--format", "markdown").out.decode()
    assert "Stages of Dockerfile" in both
