"""Reading one file, or saying why it is left out: whatever cannot be read safely is a finding.

Knows links and errors; what the file holds is read by the language's own reader.
"""

from __future__ import annotations

from collections.abc import Callable

from dockerfix.api import Facts, Finding, Kind, Span
from dockerfix_transforms.merge_rust.read.checks import UnreadableError
from dockerfix_transforms.merge_rust.read.input_file import InputFile


def read_safely(
    facts: Facts, path: str, read: Callable[[], InputFile | None]
) -> InputFile | Finding | None:
    """What `read` makes of the Dockerfile at `path`; a finding for a link, and for the
    `UnreadableError` that it raises."""
    source = facts.stages(path).tree.source
    entry = facts.snapshot.entries[path]
    if entry.kind is Kind.SYMLINK:
        return Finding.at(
            source.place(Span(0, 0)),
            name="symlink",
            what=f"it is a symbolic link to {entry.link}; it stays as it is",
            why="a patch does not change what it leads to through a link",
            do=f"name {entry.link} instead",
            subject=path,
        )
    try:
        return read()
    except UnreadableError as problem:
        return Finding.at(
            source.place(problem.span),
            name=problem.name,
            what=f"{problem.what}; this file stays as it is",
            why=problem.why,
            do=problem.action,
            subject=path,
        )
