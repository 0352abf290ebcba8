"""The manual says what the program does: generated pages are fresh, findings are documented."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import shutil
import subprocess
import sys
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
    links = re.findall(r"\]\(([^)]+)\)", text)
    headings = {
        "#" + re.sub(r"[^a-z0-9 -]", "", line.lower()).replace(" ", "-")
        for line in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    inside = [link for link in links if not link.startswith("https://")]
    assert inside
    assert [at for at in inside if at not in headings and not (TOP / at).is_file()] == []


def test_readme_shows_what_the_program_prints(tmp_path: Path) -> None:
    sample = tmp_path / "sample"
    shutil.copytree(TOP / "sample-repo", sample)  # as a repository of its own, not below ours
    shown = (TOP / "README.md").read_text(encoding="utf-8").partition("```console\n")[2]
    command, *lines = shown.partition("\n```")[0].splitlines()
    words = command.removeprefix("$ ").partition(" >")[0].split()
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=sample, capture_output=True, text=True, check=True,
    )  # fmt: skip
    printed = iter(done.stderr.splitlines())
    wanted = [line for line in lines if line.strip() != "..."]
    assert wanted
    assert [line for line in wanted if line not in printed] == []  # each one below the last


def test_the_guide_imports_what_there_is() -> None:
    guide = (TOP / "docs" / "adding-a-transform.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    imported = [
        (node.module, alias.name)
        for block in blocks
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names
    ]
    assert {module for module, _ in imported} == {"dockerfix.api", "dockerfix.testing"}
    for module, name in imported:
        assert name in importlib.import_module(module).__all__, name
