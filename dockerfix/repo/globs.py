"""The patterns of `exclude`: gitignore's, by pathspec. Knows strings, not the disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from dockerfix.repo.errors import GlobError

Matcher = Callable[[str, bool], bool]
"""`matches(path, is_folder)`, the path relative to the root."""


def compile_globs(patterns: Sequence[str]) -> Matcher | None:
    """One matcher for all patterns; None when there are none. Raises `GlobError`.

    As in a .gitignore, the last pattern that matches decides, and `!` takes a path back in
    unless its folder is left out.
    """
    if not patterns:
        return None
    from pathspec import GitIgnoreSpec  # imported late: most repositories have no `exclude`

    for pattern in patterns:
        _check(pattern)
    spec = GitIgnoreSpec.from_lines(patterns)
    return lambda path, is_folder: spec.match_file(f"{path}/" if is_folder else path)


def _check(pattern: str) -> None:
    """Raises `GlobError` for what gitignore would take for nothing without a word."""
    parts = pattern.removeprefix("!").strip("/").split("/")
    if {"", ".", ".."} & set(parts):
        raise GlobError(
            repr(pattern), "not a path below the root", "write it relative to the root, as a/b"
        )
    from pathspec import GitIgnoreSpec

    try:
        read = GitIgnoreSpec.from_lines([pattern]).patterns[0]
    except (ValueError, re.error):
        raise GlobError(
            pattern, "not a gitignore pattern", "check its brackets and backslashes"
        ) from None
    if read.include is None:
        raise GlobError(
            pattern, "git would ignore this line", r"close its brackets; write \# for a leading #"
        )
