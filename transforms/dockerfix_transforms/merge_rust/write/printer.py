"""The text of a planned file. Knows pieces and blank lines; decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dockerfix.api import Edit, EditSet, Span
from dockerfix_transforms.merge_rust.write.plan import Alias, Block, MergedStage, Piece, Plan

_ALIASES = "# The bare name of a binary is its last image, as in a Dockerfile of its own."


def printed(plan: Plan, newline: str, homeless: Mapping[str, Sequence[str]]) -> str:
    """The merged file. `homeless` are comment lines, by file, that go to the head of the file's
    block since what they were written for is another file's now."""
    paragraphs = (text.strip("\r\n") for text in _paragraphs(plan, newline, homeless))
    return (newline * 2).join(text for text in paragraphs if text.strip()) + newline


def _paragraphs(plan: Plan, newline: str, homeless: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield from plan.head
    yield from (_stage(stage, newline) for stage in plan.shared)
    for block in plan.blocks:
        yield from _block(block, newline, homeless.get(block.file.path, ()))
    if plan.aliases:
        yield newline.join([_ALIASES, *(_stage(alias, newline) for alias in plan.aliases)])
    for block in plan.last:
        yield from _block(block, newline, homeless.get(block.file.path, ()))


def _block(block: Block, newline: str, homeless: Sequence[str]) -> Iterator[str]:
    """The stages of a block, the comments of its head above the first image."""
    head = [*block.head, *homeless]
    texts = [_stage(stage, newline) for stage in block.stages]
    images = block.targets.values()
    at = next((n for n, stage in enumerate(block.stages) if stage.name in images), 0)
    if head:
        drawn = not any(char.isalnum() for char in head[-1])
        gap = [""] if drawn and texts[at : at + 1] and texts[at].startswith("#") else []
        texts[at : at + 1] = [newline.join([*head, *gap, *texts[at : at + 1]])]
    yield from texts


def _stage(stage: MergedStage | Alias, newline: str) -> str:
    if isinstance(stage, Alias):
        return f"FROM {stage.below} AS {stage.name}"
    return "".join(piece_text(piece, newline) for piece in stage.pieces)


def piece_text(piece: Piece, newline: str) -> str:
    """A piece as it is written, with a newline at its end."""
    start = piece.span.start
    inside = [
        Edit(Span(edit.span.start - start, edit.span.end - start), edit.replacement)
        for edit in piece.edits
        if piece.span.contains(edit.span)
    ]
    data = EditSet.of(inside).apply(piece.source.slice(piece.span))
    text = data.decode("utf-8", "surrogateescape")
    return piece.above + (text if text.endswith("\n") else text + newline)
