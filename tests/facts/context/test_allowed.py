"""An ignore file that lets through some sources says of them what the old one said."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dockerfix.facts.context.allowed import exceptions, is_allow_list, kept_rules, outermost
from dockerfix.facts.trees.globs import match
from dockerfix.facts.trees.ignore import IgnoreFile, Judge, read_ignore
from dockerfix.facts.trees.projection import ProjectionError
from dockerfix.text import Source

NAMES = ("a", "b", "ab", ".git")
PATHS = ["/".join(parts) for depth in range(1, 4) for parts in product(NAMES, repeat=depth)]


def read(*lines: str) -> IgnoreFile:
    return read_ignore(Source(".dockerignore", "".join(f"{line}\n" for line in lines).encode()))


def allowed(file: IgnoreFile, *sources: str) -> Judge:
    return Judge(["*", *exceptions(sources), *kept_rules(file, sources)])


def covered(path: str, sources: tuple[str, ...]) -> bool:
    """Whether a source is a path, or a folder that holds it."""
    parts = path.split("/")
    return any(match(s, "/".join(parts[:n])) for s in sources for n in range(1, len(parts) + 1))


PART = st.sampled_from((*NAMES, "*", "a*", "?", "**"))
PATTERN = st.lists(PART, min_size=1, max_size=3).map("/".join)
LINE = st.builds(lambda sign, text: sign + text, st.sampled_from(("", "", "!")), PATTERN)
SOURCE = st.lists(st.sampled_from((*NAMES, "a*", "*")), min_size=1, max_size=3).map("/".join)


@settings(max_examples=400, deadline=None)
@example(["a", "!a/a", "*"], ["a", "b/a"])
@given(st.lists(LINE, max_size=5), st.lists(SOURCE, min_size=1, max_size=3))
def test_a_source_is_judged_as_before(lines: list[str], sources: list[str]) -> None:
    file, given_sources = read(*lines), tuple(sources)
    try:
        new = allowed(file, *given_sources)
    except ProjectionError:
        return
    old = Judge(file.rules)
    for path in PATHS:
        if covered(path, given_sources):
            assert new.judge_path(path).matched == old.judge_path(path).matched, path


def test_everything_else_is_left_out() -> None:
    new = allowed(read("**/ab"), "a/b", "b")
    through = [path for path in PATHS if not new.judge_path(path).matched]
    assert through
    assert all(covered(path, ("a/b", "b")) for path in through)


def test_lines_that_cannot_concern_a_source_go() -> None:
    file = read("b", "a/ab", "**/.git", "a/b/*.log")
    assert kept_rules(file, ["a/b"]) == ("**/.git", "a/b/*.log")


def test_a_pattern_for_a_folder_above_stays_in_force() -> None:
    new = allowed(read("a"), "a/b")
    assert new.judge_path("a/b/ab").matched


def test_an_exception_for_a_folder_above_takes_back_the_source_alone() -> None:
    file = read("a", "!a")
    assert kept_rules(file, ["a/b"]) == ("a", "a/**", "!a/b")


def test_a_wide_exception_is_refused() -> None:
    with pytest.raises(ProjectionError, match="cannot be cut"):
        kept_rules(read("a", "!**"), ["a/b"])


def test_outermost_sources() -> None:
    assert outermost(["a/b", "a", "ab", "a/b/c"]) == ("a", "ab")


def test_an_allow_list() -> None:
    assert is_allow_list(read("*", "!a"))
    assert not is_allow_list(read("a", "*"))
    assert not is_allow_list(read())
