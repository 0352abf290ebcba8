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


def one_message(result: Any, code: int) -> str:
    assert (result.code, result.out) == (code, b""), result.err
    assert "Traceback" not in result.err
    assert result.err.startswith("dockerfix: ")
    return str(result.err)


def test_a_yaml_bomb(dockerfix: Run, repository: Path) -> None:
    (repository / ".gitlab-ci.yml").write_text(BOMB)
    assert ".gitlab-ci.yml:" in one_message(dockerfix("builds"), 2)


def test_a_dockerfile_of_100_mb(dockerfix: Run, repository: Path) -> None:
    with (repository / "Dockerfile").open("wb") as file:
        file.truncate(100 << 20)
    message = one_message(dockerfix("pin"), 2)
    assert message.startswith("dockerfix: Dockerfile: 105 MB large")
    assert "--exclude" in message


@pytest.mark.parametrize("target", ["../outside", "/etc/hostname", "Dockerfile"])
def test_a_symbolic_link_in_the_place_of_a_dockerfile(
    dockerfix: Run, repository: Path, target: str
) -> None:
    (repository.parent / "outside").write_bytes(b"FROM a\n")
    (repository / "Dockerfile").unlink()
    (repository / "Dockerfile").symlink_to(target)
    message = one_message(dockerfix("pin", "--write"), 2)
    assert message.startswith("dockerfix: Dockerfile: ")
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
    assert "permission denied" in one_message(dockerfix("pin"), 2)


def test_a_fifo_is_not_waited_for(dockerfix: Run, repository: Path) -> None:
    (repository / "Dockerfile").unlink()
    os.mkfifo(repository / "Dockerfile")
    one_message(dockerfix("pin"), 2)
