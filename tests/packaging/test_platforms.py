"""The GitLab component, the GitHub Action and the image: read, and run as their platforms would.

The platforms themselves are not here: the test does what their documentation says of inputs, of
environment variables and of the shell that runs a script.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from dockerfix.checks.all import CHECKS
from dockerfix.facts.repository import Facts
from dockerfix.repo.read import read_snapshot
from dockerfix.syntax.dockerfile import Copy, OneArgument
from dockerfix.syntax.dockerfile.problems import rejections

TOP = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
COMPONENT = (TOP / "templates" / "dockerfix.yml").read_text(encoding="utf-8")
ACTION: dict[str, Any] = yaml.safe_load((TOP / "action.yml").read_bytes())


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return shutil.copytree(TOP / "sample-repo", tmp_path / "sample")


def stand_in(folder: Path, name: str, script: str) -> Path:
    """A folder with a program of that name, for the front of a PATH."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return folder


def bash(script: str, cwd: Path, path: list[Path], **environment: str) -> int:
    """Run a script as GitLab's runner and GitHub's do; its exit code."""
    where = os.pathsep.join([*map(str, path), "/usr/bin", "/bin"])
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=cwd, env={"PATH": where, **environment}, capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode


def component(**inputs: str) -> dict[str, Any]:
    """The job that the component makes of inputs."""
    head, _, body = COMPONENT.partition("\n---\n")
    declared = yaml.safe_load(head)["spec"]["inputs"]
    given = {name: json.dumps(entry["default"]).strip('"') for name, entry in declared.items()}
    given |= inputs
    text = re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda found: given[found[1]], body)
    (job,) = yaml.safe_load(text).values()
    assert isinstance(job, dict)
    return job


def test_each_input_of_the_component_is_described_and_used() -> None:
    head, _, body = COMPONENT.partition("\n---\n")
    declared = yaml.safe_load(head)["spec"]["inputs"]
    assert {*re.findall(r"inputs\.([\w-]+)", body)} == declared.keys()
    for entry in declared.values():
        assert entry.keys() <= {"description", "default", "type", "options", "regex"}
        assert entry["description"].endswith(".")


def test_the_component_is_a_job_that_dockerfix_reads(tmp_path: Path) -> None:
    job = component()
    (tmp_path / ".gitlab-ci.yml").write_text(yaml.safe_dump({"dockerfix": job}))
    pipeline = Facts(read_snapshot(tmp_path, ())).pipeline
    assert pipeline is not None
    assert [*pipeline.jobs] == ["dockerfix"]
    assert job["allow_failure"] is True


def run_component(sample: Path, **inputs: str) -> int:
    job = component(**inputs)
    tools = stand_in(sample.parent / "tools", "pip", 'echo "$@" >> ../pip.txt')
    return bash("\n".join(job["script"]), sample, [tools, BIN], **job["variables"])


def test_the_component_writes_a_report_and_fails_by_the_exit_code(sample: Path) -> None:
    assert run_component(sample, version="==0.1.0") == 1
    assert "dockerfix==0.1.0" in (sample.parent / "pip.txt").read_text()
    report = json.loads((sample / "gl-code-quality-report.json").read_bytes())
    assert "clone-depth" in {entry["check_name"] for entry in report}
    assert run_component(sample, options="--only remote-cache", report="none.json") == 0
    assert (sample / "none.json").is_file()


def test_an_input_of_the_component_is_never_a_part_of_its_program(sample: Path) -> None:
    hostile = "$(touch pwned); touch pwned"
    assert run_component(sample, path=hostile, report="a b.json", options="") == 64
    assert not (sample / "pwned").exists()


