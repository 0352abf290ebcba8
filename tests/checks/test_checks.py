"""Each check over the trees in `cases`: what it finds, and above all what it leaves alone.

A case is a tree, a line `== found ==`, and the findings as `name place: what`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerfix.checks.all import CHECKS
from dockerfix.facts.finding import Severity
from dockerfix.facts.repository import Facts
from dockerfix.testing import parse_tree

CASES = sorted((Path(__file__).parent / "cases").glob("*.tree"))
PAGE = Path(__file__).parents[2] / "docs" / "check.md"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    tree, _, expected = path.read_text(encoding="utf-8").partition("\n== found ==\n")
    facts = Facts(parse_tree(tree + "\n")[1].snapshot())
    found = [f"{f.name} {f}" for check in CHECKS for f in check.findings(facts)]
    assert "".join(f"{line}\n" for line in found) == expected


def test_every_check_has_a_case_and_a_line_in_the_manual() -> None:
    cases = "\n".join(path.read_text(encoding="utf-8") for path in CASES)
    page = PAGE.read_text(encoding="utf-8")
    for check in CHECKS:
        assert f"\n{check.name} " in cases
        assert f"| `{check.name}` |" in page


def test_a_finding_is_shown_until_it_is_accepted() -> None:
    text = "-- .gitlab-ci.yml --\na: {script: [x], needs: [b]}\n"
    (found,) = (
        f for check in CHECKS for f in check.findings(Facts(parse_tree(text)[1].snapshot()))
    )
    assert found.severity is Severity.ASSUME
    assert found.accepted_by({"needed-job-absent@.gitlab-ci.yml"})
