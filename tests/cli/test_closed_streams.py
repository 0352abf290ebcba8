"""Streams that are closed, full or gone: a sentence and a code of its own, never a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = f"{sys.executable} -c 'from dockerfix.cli import main; main()'"
EVERY = ["pin", "builds", "check --only pin"]


def shell(line: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f"{COMMAND} {line}"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", EVERY)
def test_standard_output_is_closed(
    environment: dict[str, str], repository: Path, arguments: str
) -> None:
    done = shell(f"{arguments} >&-", repository, environment)
    assert done.returncode == 74, done.stderr
    assert "standard output cannot be written: it is closed" in done.stderr


@pytest.mark.parametrize("arguments", ["pin --format json", "explain pin", "--help"])
def test_the_disk_is_full(environment: dict[str, str], repository: Path, arguments: str) -> None:
    done = shell(f"{arguments} > /dev/full", repository, environment)
    assert done.returncode == 74, done.stderr
    assert "no space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", ["pin", "nonsense", "pin --to"])
@pytest.mark.parametrize("stream", ["2>&-", "2> /dev/full"])
def test_nobody_can_be_told(
    environment: dict[str, str], repository: Path, arguments: str, stream: str
) -> None:
    kept = shell(arguments, repository, environment)
    done = shell(f"{arguments} {stream}", repository, environment)
    assert (done.returncode, done.stdout) == (kept.returncode, kept.stdout)
    assert kept.returncode in (0, 64)


def test_an_output_file_in_no_folder(environment: dict[str, str], repository: Path) -> None:
    done = shell("pin --output no/such.patch", repository, environment)
    assert done.returncode == 74
    assert "no/such.patch cannot be written: no such file or directory" in done.stderr
