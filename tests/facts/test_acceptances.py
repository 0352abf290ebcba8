"""Acceptances in files: what is a comment, and which line it is about."""

from __future__ import annotations

import pytest

from dockerfix.facts.acceptances import read_acceptances
from dockerfix.testing import parse_tree


def read(path: str, text: str) -> list[tuple[int, str, str]]:
    """The line, the name and the reason of each comment of one file."""
    snapshot = parse_tree(f"-- {path} --\n{text}")[1].snapshot()
    return [(one.line, one.name, one.reason) for one in read_acceptances(snapshot)]


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("Dockerfile", "# dockerfix: accept a-b we know\nFROM x\n", [(2, "a-b", "we know")]),
        (
            "x.Dockerfile",
            "FROM x\n\n#dockerfix: accept a why\n\n# more\nRUN y\n",
            [(6, "a", "why")],
        ),
        (
            "Dockerfile",
            "# dockerfix: accept a one\n# dockerfix: accept b two\nFROM x\n",
            [(3, "a", "one"), (3, "b", "two")],
        ),
        # In a Dockerfile it is text behind an instruction, and comments below nothing are idle.
        ("Dockerfile", "RUN x # dockerfix: accept a why\n", []),
        ("Dockerfile", "FROM x\n# dockerfix: accept a why\n", []),
        (".gitlab-ci.yml", "a: b  # dockerfix: accept a why\n", [(1, "a", "why")]),
        (".gitlab-ci.yml", "a: b# dockerfix: accept a why\n", []),
        ("build.sh", "  # dockerfix: accept a why  \r\nmake\r\n", [(2, "a", "why")]),
        ("Makefile", "all:\n\t# dockerfix: accept a why\n\tmake\n", [(3, "a", "why")]),
        ("compose.yaml", "# dockerfix: accept a\na: b\n", [(2, "a", "")]),
        ("compose.yaml", "# dockerfix: accept\na: b\n", []),
        ("compose.yaml", "# dockerfix: accepted a why\na: b\n", []),
        ("compose.yaml", "# dockerfix: accept A_b why\na: b\n", []),
        ("README.md", "# dockerfix: accept a why\ntext\n", []),
    ],
)
def test_comments(path: str, text: str, found: list[tuple[int, str, str]]) -> None:
    assert read(path, text) == found
