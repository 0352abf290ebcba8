"""Pieces of the inputs for the merged file: a FROM line, one instruction, a whole stage.

Gives each piece its edits: stages go by their new names, and a shared line serves several files.
Knows names; knows nothing of which stages there are to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.api import Arg, Edit, From, Instruction, Place, Span, Stage
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import Step
from dockerfix_transforms.merge_rust.write.comments import loose_comments
from dockerfix_transforms.merge_rust.write.line import Line
from dockerfix_transforms.merge_rust.write.names import StageNames
from dockerfix_transforms.merge_rust.write.plan import Piece


def from_piece(
    file: InputFile, item: From, below: str | None, name: str, above: str | None = None
) -> Piece:
    """The FROM line of the merged stage `name`, based on the merged stage `below` (None: on the
    image that it says). `above` replaces the comments that stand above the line."""
    if above is None:
        above = loose_comments(file, item) + own_comments(file, item)
    edits: list[Edit] = []
    image = item.image
    if image is not None and below is not None and below != image.value:
        edits.append(Edit(image.span, below.encode()))
    if item.name is not None:
        edits.append(Edit(item.name.span, name.encode()))
    elif image is not None:
        word = "as" if item.source.text(item.code)[:4] == "from" else "AS"
        edits.append(Edit(Span(image.span.end, image.span.end), f" {word} {name}".encode()))
    return Piece(item.source, item.span, tuple(edits), above)


def own_comments(file: InputFile, item: From) -> str:
    """The comments that belong to a FROM line."""
    return file.graph.tree.source.text(Span(item.owned.start, item.span.start))


def step_piece(
    names: StageNames, file: InputFile, step: Step, line: Line | None = None, above: str = ""
) -> Piece:
    """An instruction below its comments, with the edits and the further comments of `line`;
    `above` comes first."""
    line = line or Line()
    item, source = step.item, file.graph.tree.source
    edited = {edit.span for edit in line.edits}
    renamed = (
        edit
        for edit in _renamed(names, file, step.stage)
        if item.span.contains(edit.span) and edit.span not in edited
    )
    newline = file.graph.tree.newline.bytes.decode()
    comments = _reworded(source.text(Span(item.owned.start, item.span.start)), item, line.comments)
    indent = source.text(Span(item.span.start, item.code.start))
    more = "".join(f"{indent}# {text}{newline}" for text in line.above)
    return Piece(source, item.span, (*line.edits, *renamed), above + comments + more)


def _reworded(text: str, item: Instruction, lines: Sequence[str] | None) -> str:
    """The comments of an instruction with other words, one line for each."""
    for comment, line in zip(item.comments, lines or (), strict=False):
        text = text.replace(comment.text, line, 1)
    return text


def line_notes(step: Step, line: Line) -> list[tuple[Place, str]]:
    """What the report says about a line."""
    place = step.item.source.place(step.item.code)
    return [(place, note) for note in line.notes]


def body_pieces(names: StageNames, file: InputFile, stage: Stage) -> Iterator[Piece]:
    """A stage below its FROM line, byte for byte but for the names of other stages."""
    if stage.instructions:
        span = Span(stage.from_.span.end, stage.span.end)
        edits = (*_renamed(names, file, stage), *_defaults(file, stage))
        yield Piece(file.graph.tree.source, span, edits)


def _defaults(file: InputFile, stage: Stage) -> Iterator[Edit]:
    """The defaults that a stage's ARGs take from global ones which are its file's alone."""
    own = dict(file.own_defaults)
    for item in stage.instructions if own else ():
        lacking = (
            {n for n, default in item.entries if default is None} if isinstance(item, Arg) else ()
        )
        for word in item.words:
            if word.value in lacking and word.value in own:
                end = word.span.end
                yield Edit(Span(end, end), f"={own[word.value]}".encode())


def _renamed(names: StageNames, file: InputFile, stage: Stage) -> Iterator[Edit]:
    """Edits of the flags of a stage that name another stage of the file."""
    for reference in file.graph.references(stage):
        span = reference.flag.value_span
        name = names.of(file, reference.stage)
        if span is None or name is None or name == reference.text:
            continue
        if reference.flag.name == "from":
            yield Edit(span, name.encode())
        else:
            text = file.graph.tree.source.text(span)
            renamed = text.replace(f"from={reference.text}", f"from={name}", 1)
            yield Edit(span, renamed.encode())
