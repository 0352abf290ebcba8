"""Patterns of `exclude`. The rows are what Git answers for the same line of a .gitignore."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dockerfix.repo.errors import GlobError
from dockerfix.repo.globs import compile_globs

PATTERNS = [
    "Dockerfile",
    "/Dockerfile",
    "a/Dockerfile",
    "/a/Dockerfile",
    "*.txt",
    "a/*.txt",
    "a*/",
    "b/",
    "**/c",
    "a/**/c",
    "a/**",
    "a/?/c",
    "[ab].txt",
    "[!a].txt",
    "[^a].txt",
    "[a-b].txt",
    "[]x].txt",
    r"\*.txt",
    "*",
    "a.txt",
    "**/b/c",
    "a/b/c",
    "a**c",
    "b*",
]
FILES = [
    "Dockerfile",
    "a/Dockerfile",
    "x/a/Dockerfile",
    "a.txt",
    "b.txt",
    "c.txt",
    "].txt",
    "*.txt",
    "a/a.txt",
    "a/b/a.txt",
    "a/c",
    "a/b/c",
    "a/b/d/c",
    "axc",
    "aXtxt",
    "abc/c",
    "x/b/y",
    "b",
]


def seen(pattern: str) -> set[str]:
    """The files that a walk meets when it prunes what the pattern matches."""
    matches = compile_globs([pattern])
    assert matches is not None
    found = set()
    for path in FILES:
        parts = path.split("/")
        folders = ["/".join(parts[:end]) for end in range(1, len(parts))]
        if not any(matches(folder, True) for folder in folders) and not matches(path, False):
            found.add(path)
    return found


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("globs")
    subprocess.run(["git", "init", "-q", str(top)], check=True)
    for path in FILES:
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).touch()
    return top


@pytest.mark.parametrize("pattern", PATTERNS)
def test_as_git_reads_it(repository: Path, pattern: str) -> None:
    (repository / ".git/info/exclude").write_text(f"{pattern}\n")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--others", "--exclude-standard"],
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert seen(pattern) == {path for path in listed.split("\0") if path}


def test_an_exception_takes_a_path_back_in() -> None:
    matches = compile_globs(["*.txt", "!a.txt"])
    assert matches is not None
    assert matches("b.txt", False) and not matches("a.txt", False)


def test_no_pattern_is_no_matcher() -> None:
    assert compile_globs([]) is None


def test_several_patterns_match_what_any_of_them_matches() -> None:
    matches = compile_globs(["a/", "*.txt"])
    assert matches is not None
    assert matches("a", True) and not matches("a", False) and matches("x/y.txt", False)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "not a path below the root"),
        ("/", "not a path below the root"),
        ("../a", "not a path below the root"),
        ("./a", "not a path below the root"),
        ("a//b", "not a path below the root"),
        ("!", "not a path below the root"),
        ("[a", "close its brackets"),
        ("#a", "git would ignore this line"),
        ("[z-a]", "not a gitignore pattern"),
        ("a\\", "not a gitignore pattern"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(GlobError, match=message):
        compile_globs([pattern])
