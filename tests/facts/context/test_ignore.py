"""Ignore files: lines as Docker reads them, verdicts as PatternMatcher gives them."""

from __future__ import annotations

import random

import pytest
from e2b_dockerfile_utils import PatternMatcher

from dockerfix.facts.trees.ignore import BadIgnoreError, Judge, read_ignore
from dockerfix.text import Source


def rules(data: bytes) -> tuple[str, ...]:
    return read_ignore(Source(".dockerignore", data)).rules


class TestLines:
    def test_comments_blanks_and_cleaning(self) -> None:
        data = b"# c\n  a//b/./c/  \n\n/root\n!/kept/\n! spaced\n ./x/../y\n/\n"
        assert rules(data) == ("a/b/c", "root", "!kept", "!spaced", "y", "/")

    def test_a_comment_begins_in_the_first_column_only(self) -> None:
        assert rules(b"#a\n #b\n") == ("#b",)
        assert Judge(["#b"]).judge_path("#b").matched

    def test_the_mark_counts_on_the_first_line_only(self) -> None:
        assert rules(b"\xef\xbb\xbf#a\nb\n\xef\xbb\xbfc") == ("b", "\ufeffc")

    def test_carriage_returns_and_no_final_newline(self) -> None:
        assert rules(b"a\r\nb\r\nc") == ("a", "b", "c")

    def test_bytes_that_are_no_utf8(self) -> None:
        assert rules(b"caf\xe9\n") == ("caf\udce9",)

    def test_places_and_comments(self) -> None:
        file = read_ignore(Source("x/.dockerignore", b"# why\n# so\n\n# this\na\n  !b\n"))
        first, second = file.lines
        assert (first.number, first.comments) == (5, ("# this",))
        assert str(file.place(second)) == "x/.dockerignore:6:1"
        assert (second.written, second.pattern, second.negated) == ("  !b", "b", True)


class TestVerdicts:
    @pytest.mark.parametrize(
        ("patterns", "matched", "left"),
        [
            (["dist"], ["dist", "dist/a/b"], ["a/dist", "distx"]),
            (["**/dist"], ["dist", "a/b/dist/c"], ["distx"]),
            (["*.md", "!README.md"], ["a.md"], ["README.md", "docs/a.md"]),
            (["*", "!src"], ["a", "b/c"], ["src", "src/a"]),
            (["dir", "!dir/keep", "dir"], ["dir", "dir/x"], ["dir/keep"]),
            (["!a", "a"], ["a"], []),
            (["/a", "a/../b"], [], ["a"]),
            (["!x*", "**"], ["x"], []),
        ],
    )
    def test_examples(self, patterns: list[str], matched: list[str], left: list[str]) -> None:
        judge = Judge(patterns)
        assert all(judge.judge_path(path).matched for path in matched)
        assert not any(judge.judge_path(path).matched for path in left)

    @pytest.mark.parametrize("seed", range(20))
    def test_the_same_as_pattern_matcher(self, seed: int) -> None:
        rng = random.Random(seed)
        names = ("a", "b", "ab", "x.md", "dist")
        parts = (*names, "*", "**", "?", "a*", "*b", "[ab]", "**a", "a**", "*.md")
        for _ in range(40):
            patterns = [
                rng.choice(("", "", "!"))
                + "/".join(rng.choice(parts) for _ in range(rng.choice((1, 1, 2, 3))))
                for _ in range(rng.randint(1, 6))
            ]
            judge, oracle = Judge(patterns), PatternMatcher(patterns)
            for _ in range(40):
                path = "/".join(rng.choice(names) for _ in range(rng.randint(1, 4)))
                verdict = judge.judge_path(path)
                assert verdict.matched == oracle.matches(path), (patterns, path)
                head, _, _ = path.rpartition("/")
                above = judge.judge_path(head) if head else None
                assert judge.matches(path, above) == verdict.matched
                if verdict.matched and not judge.may_differ_below(path):
                    assert judge.judge_path(path + "/deeper").matched

    def test_files_that_arrive_empty(self) -> None:
        judge = Judge(["*", "!src/a", "src"])
        assert not judge.judge_path("src/a").matched
        assert judge.empties("src/a")
        assert not judge.empties("src/b")  # it is not sent at all
        assert not Judge(["*", "!src/a"]).empties("src/a")
        assert not Judge(["src", "*", "!src/a"]).empties("src/a")

    @pytest.mark.parametrize("pattern", ["[", "a[", "!", "! ", "a\\"])
    def test_what_docker_rejects(self, pattern: str) -> None:
        with pytest.raises(BadIgnoreError) as caught:
            Judge(["ok", pattern])
        assert caught.value.index == 1
        assert pattern in str(caught.value)
