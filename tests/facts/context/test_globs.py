"""Wildcards as Go's filepath.Match takes them; the answers are Go 1.26's own."""

from __future__ import annotations

import pytest

from dockerfix.facts.trees.globs import BadPatternError, has_wildcard, match


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.md", "a.md", True),
        ("*.md", "a/b.md", False),
        ("a?c", "a/c", False),
        ("a[/]c", "a/c", True),
        ("a[^b]c", "a/c", True),
        ("[!a]", "!", True),
        ("[!a]", "b", False),
        ("[^a]", "b", True),
        ("[a-c]", "b", True),
        ("x[z-a]y", "xzy", False),
        ("x[^z-a]y", "xqy", True),
        ("[\\]]", "]", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("**", "a", True),
        ("**/x", "a/x", True),
        ("**/x", "a/b/x", False),
        ("", "", True),
        ("é?", "éé", True),
        ("a.c", "abc", False),
    ],
)
def test_match(pattern: str, path: str, expected: bool) -> None:
    assert match(pattern, path) is expected


@pytest.mark.parametrize("pattern", ["[", "[a", "[]a]", "[-a]", "[a-]", "[^]", "a\\", "[\\"])
def test_malformed(pattern: str) -> None:
    with pytest.raises(BadPatternError):
        match(pattern, "a")


def test_what_is_a_wildcard() -> None:
    assert all(map(has_wildcard, ("*", "a?", "[a]", "\\\\*")))
    assert not any(map(has_wildcard, ("a", "\\*", "a]", "\\[a", "{a,b}", "!a")))
