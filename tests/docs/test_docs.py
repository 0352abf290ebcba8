"""The manual says what the program does: generated pages are fresh, findings are documented."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

TOP = Path(__file__).parent.parent.parent


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", TOP / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_fresh() -> None:
    stale = [
        path
        for path, text in generator().pages()
        if not (TOP / path).is_file() or (TOP / path).read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `make docs` and review the change"


def named_findings() -> Iterator[str]:
    """Names of findings that come up in any case."""
    for case in (TOP / "tests" / "transforms" / "cases").rglob("*.case"):
        _, _, outcome = case.read_text(encoding="utf-8", errors="surrogateescape").partition(
            "\n== "
        )
        yield from re.findall(r"^(?:note|assume|refuse) ([a-z-]+):", outcome, re.MULTILINE)


def test_every_finding_is_documented() -> None:
    page = (TOP / "dockerfix" / "findings.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE))
    named = set(named_findings())
    assert named, "no case names a finding"
    assert sorted(named - documented) == []


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_readme_opens_with_the_two_commands(command: str) -> None:
    head = (TOP / "README.md").read_text(encoding="utf-8").split("```")[1]
    assert command in head


def test_readme_links_lead_somewhere() -> None:
    text = (TOP / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert links
    assert [link for link in links if not (TOP / link).is_file()] == []
