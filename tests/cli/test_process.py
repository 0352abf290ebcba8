"""The process: pipes that close, Control-C, terminals, colour."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-c", "from dockerfix.cli import main; main()"]


def test_control_c(environment: dict[str, str], repository: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "sleep", "--write"],
        cwd=repository, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (repository / "started").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, b"")
    assert err.decode().strip() == "dockerfix: interrupted; nothing was written"


@pytest.mark.parametrize("arguments", [["pin"], ["pin", "--format", "json"], ["builds"]])
def test_a_reader_that_goes_away(
    environment: dict[str, str], repository: Path, arguments: list[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=repository, env=environment, stdout=writing, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writing)
    assert done.returncode == 141
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def on_terminal(arguments: list[str], folder: Path, environment: dict[str, str]) -> bytes:
    """What dockerfix prints on a terminal, both streams, carriage returns taken out."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=folder, env=environment, stdout=slave, stderr=slave
    )
    os.close(slave)
    chunks = []
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # Linux reports the end of a terminal so
            break
        if not chunk:
            break
        chunks.append(chunk)
    process.wait(timeout=120)
    os.close(master)
    return b"".join(chunks).replace(b"\r\n", b"\n")


def coloured(shown: bytes) -> bool:
    """Whether anything is coloured; a slow run also shows its progress, and clears that line."""
    return b"\x1b[" in shown.replace(b"\x1b[K", b"")


def test_colour_on_a_terminal_only(environment: dict[str, str], repository: Path) -> None:
    shown = on_terminal(["pin"], repository, environment)
    assert b"\x1b[32mFROM a\x1b[0m\x1b[32;7m AS pinned\x1b[0m" in shown
    assert b"\x1b[1mAssumed\x1b[0m" in shown
    for plain in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert not coloured(on_terminal(["pin"], repository, {**environment, **plain}))
    assert not coloured(on_terminal(["pin", "--color", "never"], repository, environment))


def test_colour_that_is_asked_for(environment: dict[str, str], repository: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "pin", "--color", "always"],
        cwd=repository, env=environment, capture_output=True, check=True,
    )  # fmt: skip
    assert b"\x1b[31mFROM a\x1b[0m\n" in done.stdout
    assert b"\x1b[" in done.stderr


def test_a_terminal_gets_a_table_of_builds(environment: dict[str, str], repository: Path) -> None:
    (repository / "Makefile").write_text("image:\n\tdocker build -t a app\n")
    shown = on_terminal(["builds"], repository, environment).decode()
    assert "app/Dockerfile" in shown
    assert "\x1b[36mMakefile\x1b[0m" in shown


def test_a_name_that_is_no_utf8(environment: dict[str, str], repository: Path) -> None:
    folder = repository / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "Dockerfile").write_bytes(b"FROM a\n")
    done = subprocess.run(
        [*COMMAND, "pin", b"caf\xe9"],
        cwd=repository, env=environment, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b'--- "a/caf\\351/Dockerfile"\n' in done.stdout
