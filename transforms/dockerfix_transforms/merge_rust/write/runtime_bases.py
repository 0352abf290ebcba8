"""Runtime images of several files that begin alike: their common beginning stands once.

`FROM debian AS runtime-base` with the packages and the user that all of them have, and each image
on top of it. Knows planned stages; joins nothing that is not the same to the letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.api import Instruction, Span, Stage
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.write.names import StageNames
from dockerfix_transforms.merge_rust.write.pieces import from_piece
from dockerfix_transforms.merge_rust.write.plan import Block, MergedStage, Piece

_LEAST = 3
"""As many instructions must agree: for fewer a stage more is no gain in reading."""
_OWN = frozenset({"ARG", "CMD", "ENTRYPOINT", "HEALTHCHECK", "ONBUILD"})
"""Instructions that stay in the image: build arguments have values by stage, and what an image
starts is what it is there for."""


class _Image(Struct, frozen=True):
    """A planned stage that stands whole on an image, with the stage that it comes from."""

    planned: MergedStage
    stage: Stage


def runtime_bases(
    names: StageNames, blocks: Sequence[Block]
) -> tuple[list[MergedStage], list[Block]]:
    """The stages that hold what several images begin with, and the blocks with these images on
    top of them."""
    alike: dict[tuple[str, ...], list[_Image]] = {}
    for image in (found for part in blocks for found in _images(part)):
        beginning = _beginning(image.planned.file, image.stage)
        if len(beginning) >= _LEAST:
            alike.setdefault(_key(image, beginning[:_LEAST]), []).append(image)
    bases: list[MergedStage] = []
    moved: dict[str, MergedStage] = {}
    for images in alike.values():
        if len({image.planned.file.path for image in images}) > 1:
            bases.append(_base(names, images))
            moved |= {
                image.planned.name: _on_top(image, bases[-1].name, _shared(images))
                for image in images
            }
    return bases, [_with(part, moved) for part in blocks]


def _images(part: Block) -> Iterator[_Image]:
    """The stages of a block that stand on an image of their own, byte for byte."""
    for planned in part.stages:
        if not isinstance(planned, MergedStage) or len(planned.pieces) != 2:
            continue
        first, body = planned.pieces
        for stage in planned.file.graph.stages:
            whole = Span(stage.from_.span.end, stage.span.end)
            if stage.from_.span == first.span and body.span == whole and _stands_alone(part, stage):
                yield _Image(planned, stage)


def _stands_alone(part: Block, stage: Stage) -> bool:
    """Whether a stage is based on an image that means the same in every file."""
    image = stage.from_.image
    plain = image is not None and not ("$" in (image.value or "$") and part.file.own_defaults)
    return plain and stage.from_.platform is None and part.file.graph.base(stage) is None


def _beginning(file: InputFile, stage: Stage) -> list[Instruction]:
    """The instructions that may stand in a base: up to the first one that is the image's own,
    or that copies from elsewhere."""
    referring = {id(reference.instruction) for reference in file.graph.references(stage)}
    found: list[Instruction] = []
    for item in stage.instructions:
        if item.keyword in _OWN or item.heredocs or id(item) in referring:
            break
        found.append(item)
    return found


def _key(image: _Image, items: Sequence[Instruction]) -> tuple[str, ...]:
    base = image.stage.from_.image
    return (base.value or "" if base is not None else "", *(item.text for item in items))


def _shared(images: Sequence[_Image]) -> int:
    """How many instructions all of the images begin with."""
    texts = [[item.text for item in _beginning(i.planned.file, i.stage)] for i in images]
    count = 0
    for column in zip(*texts, strict=False):
        if len(set(column)) > 1:
            break
        count += 1
    return count


def _base(names: StageNames, images: Sequence[_Image]) -> MergedStage:
    """The stage with what the images begin with, in the words of the first one."""
    first = images[0]
    file, stage = first.planned.file, first.stage
    olds = {image.stage.name for image in images}
    old = olds.pop() if len(olds) == 1 else None
    name = _free_name(names, f"{old or 'runtime'}-base", images)
    last = stage.instructions[_shared(images) - 1]
    body = replace(first.planned.pieces[1], span=Span(stage.from_.span.end, last.span.end))
    return MergedStage(file, name, (from_piece(file, stage.from_, None, name, ""), body))


def _free_name(names: StageNames, wanted: str, images: Sequence[_Image]) -> str:
    """A name that no file gives to an image or a named context from elsewhere: the stage would
    come in its place."""
    outside = set[str]()
    for graph in (image.planned.file.graph for image in images):
        for stage in graph.stages:
            base = stage.from_.image
            outside.add((base.value or "") if base is not None else "")
            outside |= {r.text for r in graph.references(stage) if r.stage is None}
    while wanted in outside:
        wanted = f"{wanted}-image"
    return names.claim(wanted, lambda taken: f"{taken}-image")


def _on_top(image: _Image, base: str, count: int) -> MergedStage:
    """An image with the base in place of its beginning."""
    planned, stage = image.planned, image.stage
    first = from_piece(planned.file, stage.from_, base, planned.name, planned.pieces[0].above)
    rest = Span(stage.instructions[count - 1].span.end, stage.span.end)
    pieces: tuple[Piece, ...] = (first,)
    if count < len(stage.instructions):
        pieces += (replace(planned.pieces[1], span=rest),)
    return replace(planned, pieces=pieces)


def _with(part: Block, moved: Mapping[str, MergedStage]) -> Block:
    return replace(part, stages=tuple(moved.get(stage.name, stage) for stage in part.stages))
