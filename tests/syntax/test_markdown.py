"""Where code stands in a document."""

from __future__ import annotations

import pytest

from dockerfix.syntax.markdown import code
from dockerfix.text import Source


def found(text: str, path: str = "README.md") -> list[str]:
    source = Source(path, text.encode())
    return [source.text(span) for span in code(source)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text\n", []),
        ("```sh\na\nb\n```\nc\n", ["a\nb\n"]),
        ("~~~\na\n~~~\n", ["a\n"]),
        ("````\n```\na\n```\n````\n", ["```\na\n```\n"]),
        ("```\nnever closed\n", ["never closed\n"]),
        ("```\nnever closed", ["never closed"]),
        ("```\n```\n", [""]),
        ("- one\n\n  ```\n  a\n  ```\n", ["  a\n"]),
        ("1. one\n   ```\n   a\n   ```\n   text `b`\n", ["   a\n", "b"]),
        ("> ```\n> a\n> ```\n", ["> a\n"]),
        ("text\n\n    a\n    b\n\ntext\n", ["    a\n    b\n"]),
        ("text\n    no code, the paragraph goes on\n", []),
        ("run `a b` or ``c ` d``\n", ["a b"]),
        ("# `title`\n", ["title"]),
        ("```\r\na\r\n```\r\n", ["a\r\n"]),
        ("x\ry\n\n```\na\n```\n", ["a\n"]),
        ("<details>\n\n```\na\n```\n\n</details>\n", ["a\n"]),
    ],
)
def test_markdown(text: str, expected: list[str]) -> None:
    assert found(text) == expected


def test_restructured_text() -> None:
    text = "Text ``a``::\n\n    b\n    c\n\nand\n  not here\n\n.. code-block:: sh\n\n  d\n"
    assert found(text, "README.rst") == ["a", "    b\n    c\n\n", "  d\n"]


def test_blanks_and_marks_cost_no_more_than_they_are_long() -> None:
    for head in (" " * 5_000, "\t" * 5_000, "- " * 2_000, "> " * 2_000, "`" * 5_000, "1. " * 2_000):
        found(f"{head}word\n\n`docker build .`\n")
