"""`--timeout`: a command that takes too long ends, and names the file that it was reading."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import click

from dockerfix.cli.application import Application

SLOW = """
import time
from dockerfix.facts.builds import documents
def commands(source):
    while True:
        time.sleep(0.05)
documents.commands = commands
from dockerfix.cli import run
import sys
sys.exit(run(sys.argv[1:]))
"""


def start(folder: Path, *words: str, terminal: int | None = None) -> subprocess.Popen[bytes]:
    (folder / "README.md").write_text("docker build .\n")
    return subprocess.Popen(
        [sys.executable, "-c", SLOW, *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=terminal if terminal is not None else subprocess.PIPE,
    )


def test_it_ends_and_names_the_file(repository: Path) -> None:
    process = start(repository, "builds", "--timeout", "8")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 2
    assert out == b""
    assert err.decode() == (
        "dockerfix: gave up after 8 s while reading README.md\n"
        "  -> leave the file out with --exclude, or give more time with --timeout\n"
    )


def test_on_a_terminal_it_says_what_it_is_doing(repository: Path) -> None:
    ours, theirs = pty.openpty()
    process = start(repository, "builds", "--timeout", "8", terminal=theirs)
    assert process.wait(timeout=300) == 2
    said = os.read(ours, 4096).decode()
    assert "reading README.md" in said
    assert said.endswith("--timeout\r\n")


def test_no_time_is_a_usage_error(repository: Path) -> None:
    process = start(repository, "builds", "--timeout", "0")
    process.communicate(timeout=300)
    assert process.returncode == 64


def test_every_command_that_reads_a_repository_has_a_budget() -> None:
    """`verify` builds for as long as builds take, and says every 15 seconds what it is doing."""
    application = Application()
    context = click.Context(application)
    without = set()
    for name in application.list_commands(context):
        command = application.get_command(context, name)
        assert command is not None
        options = {word for parameter in command.params for word in parameter.opts}
        if "--root" in options and "--timeout" not in options:
            without.add(name)
    assert without == {"verify"}
