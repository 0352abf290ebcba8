"""What dockerfix gives to other tools, read by those tools' own schemas.

The schemas are those that come with check-jsonschema: GitHub's actions and issue forms, GitLab's
pipelines.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).parents[2]
PIPELINE = ("vendor.gitlab-ci", "--data-transform", "gitlab-ci")


def problems(schema: tuple[str, ...], *files: Path) -> str:
    """What check-jsonschema has to say; empty when the files are valid."""
    words = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        *schema,
        *map(str, files),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_schemas_do_refuse(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("name: 1\njob: {script: 1, needs: 1}\n")
    assert problems(("vendor.github-actions",), wrong)
    assert problems(PIPELINE, wrong)


def test_the_action() -> None:
    assert problems(("vendor.github-actions",), TOP / "action.yml") == ""


def test_the_component(tmp_path: Path) -> None:
    head, _, body = (TOP / "templates" / "dockerfix.yml").read_text("utf-8").partition("\n---\n")
    declared = yaml.safe_load(head)["spec"]["inputs"]
    files = [tmp_path / "head.yml", tmp_path / "body.yml"]
    # The schema knows pipelines, and a head only in front of one.
    files[0].write_text(f"{head}\njob: {{script: [x]}}\n")
    given = {name: json.dumps(entry["default"]).strip('"') for name, entry in declared.items()}
    files[1].write_text(
        re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda found: given[found[1]], body)
    )
    assert problems(PIPELINE, *files) == ""


def test_the_issue_forms() -> None:
    forms = sorted((TOP / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    config = TOP / ".github" / "ISSUE_TEMPLATE" / "config.yml"
    assert (
        problems(("vendor.github-issue-forms",), *(form for form in forms if form != config)) == ""
    )
    assert problems(("vendor.github-issue-config",), config) == ""


def run(*words: str, cwd: Path) -> bytes:
    command = [sys.executable, "-m", "dockerfix", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, check=False).stdout


def test_the_pipeline_after_all_transforms(tmp_path: Path) -> None:
    """A pipeline that GitLab takes is one afterwards too."""
    sample = shutil.copytree(TOP / "sample-repo", tmp_path / "sample")
    before = (sample / ".gitlab-ci.yml").read_bytes()
    for transform in ("shallow-clone", "merge-rust", "split-release", "add-needs", "cache-refs"):
        run(transform, "--write", "--force", cwd=sample)
    assert (sample / ".gitlab-ci.yml").read_bytes() != before
    assert problems(PIPELINE, sample / ".gitlab-ci.yml") == ""


SEVERITIES = {"info", "minor", "major", "critical", "blocker"}


@pytest.fixture(scope="session")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    sample = shutil.copytree(TOP / "sample-repo", tmp_path_factory.mktemp("quality") / "sample")
    found: list[dict[str, Any]] = json.loads(
        run("check", "--format", "gitlab-codequality", cwd=sample)
    )
    assert found
    return found


def test_the_documented_fields_of_code_quality(entries: list[dict[str, Any]]) -> None:
    """Required by GitLab: description, check_name, fingerprint, location.path with
    location.lines.begin, severity; the fingerprint tells the entries apart."""
    for entry in entries:
        assert entry["description"] and entry["check_name"]
        assert entry["severity"] in SEVERITIES
        assert not entry["location"]["path"].startswith(("/", "./"))
        assert entry["location"]["lines"]["begin"] >= 1
    prints = [entry["fingerprint"] for entry in entries]
    assert len({*prints}) == len(prints)
    assert all(re.fullmatch(r"[0-9a-f]{32,64}", text) for text in prints)
