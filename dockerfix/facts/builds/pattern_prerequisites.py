"""Patterns in the prerequisites of Makefiles: which files a rule depends on without naming them.

GNU make, "Pattern Rules" and "Static Pattern Rules": `image-%: Dockerfile.%` needs `Dockerfile.api`
for `image-api`, and without it make knows no rule. Knows rules; expands nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from dockerfix.facts.builds.files.candidates import Candidate, candidate
from dockerfix.syntax.make import parse_make
from dockerfix.syntax.make.tree import Conditional, Rule, Statement
from dockerfix.text import MappedText, Place, Snapshot, SnapshotError, Source, relative_path

_PATTERN = re.compile(r"[\w./-]*%[\w./-]*")


def pattern_prerequisites(snapshot: Snapshot, path: str) -> Iterator[tuple[Place, str]]:
    """Each prerequisite with a `%` that rules of the snapshot's Makefiles have and a path fits,
    with its place."""
    for makefile in snapshot.paths:
        if candidate(makefile) is Candidate.MAKE:
            below = relative_path(path, posixpath.dirname(makefile))
            for place, word in _prerequisites(snapshot, makefile):
                head, _, tail = word.removeprefix("./").partition("%")
                longer = len(below) > len(head) + len(tail)
                if longer and (head or tail) and below.startswith(head) and below.endswith(tail):
                    yield place, word


def _prerequisites(snapshot: Snapshot, path: str) -> Iterable[tuple[Place, str]]:
    try:
        return snapshot.derive(path, _patterns)
    except SnapshotError:
        return ()


def _patterns(source: Source) -> tuple[tuple[Place, str], ...]:
    """The words with a `%` among the prerequisites of one Makefile."""
    if b"%" not in source.data:
        return ()
    return tuple(
        (source.place(rule.prerequisites.span(*found.span())), found[0])
        for rule in _rules(parse_make(MappedText.whole(source.data)).statements)
        for found in _PATTERN.finditer(rule.prerequisites.text)
    )


def _rules(statements: Iterable[Statement]) -> Iterator[Rule]:
    for item in statements:
        if isinstance(item, Rule):
            yield item
        elif isinstance(item, Conditional):
            for branch in item.branches:
                yield from _rules(branch)
