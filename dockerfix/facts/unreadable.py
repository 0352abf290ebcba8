"""A file that nobody can read, as a finding: what it is, and what to do about it.

Knows the errors that reading a repository may raise; reads nothing itself.
"""

from __future__ import annotations

import re

from dockerfix.facts.finding import Finding
from dockerfix.text import Place, Position, Span, UnreadableError

_PLACE = re.compile(r"(.*?)(?::(\d+):(\d+))?", re.DOTALL)


def unreadable(error: UnreadableError) -> Finding:
    """A refusal at the file, and at its line where that is known."""
    return Finding.at(_place(error.where), name="unreadable", what=error.what, do=error.action)


def _place(where: str) -> Place:
    """The place that `path` or `path:line:column` names; no byte of the file is known."""
    found = _PLACE.fullmatch(where)
    path, line, column = found.groups() if found is not None else (where, None, None)
    return Place(path, Span(0, 0), Position(int(line or 1), int(column or 1)))
