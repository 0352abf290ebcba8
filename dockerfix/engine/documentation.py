"""A transform's documentation: its class's docstring, cut into the fixed sections.

`dockerfix explain`, the manual and the documentation test read the same sections. A heading is
a line at the docstring's left edge that is a section's name alone, with or without a colon.
Before and After hold file trees in the format of `dockerfix.testing.tree`.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import cleandoc

from msgspec import Struct

from dockerfix.engine.proposal import Transform

SECTIONS = ("What it does", "Why", "Before", "After", "Safety", "Call sites")
"""The sections that every transform has, in this order."""


class Documentation(Struct, frozen=True):
    """The first paragraph, and the text of each section that is there, without its heading."""

    summary: str
    sections: Mapping[str, str]

    @property
    def missing(self) -> tuple[str, ...]:
        """The sections that are not there or hold nothing."""
        return tuple(name for name in SECTIONS if not self.sections.get(name))


def documentation(transform: Transform) -> Documentation:
    """The documentation of a transform; empty where it has none."""
    return read_documentation(type(transform).__doc__ or "")


def read_documentation(docstring: str) -> Documentation:
    """A docstring cut into its sections, as written in the source or already cleaned."""
    current = ""
    texts: dict[str, list[str]] = {current: []}
    for line in cleandoc(docstring).splitlines():
        heading = line.rstrip().removesuffix(":")
        if heading in SECTIONS and heading not in texts:
            current = heading
            texts[current] = []
        else:
            texts[current].append(line)
    sections = {name: _block(lines) for name, lines in texts.items() if name}
    return Documentation(_block(texts[""]), sections)


def _block(lines: list[str]) -> str:
    """The lines without blank ones round them and without their common indentation."""
    return cleandoc("\n" + "\n".join(lines)).strip("\n")
