"""Every finding of the source has a page; the pages are well-formed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from dockerfix.checks.all import CHECKS
from dockerfix.engine.findings import COMMON, examples, pages
from dockerfix.engine.registry import Registry
from dockerfix.repo.settings import CHECKS as CHECKS_TABLE

TOP = Path(__file__).parents[2]
_NAME = re.compile(r"[a-z]+(-[a-z]+)*")
_CALLS = {"Finding": 1, "_UnreadableError": 0, "refusal": 1, "leave_out": 1}
"""What makes a finding, and which argument is its name."""


def names(tree: ast.AST) -> Iterator[str]:
    """Names that a module gives to findings, as literals."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        called = node.func.id if isinstance(node.func, ast.Name) else called
        given = [k.value for k in node.keywords if k.arg == "name" and called == "at"]
        position = _CALLS.get(called)
        if position is not None and len(node.args) > position:
            given.append(node.args[position])
        for value in given:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def test_every_finding_of_the_source_has_a_page() -> None:
    known = {page.name for page in pages()}
    missing = {}
    for folder in ("dockerfix", "transforms"):
        for path in (TOP / folder).rglob("*.py"):
            found = set(names(ast.parse(path.read_bytes()))) - known
            if found:
                missing[path.name] = sorted(found)
    assert missing == {}


def test_pages_are_well_formed() -> None:
    transforms = {*Registry.installed().names, COMMON, CHECKS_TABLE}
    seen = [(name, page.name) for page in pages() for name in page.transforms]
    assert len(seen) == len(set(seen))
    for page in pages():
        assert set(page.transforms) & transforms
        assert _NAME.fullmatch(page.name)
        assert page.what
        assert set(re.split(r", | or ", page.severity)) <= {
            "note", "assume", "refuse", "left", "accept"
        }  # fmt: skip


def test_every_check_has_a_page() -> None:
    known = {page.name for page in pages() if CHECKS_TABLE in page.transforms}
    assert {check.name for check in CHECKS} == known


def test_examples_belong_to_pages() -> None:
    listed = {f"{name}/{page.name}" for page in pages() for name in page.transforms}
    common = {page.name for page in pages() if COMMON in page.transforms}
    assert [e for e in examples() if e not in listed and e.partition("/")[2] not in common] == []
