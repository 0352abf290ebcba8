"""One line of the merged file: its text, with what was changed in it.

Knows text and edits; knows neither cargo nor shells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from dockerfix.api import Edit, Instruction, Span, Statement
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import (
    Step,
)


class CannotJoinError(Exception):
    """The lines of these files cannot be one line: `step` of `file`, why, and what to do."""

    def __init__(self, file: InputFile, step: Step, why: str, action: str) -> None:
        super().__init__(why)
        self.file = file
        self.step = step
        self.why = why
        self.action = action


@dataclass(slots=True)
class Line:
    """How a merged step is written: edits of the leader's instruction, its comment lines (None:
    as they stand), more of them to put above it (without `# `), remarks for the report, and the
    steps of other files that stand whole behind it."""

    edits: list[Edit] = field(default_factory=list)
    comments: list[str] | None = None
    above: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    more: list[tuple[InputFile, Step]] = field(default_factory=list)


def edited(data: bytes, span: Span, edits: Sequence[Edit]) -> str:
    """The bytes of a span after edits."""
    out, at = [], span.start
    for edit in sorted(edits):
        out += [data[at : edit.span.start], edit.replacement]
        at = edit.span.end
    out.append(data[at : span.end])
    return b"".join(out).decode("utf-8", "surrogateescape")


def joint_of(item: Instruction, commands: Sequence[Statement]) -> str:
    """What stands between the last two commands, as they are written; `&&` on a line of its
    own where only one command is, or more than a separator stands there."""
    newline = item.source.newline.bytes.decode()
    if len(commands) > 1:
        gap = item.source.text(Span(commands[-2].span.end, commands[-1].span.start))
        between = gap.replace(item.escape, "").replace(";", " ; ").split()
        if newline in gap and between in ([], ["&&"], [";"]):
            return gap
    return " && " if item.heredocs else f" {item.escape}{newline}    && "


def one_a_line(
    item: Instruction, statements: Sequence[Statement], edits: Sequence[Edit]
) -> list[Edit]:
    """Edits that put every `&&` of a list on a line of its own, where `edits` bring one that
    is."""
    newline = item.source.newline.bytes
    if not any(newline in edit.replacement and b"&&" in edit.replacement for edit in edits):
        return []
    joint = joint_of(item, statements[:1])
    gaps = (Span(a.span.end, b.span.start) for a, b in pairwise(statements))
    return [
        Edit(gap, joint.encode())
        for gap in gaps
        if item.source.text(gap).strip() == "&&" and newline not in item.source.slice(gap)
        if not any(e.span.start < gap.end and gap.start < e.span.end for e in edits)
    ]
