"""Globs as GitLab's Ruby matches them, and the exact answers about sets of them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerfix.facts.gitlab.globs import GlobError, classes, matches, uncovered


@pytest.mark.parametrize(
    ("glob", "path", "matched"),
    [
        ("controlplane/**/*", "controlplane/Cargo.toml", True),
        ("controlplane/**/*", "controlplane/src/.hidden/main.rs", True),
        ("controlplane/**/*", "controlplane", False),
        ("controlplane/**", "controlplane/src/main.rs", False),  # `**` at the end is `*`
        ("controlplane/**", "controlplane/Cargo.toml", True),
        ("controlplane", "controlplane/Cargo.toml", False),
        ("*.md", "README.md", True),
        ("*.md", "docs/README.md", False),
        ("**/*.md", "README.md", True),
        ("**/*.{md,rst}", "a/b.rst", True),
        ("a{b,{c,d}e}/x", "ade/x", True),
        ("a{b/x", "a{b/x", True),
        ("[a-c]?.x", "bb.x", True),
        ("[!a-c]?.x", "bb.x", False),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("a\\?b", "axb", False),
        ("a**/b", "a/x/b", False),
        ("", "x", False),
    ],
)
def test_one_glob(glob: str, path: str, matched: bool) -> None:
    assert matches(glob, path) is matched


@pytest.mark.parametrize(
    ("narrow", "wide", "example"),
    [
        (["a/b/**/*"], ["a/**/*"], None),
        (["a/**/*"], ["a/b/**/*", "a/*"], "a/x/x"),
        (["a/*", "a/*/**/*"], ["a/**/*"], None),
        (["a/**/*"], ["a/*", "a/*/**/*"], None),  # covered by the two together
        (["**/*.rs"], ["**/*"], None),
        (["src/[ab].c"], ["src/a.c", "src/b.c"], None),
        (["src/[abc].c"], ["src/a.c", "src/b.c"], "src/c.c"),
        (["{a,b}/x"], ["a/x"], "b/x"),
        (["docs/index.md"], ["**/*.md"], None),
    ],
)
def test_cover(narrow: list[str], wide: list[str], example: str | None) -> None:
    assert uncovered(narrow, wide) == example


def test_classes_name_every_combination_with_a_path() -> None:
    found = classes(["controlplane/**/*", "**/*.md", "console/*"])
    assert found[frozenset({"controlplane/**/*", "**/*.md"})].startswith("controlplane/")
    assert frozenset({"controlplane/**/*", "console/*"}) not in found
    for matched, path in found.items():
        assert matched == {
            g for g in ("controlplane/**/*", "**/*.md", "console/*") if matches(g, path)
        }


def test_a_variable_has_no_exact_answer() -> None:
    with pytest.raises(GlobError, match="variable"):
        classes(["$FOLDER/**/*"])


def test_too_many_alternatives_are_refused() -> None:
    with pytest.raises(GlobError):
        matches("{a,b}" * 12, "x")


_PIECES = st.sampled_from(["a", "b", "*", "**", "?", "[ab]", "{a,b}", "a*", "*b"])
_GLOBS = st.lists(_PIECES, min_size=1, max_size=3).map("/".join)
_PATHS = st.lists(st.text("abc", min_size=1, max_size=2), min_size=1, max_size=3).map("/".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(_GLOBS, min_size=1, max_size=2), st.lists(_GLOBS, max_size=2), _PATHS)
def test_no_path_contradicts_the_answer(narrow: list[str], wide: list[str], path: str) -> None:
    def any_of(globs: list[str], text: str) -> bool:
        return any(matches(glob, text) for glob in globs)

    example = uncovered(narrow, wide)
    if example is None:
        assert not any_of(narrow, path) or any_of(wide, path)
    else:
        assert any_of(narrow, example)
        assert not any_of(wide, example)


def _by_regex(glob: str) -> re.Pattern[str]:
    """A second, simpler reading of the globs that the test above makes."""
    out = ""
    for segment in re.findall(r"\*\*/|[^/]+|/", glob):
        if segment == "**/":
            out += "(?:[^/]+/)*"
        else:
            text = re.escape(segment).replace(r"\{a,b\}", "(?:a|b)").replace(r"\[ab\]", "[ab]")
            out += re.sub(r"(\\\*)+", "[^/]*", text).replace(r"\?", "[^/]")
    return re.compile(out)


@settings(max_examples=200, deadline=None)
@given(_GLOBS, _PATHS)
def test_the_automaton_agrees_with_a_regular_expression(glob: str, path: str) -> None:
    assert matches(glob, path) == (_by_regex(glob).fullmatch(path) is not None)
