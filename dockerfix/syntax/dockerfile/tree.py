"""A whole Dockerfile: its items in order, and its stages.

Knows one Dockerfile; knows nothing of other files.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from dockerfix.syntax.dockerfile.instruction import Instruction
from dockerfix.syntax.dockerfile.instructions import From
from dockerfix.syntax.dockerfile.nodes import (
    Blank,
    Comment,
    Directive,
    Problem,
)
from dockerfix.text import Newline, Source, Span
from dockerfix.text.source import BOM

Item = Directive | Comment | Blank | Instruction


@dataclass(frozen=True)
class Stage:
    """A build stage: its FROM and the instructions below it.

    `index` counts from 0, as `COPY --from=0` does. `span` runs from the comments above FROM
    to the end of the last instruction.
    """

    index: int
    from_: From
    instructions: tuple[Instruction, ...]

    @cached_property
    def name(self) -> str | None:
        """The name as written; None when the stage has none."""
        return self.from_.name.value if self.from_.name else None

    @property
    def span(self) -> Span:
        """From the comments above FROM to the end of the stage's last instruction."""
        last = self.instructions[-1] if self.instructions else self.from_
        return Span(self.from_.owned.start, last.span.end)


class Dockerfile:
    """The lossless tree of one Dockerfile. Make it with `dockerfix.syntax.parse`."""

    def __init__(self, source: Source, items: tuple[Item, ...], escape: str) -> None:
        self.source = source
        self.items = items
        self.escape = escape

    @property
    def path(self) -> str:
        """The path relative to the root."""
        return self.source.path

    @property
    def bom(self) -> bytes:
        """The byte order mark, if the file has one; the tree owns it."""
        return BOM if self.source.bom else b""

    @property
    def newline(self) -> Newline:
        """The file's newline style."""
        return self.source.newline

    @cached_property
    def directives(self) -> tuple[Directive, ...]:
        """The parser directives at the top."""
        return tuple(item for item in self.items if isinstance(item, Directive))

    @cached_property
    def instructions(self) -> tuple[Instruction, ...]:
        """All instructions in order."""
        return tuple(item for item in self.items if isinstance(item, Instruction))

    @cached_property
    def preamble(self) -> tuple[Instruction, ...]:
        """The instructions before the first FROM: global ARGs in a valid file."""
        first = next(
            (n for n, item in enumerate(self.instructions) if isinstance(item, From)),
            len(self.instructions),
        )
        return self.instructions[:first]

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The stages in order."""
        stages: list[Stage] = []
        current: From | None = None
        body: list[Instruction] = []
        for item in self.instructions:
            if isinstance(item, From):
                if current is not None:
                    stages.append(Stage(len(stages), current, tuple(body)))
                current, body = item, []
            else:
                body.append(item)
        if current is not None:
            stages.append(Stage(len(stages), current, tuple(body)))
        return tuple(stages)

    @cached_property
    def warnings(self) -> tuple[Problem, ...]:
        """What BuildKit's parser warns of."""
        return tuple(
            Problem(
                span,
                "a blank line inside a continuation",
                "remove the line: BuildKit joins it with a warning today",
            )
            for item in self.instructions
            for span in item.blank_continuations
        )
