"""`dockerfix context`: the answer as a table and as JSON, and bad input with what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dockerfix.report.context_table import SIZES
from dockerfix.text.units import human

Run = Callable[..., Any]

SAMPLE = Path(__file__).parents[2] / "sample-repo"


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A copy of the sample repository with weight that Git does not know of."""
    folder = tmp_path / "sample"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("target", "node_modules"))
    for path, size in (
        (".git/objects/pack/pack", 3_000_000),
        ("console/node_modules/vite/index.js", 500_000),
        ("datasets/people.csv", 2_000_000),
        ("controlplane/target/debug/server", 1_500_000),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"x" * size)
    return folder


def test_what_the_console_costs(dockerfix: Run, sample: Path) -> None:
    result = dockerfix("context", "console", "--target", "release", cwd=sample)
    assert (result.code, result.err) == (0, "")
    text = result.out.decode()
    lines: dict[str, list[str]] = {}
    for line in text.splitlines():
        lines.setdefault(line.split("  ")[0], line.split())
    assert "console/Dockerfile  context .  target release" in text
    assert "asked for by .gitlab-ci.yml:226:9 (GitLab job build / release)" in text
    assert lines["BuildKit"][1:5] == ["15", "28.8", "kB", "0"]
    assert lines["datasets/people.csv"][1:] == ["1", "2.0", "MB", "never", "none", "of", "it"]
    assert "SENT TO THE CLASSIC BUILDER AND NEVER USED" in text
    assert "6:1: if it were read, `nginx.conf` would leave out console/nginx.conf" in text
    assert text.endswith(f"{SIZES}\n")
    assert ".git" not in lines
    assert ".dockerignore:4" not in lines  # `.git` does something here
    assert ".dockerignore:2" in lines


def test_json(dockerfix: Run, sample: Path) -> None:
    result = dockerfix("context", "console", "--format", "json", cwd=sample)
    data = json.loads(result.out)
    assert data["schema"] == 1
    assert data["sizes"] == "working tree"
    assert [build["target"] for build in data["builds"]] == ["development", "release"]
    build = data["builds"][1]
    assert build["fails"] is None
    assert build["assumed"] is False
    assert build["asked_by"][0]["name"] == "build / release"
    assert build["folder"]["bytes"] > 7_000_000
    assert build["buildkit"]["files"] == 15
    assert build["buildkit"]["asked"][-1]["instruction"].startswith("COPY ./console/nginx.conf")
    assert 2_000_000 < build["classic"]["bytes"] < 2_200_000
    assert build["classic"]["never_used"]["largest"][0] == {
        "path": "datasets/people.csv",
        "files": 1,
        "bytes": 2_000_000,
    }
    assert build["largest"][0]["sent_to_buildkit"] == {"files": 0, "bytes": 0}
    assert {"path": ".dockerignore", "line": 2, "text": "**/dist", "matches": False} in build[
        "idle_lines"
    ]
    (dormant,) = build["dormant"]
    assert dormant["path"] == "console/.dockerignore"
    assert "console/nginx.conf" in [trap["leaves_out"] for trap in dormant["traps"]]


def test_a_dockerfile_that_nothing_builds(dockerfix: Run, repository: Path) -> None:
    (repository / "app" / "Dockerfile").write_text("FROM a\nCOPY gone /x\nCOPY . /y\n")
    text = dockerfix("context", "app").out.decode()
    assert "  no call site asks for it: app is taken for the context" in text
    assert 'this build fails: app/Dockerfile:2:1: "/gone": not found' in text
    assert "BuildKit is asked for the whole context by app/Dockerfile:3:1" in text


def test_a_file_that_arrives_empty(dockerfix: Run, repository: Path) -> None:
    (repository / "app" / "Dockerfile").write_text("FROM a\nCOPY . /x\n")
    (repository / "app" / "main.c").write_text("int main;\n")
    (repository / ".dockerignore").write_text("*\n!app/main.c\napp\n")
    (repository / ".gitlab-ci.yml").write_text("a:\n  script: docker build -f app/Dockerfile .\n")
    text = dockerfix("context", "app").out.decode()
    assert "BuildKit sends app/main.c empty" in text


def test_what_cannot_be_known_or_counted_is_said(dockerfix: Run, repository: Path) -> None:
    (repository / ".gitlab-ci.yml").write_text(
        "a:\n  script:\n    - docker build -f app/Dockerfile $WHERE\n"
        "b:\n  script:\n    - docker build --build-context lib=app -f Dockerfile .\n"
    )
    text = dockerfix("context", "app").out.decode()
    assert "asked for by .gitlab-ci.yml:3:7 (GitLab job a): docker build" in text
    assert "  the context is not known: app is taken for the context" in text
    text = dockerfix("context", "Dockerfile").out.decode()
    assert "  the named context lib (app) is sent too, and not counted here" in text


def test_an_own_ignore_file(dockerfix: Run, repository: Path) -> None:
    (repository / "app" / "Dockerfile.dockerignore").write_text("# nothing\n*.log\n")
    text = dockerfix("context", "app").out.decode()
    assert "The classic builder does not read app/Dockerfile.dockerignore" in text
    assert "app/Dockerfile.dockerignore:2  *.log  matches nothing now" in text


def test_nothing_there(dockerfix: Run, repository: Path) -> None:
    (repository / "empty").mkdir()
    (repository / "empty" / "x").touch()
    result = dockerfix("context", "empty")
    assert (result.code, result.out) == (64, b"")
    assert "there is no Dockerfile in empty" in result.err
    result = dockerfix("context", "app", "--target", "none")
    assert result.code == 64
    assert "no Dockerfile of app has a stage none" in result.err


def test_an_ignore_file_that_docker_rejects(dockerfix: Run, repository: Path) -> None:
    (repository / "app" / ".dockerignore").write_text("ok\n[\n")
    (repository / "app" / "Dockerfile").write_text("FROM a\nCOPY . /\n")
    result = dockerfix("context", "app")
    assert (result.code, result.out) == (2, b"")
    assert result.err.startswith("dockerfix: app/.dockerignore:2:1: ")
    assert "correct the pattern" in result.err


def test_output_file(dockerfix: Run, repository: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    result = dockerfix("context", "app", "--format", "json", "-o", str(target))
    assert (result.code, result.out) == (0, b"")
    assert json.loads(target.read_text())["builds"][0]["dockerfile"] == "app/Dockerfile"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_940, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (1_500_000_000, "1.5 GB"),
        (5 * 10**15, "5000 TB"),
    ],
)
def test_sizes_for_a_person(size: int, text: str) -> None:
    assert human(size) == text
