"""`dockerfix builds` prints what it found, and bad input with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]

CI = """\
app:
  script: docker build -t a app
root:
  script: docker build -t b .
"""


def test_table_json_and_a_folder(dockerfix: Run, repository: Path) -> None:
    (repository / ".gitlab-ci.yml").write_text(CI)
    table = dockerfix("builds").out.decode()
    assert table.startswith("2 builds, 0 with unknown values, 0 not followed\n")
    assert table.count("GitLab job") == 2
    only = json.loads(dockerfix("builds", "app", "--format", "json").out)
    assert [build["name"] for build in only["builds"]] == ["app"]
    everything = json.loads(dockerfix("builds", ".gitlab-ci.yml", "--format", "json").out)
    assert len(everything["builds"]) == 2


def test_what_is_unknown_is_never_left_out(dockerfix: Run, repository: Path) -> None:
    ci = 'include: https://example.org/x.yml\na:\n  script: docker build -f "$NOWHERE_SET" .\n'
    (repository / ".gitlab-ci.yml").write_text(ci)
    text = dockerfix("builds", "app").out.decode()
    assert "GitLab job a" in text
    assert "NOT FOLLOWED\n.gitlab-ci.yml:1:" in text


def test_no_builds(dockerfix: Run) -> None:
    assert dockerfix("builds").out == b"No build was found.\n"


def test_broken_yaml_is_said_with_its_place(dockerfix: Run, repository: Path) -> None:
    (repository / ".gitlab-ci.yml").write_text("a:\n  - b\n c\n")
    result = dockerfix("builds")
    assert result.code == 0
    assert b"NOT FOLLOWED\n.gitlab-ci.yml:3:" in result.out


def test_a_file_that_is_no_utf8(dockerfix: Run, repository: Path) -> None:
    (repository / ".gitlab-ci.yml").write_bytes(b"a: caf\xe9\n")
    result = dockerfix("builds")
    assert result.code == 0
    assert b".gitlab-ci.yml:1:7: a YAML file: not UTF-8" in result.out


def test_output_file(dockerfix: Run, repository: Path, tmp_path: Path) -> None:
    (repository / ".gitlab-ci.yml").write_text(CI)
    target = tmp_path / "builds.json"
    assert dockerfix("builds", "--format", "json", "-o", str(target)).out == b""
    assert len(json.loads(target.read_text())["builds"]) == 2
