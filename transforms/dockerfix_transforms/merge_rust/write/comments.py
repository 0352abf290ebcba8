"""Comments of the inputs in the merged file: headings, and those that lost their place.

Knows comments and blank lines; knows no stage.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dockerfix.api import Comment, Edit, EditSet, Instruction, Source, Span, parse
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.write.wording import said, united_lines


def loose_comments(file: InputFile, item: Instruction) -> str:
    """Comments above an instruction that a blank line parts from it, with that blank line.

    Those above the file's first instruction are the head's.
    """
    tree = file.graph.tree
    at = tree.instructions.index(item)
    if at == 0:
        return ""
    between = Span(tree.instructions[at - 1].span.end, item.owned.start)
    text = tree.source.text(between).strip("\r\n")
    newline = tree.newline.bytes.decode()
    return text + newline * 2 if text.strip() else ""


def homeless_comments(files: Sequence[InputFile], text: str) -> dict[str, list[str]]:
    """The comments of each file that the merged text lacks: those of instructions and arguments
    that another file's stand for, and those behind the last instruction."""
    found: dict[str, list[str]] = {}
    for file in files:
        tree = file.graph.tree
        inner = (c for item in tree.instructions for c in item.inner_comments)
        outer = (item for item in tree.items if isinstance(item, Comment))
        ordered = sorted((*outer, *inner), key=lambda c: c.span)
        lost: list[Comment] = []
        for comment in ordered:
            bare = comment.text.lstrip("#").strip()
            known = any(comment.text == other.text for other in lost)
            if bare and not _is_rule(comment) and not known and not said(bare, text):
                lost.append(comment)
        found[file.path] = [comment.text for comment in _with_rules(tree.source, ordered, lost)]
    return {path: lines for path, lines in found.items() if lines}


def _is_rule(comment: Comment) -> bool:
    """Whether a comment only draws a line."""
    return not any(char.isalnum() for char in comment.text)


def _with_rules(source: Source, every: Sequence[Comment], kept: Sequence[Comment]) -> list[Comment]:
    """The comments that are kept, with the lines that are drawn right above or below them."""
    lines = {source.place(comment.span).position.line: comment for comment in every}
    mine = {source.place(comment.span).position.line for comment in kept}
    drawn = {n for n, c in lines.items() if _is_rule(c) and {n - 1, n + 1} & mine}
    return [lines[n] for n in sorted(mine | drawn)]


def piece_of(item: Instruction, others: Sequence[Instruction] = ()) -> str:
    """An instruction with the comments that belong to it, and with the names that the comments
    of equal ones have in their place."""
    text = item.source.text(item.owned)
    mine = [comment.text for comment in item.comments]
    lines = united_lines(mine, [[c.text for c in other.comments] for other in others])
    for old, new in zip(mine, lines, strict=True):
        text = text.replace(old, new, 1)
    return text


def heading_lines(files: Sequence[InputFile]) -> list[str]:
    """The lines with which every file begins, a licence for example."""
    heads = [free_comments(file) for file in files]
    found = []
    for lines in zip(*heads, strict=False):
        if len(set(lines)) > 1:
            break
        found.append(lines[0])
    return found if any(char.isalnum() for line in found for char in line) else []


def free_comments(file: InputFile) -> list[str]:
    """Comments before the first instruction that belong to no instruction."""
    tree = file.graph.tree
    if not tree.instructions:
        return []
    first = tree.instructions[0].owned.start
    owned = {c.span for item in tree.instructions for c in item.comments}
    lines = [
        tree.source.text(item.span).rstrip("\r\n")
        for item in tree.items
        if item.span.end <= first
        and item.span not in owned
        and tree.source.text(item.span).lstrip().startswith("#")
        and item not in tree.directives
    ]
    while lines and not lines[0].strip("# "):
        lines = lines[1:]
    return lines


_STAGE = re.compile(r"(?i)(#[\s#=*-]*stage )(\d+)(?=\W*$|\s*[-:.)])")
"""A heading that counts a stage."""


def recounted(text: str) -> str:
    """The merged file with the headings that count stages counted again, where several files
    gave one number."""
    data = text.encode("utf-8", "surrogateescape")
    comments = [item for item in parse(data).items if isinstance(item, Comment)]
    headings = [(c, found) for c in comments if (found := _STAGE.match(c.text))]
    numbers = [int(found[2]) for _, found in headings]
    if len(set(numbers)) == len(numbers):
        return text
    edits = []
    for number, (comment, found) in enumerate(headings, min(numbers)):
        start = comment.span.start + data[comment.span.start : comment.span.end].index(b"#")
        at = start + len(found[1].encode())
        edits.append(Edit(Span(at, at + len(found[2])), str(number).encode()))
    return EditSet.of(edits).apply(data).decode("utf-8", "surrogateescape")
