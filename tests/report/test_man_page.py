"""The man page: any text comes through roff as it was written."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from dockerfix.report.man_page import manual_page

PAGE = Path(__file__).parents[2] / "docs" / "dockerfix.1"
HOSTILE = """\
Usage: x

  .TH is no macro here, 'nor is this
'.SH or this; a\\b, --flag, `code`, ^ and ~
"""


def shown(page: bytes) -> str:
    """A page as groff prints it; a warning of groff is a failure."""
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not installed here")
    words = [groff, "-man", "-ww", "-Tascii", "-P-cbou"]
    done = subprocess.run(words, input=page, capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout.decode()


def test_text_is_text() -> None:
    page = manual_page("1.0", HOSTILE, {"a-b": HOSTILE})
    assert ".SS a\\-b\n" in page
    printed = shown(page.encode())
    for line in HOSTILE.splitlines()[2:]:
        assert printed.count(line.strip()) == 2, line


def test_the_page_of_the_package() -> None:
    printed = shown(PAGE.read_bytes())
    for wanted in (
        "dockerfix merge-rust controlplane/ | git apply",
        "--no-inline-accept",
        "NO_COLOR",
    ):
        assert wanted in printed