def run_action(sample: Path, **inputs: str) -> tuple[int, dict[str, str]]:
    """The exit code of the action's step, and its outputs."""
    (step,) = ACTION["runs"]["steps"]
    given = {name: entry["default"] for name, entry in ACTION["inputs"].items()} | inputs
    environment = {
        name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: given[found[1]], value)
        for name, value in step["env"].items()
    }
    outputs = sample.parent / "outputs"
    outputs.write_text("")
    # pipx run --spec WHERE dockerfix ARGUMENTS
    pipx = stand_in(sample.parent / "tools", "pipx", f'shift 4; exec "{BIN}/dockerfix" "$@"')
    environment |= {"GITHUB_OUTPUT": str(outputs), "GITHUB_ACTION_PATH": str(TOP)}
    code = bash(step["run"], sample, [pipx], **environment)
    return code, dict(line.split("=", 1) for line in outputs.read_text().splitlines())


def test_each_input_of_the_action_is_described_and_used() -> None:
    (step,) = ACTION["runs"]["steps"]
    assert {*re.findall(r"inputs\.([\w-]+)", str(step["env"]))} == ACTION["inputs"].keys()
    assert "${{" not in step["run"], "an input in a script is a program of whoever gives it"
    assert all(entry["description"].endswith(".") for entry in ACTION["inputs"].values())


def test_the_action_reports_and_fails_when_it_is_to(sample: Path) -> None:
    told = {"report": "dockerfix.sarif", "something-to-do": "true"}
    assert run_action(sample) == (1, told)
    assert json.loads((sample / "dockerfix.sarif").read_bytes())["version"] == "2.1.0"
    assert run_action(sample, fail="false") == (0, told)
    code, told = run_action(sample, options="--only remote-cache")
    assert (code, told["something-to-do"]) == (0, "false")
    code, told = run_action(sample, path="no-such")
    assert (code, told["something-to-do"]) == (64, "false")


def copied() -> list[str]:
    """What the image's Dockerfile copies from its context."""
    instructions = Facts(read_snapshot(TOP, ())).dockerfile("Dockerfile").instructions
    copies = [item for item in instructions if isinstance(item, Copy) and item.from_ is None]
    return [word.value for item in copies for word in item.sources]


@pytest.fixture
def own(tmp_path: Path) -> Facts:
    """The part of this repository that its image is made of, as a repository of its own."""
    for name in ("Dockerfile", ".dockerignore", *copied()):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        if (TOP / name).is_dir():
            shutil.copytree(TOP / name, tmp_path / name)
        else:
            shutil.copy(TOP / name, tmp_path / name)
    (tmp_path / "Makefile").write_text("image:\n\tdocker build -t dockerfix .\n")
    return Facts(read_snapshot(tmp_path, ()))


def test_the_package_is_made_of_what_the_image_copies(own: Facts, tmp_path: Path) -> None:
    assert own.dockerfiles == ("Dockerfile",)
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "dist"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    assert len([*(tmp_path / "dist").iterdir()]) == 1


def test_nothing_is_found_in_our_own_dockerfile(own: Facts) -> None:
    assert rejections(own.dockerfile("Dockerfile")) == ()
    assert [f"{f}" for check in CHECKS for f in check.findings(own)] == []


def test_our_image_is_pinned_and_runs_as_nobody(own: Facts) -> None:
    graph = own.stages("Dockerfile")
    images = {graph.image(s) for s in graph.stages if graph.base(s) is None}
    assert all(re.fullmatch(r"[a-z]+:\d+\.\d+\.\d+-alpine\d+\.\d+", image) for image in images)
    assert len(graph.stages) > len(images) == 1
    users = [item for item in graph.stages[-1].instructions if isinstance(item, OneArgument)]
    named = [item.argument.raw for item in users if item.keyword == "USER" and item.argument]
    assert named
    assert all(re.fullmatch(r"[1-9]\d*:[1-9]\d*", user) for user in named)


def test_the_builder_is_sent_only_what_the_image_needs(own: Facts, tmp_path: Path) -> None:
    for name in (".venv/lib/a.py", "tests/a.py", "dockerfix/__pycache__/a.pyc", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("not for the image\n")
    words = [str(BIN / "dockerfix"), "context", "Dockerfile", "--root", ".", "--format", "json"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=True)
    (build,) = json.loads(done.stdout)["builds"]
    assert build["fails"] is None
    assert build["classic"]["files"] > 0
    assert build["classic"]["never_used"]["files"] == 0
