"""Rows that leave the matrix of a GitHub job, and the jobs that wait for it.

Knows where a matrix lists its rows and where `needs:` stands; knows no step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from dockerfix.rewrite.wanted import Refused
from dockerfix.rewrite.workflow_heads import rows_of
from dockerfix.rewrite.yaml_edits import column, inserted_line, line_end, removed_item
from dockerfix.syntax.yaml.tree import Entry, Scalar
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence
from dockerfix.text import Edit, Span


def rows_gone(entry: Entry, numbers: Collection[int]) -> Iterator[Edit]:
    """The rows taken out of a matrix that lists each of them once."""
    body = entry.value
    strategy = body.get("strategy") if isinstance(body, YamlMapping) else None
    matrix = strategy.get("matrix") if isinstance(strategy, YamlMapping) else None
    keys = list(matrix.resolved) if isinstance(matrix, YamlMapping) else []
    listed = matrix.get(keys[0]) if isinstance(matrix, YamlMapping) and len(keys) == 1 else None
    if not isinstance(listed, YamlSequence) or len(listed.items) != len(rows_of(entry)):
        place = entry.key.file.source.place(entry.key.span)
        what = f"the rows of {entry.key.text} are made of several lists"
        raise Refused(place, what, "split the matrix by hand")
    gone = sorted(numbers)
    if listed.flow and gone[0] == 0:
        # What goes at the head of a list in brackets takes the comma behind it along.
        kept = next(n for n in range(len(listed.items)) if n not in numbers)
        yield Edit(Span(listed.items[0].span.start, listed.items[kept].span.start), b"")
        gone = [number for number in gone if number > kept]
    for number in gone:
        yield removed_item(listed, number)


def needed_too(entries: Iterable[Entry], name: str, more: str) -> Iterator[Edit]:
    """`needs:` of the jobs that wait for a job, which wait for another one too."""
    for entry in entries:
        source = entry.key.file.source
        found = entry.value.get("needs") if isinstance(entry.value, YamlMapping) else None
        if isinstance(found, Scalar) and found.text == name:
            yield Edit(found.span, f"[{name}, {more}]".encode())
        for item in found.items if isinstance(found, YamlSequence) else ():
            if not isinstance(item, Scalar) or item.text != name:
                continue
            if isinstance(found, YamlSequence) and found.flow:
                yield Edit(Span(item.span.end, item.span.end), f", {more}".encode())
            else:
                lead = " " * (column(source, item.span.start) - 2)
                yield inserted_line(source, line_end(source, item.span.end), f"{lead}- {more}")
