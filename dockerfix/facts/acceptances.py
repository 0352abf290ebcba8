"""Acceptances that are written beside what they accept.

    # dockerfix: accept left-behind the deploy team rewrites this script
    docker build -f Dockerfile.api .

A comment on a line of its own is about the next line that is neither blank nor a comment. Behind
other text it is about its own line; a Dockerfile knows no such comments. What is accepted is an
assumption that a report shows at that line, and nothing else of the file. A refusal is accepted
on the command line or in the settings alone, since that changes what a patch does.

Knows lines and comments that begin with `#`, which are those of Dockerfiles, YAML, shell, Make,
HCL and Python alike; knows no transform.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from dockerfix.facts.builds.files.candidates import Candidate, candidate
from dockerfix.facts.dockerfile.file_names import is_dockerfile
from dockerfix.text import Snapshot, SnapshotError

_MARK = b"dockerfix: accept"
_COMMENT = re.compile(
    r"#[ \t]*dockerfix: accept[ \t]+(?P<name>[a-z][a-z0-9-]*)(?:[ \t]+(?P<reason>.*\S))?[ \t\r]*$"
)
_ENDINGS = (".yml", ".yaml", ".sh", ".hcl", ".mk")
"""Of files with comments that begin with `#` and that are read for call sites anyhow."""


class Acceptance(Struct, frozen=True):
    """One comment: the file, its line and the line that it is about (both from 1), the name of
    what is accepted, and why (empty where the comment does not say)."""

    path: str
    comment: int
    line: int
    name: str
    reason: str

    @property
    def item(self) -> str:
        """As `Report.accepted` holds it: `NAME@path:line`."""
        return f"{self.name}@{self.path}:{self.line}"


def read_acceptances(snapshot: Snapshot) -> Iterator[Acceptance]:
    """The comments of a snapshot, in the order of paths and lines."""
    for path in snapshot.groups(_is_marked).get(True, ()):
        text = snapshot.peek(path).decode("utf-8", "surrogateescape")
        yield from _comments(path, text.split("\n"), beside=not is_dockerfile(path))


def _is_marked(snapshot: Snapshot, path: str) -> bool | None:
    """Whether a file may hold such comments."""
    if not is_dockerfile(path) and not path.endswith(_ENDINGS) and not _is_make(path):
        return None
    try:
        return _MARK in snapshot.peek(path) or None
    except SnapshotError:  # not to be read: whoever needs the file says so
        return None


def _is_make(path: str) -> bool:
    return path.endswith("akefile") and candidate(path) is Candidate.MAKE


def _comments(path: str, lines: list[str], beside: bool) -> Iterator[Acceptance]:
    for number, line in enumerate(lines):
        found = _COMMENT.search(line)
        if found is None:
            continue
        before = line[: found.start()]
        alone = not before.strip()
        if not alone and not (beside and before[-1:].isspace()):
            continue  # text, or the end of a word
        about = _next(lines, number) if alone else number
        if about is not None:
            reason = found["reason"] or ""
            yield Acceptance(path, number + 1, about + 1, found["name"], reason)


def _next(lines: list[str], number: int) -> int | None:
    """The line that a comment of its own line is about, counted from 0; None at the end."""
    for at in range(number + 1, len(lines)):
        text = lines[at].strip()
        if text and not text.startswith("#"):
            return at
    return None
