"""Bad input is a clear message with its place and the right exit code: no traceback, no loss."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(8)
)


def refused(result: Any) -> str:
    """What the report says where a transform cannot do without an unreadable file."""
    assert (result.code, result.out) == (2, b""), result.err
    assert "Traceback" not in result.err
    assert "refused, no patch" in result.err
    return str(result.err)


def one_message(result: Any, code: int) -> str:
    assert (result.code, result.out) == (code, b""), result.err
    assert "Traceback" not in result.err
    assert result.err.startswith("dockerfix: ")
    return str(result.err)


def test_a_yaml_bomb(dockerfix: Run, repository: Path) -> None:
    (repository / ".gitlab-ci.yml").write_text(BOMB)
    result = dockerfix("builds")
    assert result.code == 0
    assert b"NOT FOLLOWED\n.gitlab-ci.yml:" in result.out


BROKEN = {
    ".gitlab-ci.yml": "build:\n  script: docker build -t a app\nx: [\n",
    ".github/workflows/x.yml": "on: push\njobs: {docker build\n",
    "compose.yaml": "services: [docker build\n",
    "package.json": '{"scripts": docker build\n',
    "docker-bake.hcl": 'target "x" {\n',
    "docker-bake.json": "{",
    "tool.py": 'import subprocess\nsubprocess.run(["docker", "build"\n',
    "Cargo.toml": "[workspace\n",
}


@pytest.mark.parametrize("path", BROKEN)
def test_a_broken_file_beside_good_ones(dockerfix: Run, repository: Path, path: str) -> None:
    (repository / "Makefile").write_text("image:\n\tdocker build -t a app\n")
    (repository / path).parent.mkdir(parents=True, exist_ok=True)
    (repository / path).write_text(BROKEN[path])
    result = dockerfix("builds")
    assert result.code == 0, result.err
    assert b"app/Dockerfile" in result.out
    if path not in ("Cargo.toml", "docker-bake.json"):
        assert path.encode() in result.out
    assert dockerfix("pin").code == 0


@pytest.mark.parametrize(
    "path",
    ["app/x.Dockerfile", "Cargo.toml", "x.sh", ".gitlab-ci.yml", "compose.yaml", "x.py", "loop",
     "package.json", "Makefile", ".github/workflows/x.yml", "README.md", "docker-bake.hcl"],
)  # fmt: skip
def test_a_link_to_itself_beside_good_files(dockerfix: Run, repository: Path, path: str) -> None:
    (repository / path).parent.mkdir(parents=True, exist_ok=True)
    (repository / path).symlink_to(Path(path).name)
    assert dockerfix("builds").code == 0
    assert dockerfix("context", "app").code == 0
    assert dockerfix("pin").code == 0
    assert "internal" not in dockerfix("check", "--only", "pin").err


def test_an_unreadable_file_is_in_every_format(dockerfix: Run, repository: Path) -> None:
    (repository / "Dockerfile").unlink()
    (repository / "Dockerfile").symlink_to("Dockerfile")
    for form in ("json", "sarif", "gitlab-codequality", "markdown"):
        result = dockerfix("pin", "--format", form)
        assert result.code == 2
        assert b"a symbolic link that cannot be followed" in result.out


def test_a_dockerfile_of_100_mb(dockerfix: Run, repository: Path) -> None:
    with (repository / "Dockerfile").open("wb") as file:
        file.truncate(100 << 20)
    message = refused(dockerfix("pin"))
    assert "Dockerfile:1:1: 105 MB large" in message
    assert "--exclude" in message


@pytest.mark.parametrize("target", ["../outside", "/etc/hostname", "Dockerfile"])
def test_a_symbolic_link_in_the_place_of_a_dockerfile(
    dockerfix: Run, repository: Path, target: str
) -> None:
    (repository.parent / "outside").write_bytes(b"FROM a\n")
    (repository / "Dockerfile").unlink()
    (repository / "Dockerfile").symlink_to(target)
    assert "Dockerfile:1:1: " in refused(dockerfix("pin", "--write"))
    assert (repository.parent / "outside").read_bytes() == b"FROM a\n"


def test_an_argument_that_is_a_link_out_of_the_root(dockerfix: Run, repository: Path) -> None:
    (repository.parent / "elsewhere").mkdir()
    (repository / "link").symlink_to("../elsewhere")
    assert "link: leads to" in one_message(dockerfix("pin", "link"), 64)


def test_a_dockerfile_that_is_no_utf8(dockerfix: Run, repository: Path) -> None:
    # BuildKit takes any bytes, and so does the tree: nothing is lost on the way.
    (repository / "Dockerfile").write_bytes(b"# caf\xe9\nFROM a\nRUN \xff\n")
    result = dockerfix("pin")
    assert result.code == 0
    assert b"\n # caf\xe9\n-FROM a\n+FROM a AS pinned\n RUN \xff\n" in result.out


def test_a_dockerfile_without_instructions(dockerfix: Run, repository: Path) -> None:
    (repository / "Dockerfile").write_bytes(b"")
    result = dockerfix("pin")
    # The toy transform takes a stage for granted, as a careless plugin would.
    assert one_message(result, 3).startswith("dockerfix: internal error: IndexError")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(dockerfix: Run, repository: Path) -> None:
    (repository / "Dockerfile").chmod(0)
    assert "permission denied" in refused(dockerfix("pin"))


def test_a_fifo_is_not_waited_for(dockerfix: Run, repository: Path) -> None:
    (repository / "Dockerfile").unlink()
    os.mkfifo(repository / "Dockerfile")
    refused(dockerfix("pin"))
