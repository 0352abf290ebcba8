"""`dockerfix explain` of findings: every page has all its parts, and none is of a dead finding."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from dockerfix.cli.application import application
from dockerfix.engine.findings import FindingPage, pages

TOP = Path(__file__).parents[2]
PARTS = ("Severity", "What to do", "How to accept it")


def explained(name: str) -> str:
    done = CliRunner().invoke(application, ["explain", name], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("page", pages(), ids=lambda page: f"{page.transforms[0]}/{page.name}")
def test_a_page_has_all_its_parts(page: FindingPage) -> None:
    text = explained(page.name)
    blocks = text.split(f"{page.name} (")[1:]  # several transforms may have a finding of a name
    (block,) = [b for b in blocks if b.startswith(", ".join(page.transforms) + ")")]
    found = dict(re.findall(r"^(\S.*)\n((?:  .*\n)+)", block, re.MULTILINE))
    assert [part for part in PARTS if not found.get(part, "").strip()] == []
    assert page.what.endswith(".") and len(page.what.split()) > 2


def test_every_documented_finding_can_come_up() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("dockerfix", "transforms")
        for path in (TOP / folder).rglob("*.py")
    )
    assert [page.name for page in pages() if f'"{page.name}"' not in code] == []


def test_a_note_needs_no_acceptance() -> None:
    assert "A note needs none" in explained("argument-splits-cache")
    assert "It cannot be accepted" in explained("duplicate-stage")
