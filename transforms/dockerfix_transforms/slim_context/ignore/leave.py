"""`--via ignore` where a part of the context is not read, and all that lies beside it may be.

The old ignore file stays, and lines for the folders that the build does not need come behind its
own: a new file beside them needs none. Knows one Dockerfile and its ignore files.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from dockerfix.api import (
    Edit,
    Facts,
    IgnoreFile,
    Judge,
    Span,
    as_line,
    classic_rules,
    rules_of,
    sent_of,
)
from dockerfix_transforms.slim_context.ignore.allow_plan import AllowPlan
from dockerfix_transforms.slim_context.read.scope import Built

_WHAT = "# Members of the workspace that the build does not need, but for their manifests."


def left_plan(
    facts: Facts, made: Built, left: Sequence[str], file: IgnoreFile | None
) -> AllowPlan | str:
    """The plan for folders that are left out but for their manifests, or why there is none.
    `file` is the ignore file that counts today. Raises `BadIgnoreError`."""
    path = f"{made.path}.dockerignore"
    old, classic = rules_of(facts, made.context, made.path), classic_rules(facts, made.context)
    lines = _lines(left, Judge(old))
    head = f"{made.context}/" if made.context else ""
    if path not in facts.snapshot and path.startswith(head):
        lines += ["# This file itself.", as_line(path[len(head) :])]  # it was not there before
    rules = (*old, *(line for line in lines if not line.startswith("#")))
    before = sent_of(facts, made.context, None, old, classic)
    after = sent_of(facts, made.context, None, rules, classic)
    if after.whole.size * 10 >= before.whole.size * 9:
        return f"the ignore file of {made.path} lets through hardly more than what is copied"
    if file is not None and file.path == path:
        return AllowPlan(path, before, after, left=True, edits=(_appended(file, lines),))
    newline = (file.source if file is not None else facts.stages(made.path).tree).newline.bytes
    text = newline.join(line.encode("utf-8", "surrogateescape") for line in [*lines, ""])
    if file is None:
        return AllowPlan(path, before, after, left=True, created=text)
    data = file.source.data[3 if file.source.bom else 0 :]
    title = f"# As in {file.path}.".encode("utf-8", "surrogateescape") + newline
    gap = newline if data.endswith(b"\n") else newline * 2
    return AllowPlan(path, before, after, left=True, created=title + data + gap + text)


def _lines(left: Sequence[str], judge: Judge) -> list[str]:
    """The lines for the folders, where the old file leaves them in."""
    gone = [folder for folder in left if not judge.judge_path(folder).matched]
    manifests = (posixpath.join(folder, "package.json") for folder in gone)
    lines = [_WHAT, *map(as_line, gone)]
    return [*lines, *("!" + as_line(p) for p in manifests if not judge.judge_path(p).matched)]


def _appended(file: IgnoreFile, lines: Sequence[str]) -> Edit:
    """Lines behind those of an ignore file of the Dockerfile's own."""
    newline = file.source.newline.bytes.decode()
    data = file.source.data
    gap = "" if not data or data.endswith(b"\n") else newline
    text = gap + newline + newline.join([*lines, ""])
    return Edit(Span(len(data), len(data)), text.encode("utf-8", "surrogateescape"))
