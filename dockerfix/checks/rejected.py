"""A Dockerfile that a call site builds and that BuildKit cannot parse: UTF-16, empty, no FROM.

A file that nothing builds may be a draft or a template, and nothing is said about it.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.checks.check import Check
from dockerfix.facts.repository import Facts
from dockerfix.syntax.dockerfile.problems import rejections
from dockerfix.text import Place, SnapshotError


def _look(facts: Facts) -> Iterator[tuple[Place, str, str]]:
    built = {build.dockerfile for build in facts.builds.builds if build.dockerfile is not None}
    for path in sorted(path for path in built if path in facts.snapshot):
        try:
            tree = facts.dockerfile(path)
        except SnapshotError:  # not there as a file: the build list tells of it
            continue
        for problem in rejections(tree)[:1]:
            place = tree.source.place(problem.span)
            hint = f" ({problem.hint})" if problem.hint else ""
            what = f"BuildKit rejects this file: {problem.message}{hint}"
            yield place, what, path


CHECK = Check(
    "dockerfile-rejected",
    "The build fails before its first step runs.",
    "Correct the line, or delete the call site if nobody needs the image.",
    _look,
)
