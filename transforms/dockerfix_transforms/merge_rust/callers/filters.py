"""Filters of paths in workflows: what covered an old Dockerfile covers the merged one.

Follows "Filter pattern cheat sheet" of GitHub's workflow syntax: the last pattern that matches
decides, `!` takes out. Knows `on.<event>.paths`; knows no job.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from dockerfix.api import Edit, Edits, Facts, Mapping, Node, Scalar, SiteKind, Span, parse_yaml
from dockerfix.api import Sequence as YamlSequence
from dockerfix_transforms.merge_rust.callers.runners import Pair

_WORKFLOWS = ".github/workflows/"


def widen_filters(facts: Facts, moved: Iterable[Pair], into: str, renamed: Edits) -> Edits:
    """Edits of the workflows whose builds were rewritten: `into` beside what covered an input.

    `renamed` are the edits of names of inputs: a list that they bring `into` to has it already.
    """
    olds: dict[str, set[str]] = {}
    for file, change in moved:
        site = change.build.site
        # A build in a script that a workflow runs stands in no workflow.
        if site.kind is SiteKind.GITHUB and site.place.path.startswith(_WORKFLOWS):
            olds.setdefault(site.place.path, set()).add(file.path)
    return [
        (path, _added(listed, into))
        for path, old in sorted(olds.items())
        for listed in _filters(facts.snapshot.derive(path, parse_yaml).root)
        if _covers(listed, old) and not _covers(listed, {into})
        if not any(where == path and _brings(listed, edit, into) for where, edit in renamed)
    ]


def _brings(listed: YamlSequence, edit: Edit, into: str) -> bool:
    """Whether an edit writes the path as an item of the list, and not behind a `!`."""
    before = listed.file.source.data[edit.span.start - 1 : edit.span.start]
    inside = listed.span.contains(edit.span) and before != b"!"
    return inside and edit.replacement == into.encode()


def _filters(root: Node | None) -> Iterator[YamlSequence]:
    """The lists under `on.<event>.paths` that are written here."""
    events = root.get("on") if isinstance(root, Mapping) else None
    for entry in events.entries if isinstance(events, Mapping) else ():
        listed = entry.value.get("paths") if isinstance(entry.value, Mapping) else None
        if isinstance(listed, YamlSequence) and listed.items:
            yield listed


def _covers(listed: YamlSequence, paths: Iterable[str]) -> bool:
    patterns = [item.text for item in listed.items if isinstance(item, Scalar)]
    return any(_matches(patterns, path) for path in paths)


def _matches(patterns: Sequence[str], path: str) -> bool:
    found = False
    for pattern in patterns:
        if re.fullmatch(_expression(pattern.removeprefix("!")), path):
            found = not pattern.startswith("!")
    return found


def _expression(pattern: str) -> str:
    """A filter pattern as a regular expression."""
    parts = re.split(r"(\*\*/?|\*|\?)", pattern)
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(signs.get(part, re.escape(part)) for part in parts)


def _added(listed: YamlSequence, path: str) -> Edit:
    """The path as one more item, in the manner of the last one."""
    last, source = listed.items[-1], listed.file.source
    style = last.style if isinstance(last, Scalar) and last.style in ("'", '"') else ""
    text = f"{style}{path}{style}"
    line = source.line_of(last.span.start)
    before = source.text(Span(line.start, last.span.start))
    if listed.flow:
        return Edit(Span(last.span.end, last.span.end), f", {text}".encode())
    newline = source.newline.bytes.decode()
    ended = source.data[line.end - 1 : line.end] == b"\n"
    item = f"{before}{text}{newline}" if ended else f"{newline}{before}{text}"
    return Edit(Span(line.end, line.end), item.encode())
