"""The plan of the merged file: its stages in order, as values.

A stage is a list of pieces of the inputs, each with the edits to make in it, so that whoever
prints the plan decides nothing. Knows inputs and spans; knows no groups.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from dockerfix.api import Edit, Place, Source, Span, Stage
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import Step


class Piece(Struct, frozen=True):
    """Bytes of an input: `span` of `source` after `edits`, below the text `above`.

    Edits count from the beginning of the source; those outside of the span are not this
    piece's. `above` is empty, or ends with a newline.
    """

    source: Source
    span: Span
    edits: tuple[Edit, ...] = ()
    above: str = ""


class MergedStage(Struct, frozen=True):
    """One stage of the merged file. `file` is the input that its bytes come from."""

    file: InputFile
    name: str
    pieces: tuple[Piece, ...]
    moved: tuple[Step, ...] = ()
    """Steps of the builder that are done here now, for this image alone."""
    notes: tuple[tuple[Place, str], ...] = ()
    """Remarks for the report on what was changed in a line."""


class Alias(Struct, frozen=True):
    """Another name of a stage: `FROM below AS name`."""

    name: str
    below: str


class Block(Struct, frozen=True):
    """What one file has for itself: its images, and the stages that they alone need.

    `head` are comment lines above its first stage, `targets` maps the index of each stage that
    call sites ask for to its name; `unasked` are stages, with their names, that are kept though
    no call site asks for them and no image needs them.
    """

    file: InputFile
    stages: tuple[MergedStage | Alias, ...]
    targets: dict[int, str]
    head: tuple[str, ...] = ()
    unasked: tuple[tuple[Stage, str], ...] = ()


class Plan(Struct, frozen=True):
    """The merged file: `head` (paragraphs of text), the stages that several files share, one
    block a file, and the bare names of the binaries."""

    head: tuple[str, ...]
    shared: tuple[MergedStage, ...]
    blocks: tuple[Block, ...]
    aliases: tuple[Alias, ...]
    last: tuple[Block, ...]
    """Blocks behind the aliases: a build without a target takes the last stage of the file."""
    strangers: tuple[InputFile, ...]
    """Files of which no stage serves another file too."""
    guests: tuple[Group, ...]
    """Groups that build on leading stages of the first group."""
    cooked: tuple[Group, ...] = ()
    """The guests among them that build on its cook: their dependencies are compiled with it."""

    @property
    def stages(self) -> Iterator[MergedStage]:
        """All stages but aliases."""
        yield from self.shared
        for block in (*self.blocks, *self.last):
            yield from (stage for stage in block.stages if isinstance(stage, MergedStage))

    @property
    def targets(self) -> dict[tuple[str, int], str]:
        """The name of the target for each stage (path, index) that call sites ask for."""
        return {
            (block.file.path, index): name
            for block in (*self.blocks, *self.last)
            for index, name in block.targets.items()
        }

    @property
    def notes(self) -> list[tuple[Place, str]]:
        """Remarks for the report, each with its place."""
        return [note for stage in self.stages for note in stage.notes]

    @property
    def moved(self) -> list[tuple[InputFile, Step]]:
        """Steps that left a file's builder for one of its images."""
        return [(stage.file, step) for stage in self.stages for step in stage.moved]

    @property
    def unasked(self) -> list[tuple[InputFile, Stage, str]]:
        """Stages that are kept though nobody asks for them, with their names."""
        return [
            (block.file, stage, name)
            for block in (*self.blocks, *self.last)
            for stage, name in block.unasked
        ]

    def is_guest(self, group: Group) -> bool:
        """Whether the group builds on leading stages of the first one."""
        return any(other is group for other in self.guests)
