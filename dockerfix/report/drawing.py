"""A directed graph as data, and its text forms: Mermaid, dot, JSON.

Pure; knows boxes and arrows, and neither Dockerfiles nor jobs.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, to_builtins

from dockerfix.report.json_ import dumped, header


class Mark(enum.Enum):
    """What a box stands out for."""

    PLAIN = "plain"
    PATH = "path"
    """On the longest path, or the stage that a build without a target gives."""
    OUTSIDE = "outside"
    """Not part of the file: an image."""


class Box(Struct, frozen=True):
    """A node; `lines` are its label, `group` the box round it (empty for none), `hover` more."""

    name: str
    lines: tuple[str, ...]
    group: str = ""
    mark: Mark = Mark.PLAIN
    hover: str = ""


class Arrow(Struct, frozen=True):
    """An edge between boxes, or from a whole group. `dashed` is the weaker kind."""

    source: str
    target: str
    dashed: bool = False
    from_group: bool = False
    label: str = ""


class Drawing(Struct, frozen=True):
    """Boxes and arrows; an arrow comes from something that has to be there first."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups in order."""
        return tuple(dict.fromkeys(box.group for box in self.boxes if box.group))


def render_mermaid(drawing: Drawing) -> str:
    """A Mermaid flow chart, as GitLab and GitHub draw it in Markdown."""
    return "\n".join(_mermaid(drawing)) + "\n"


def _mermaid(drawing: Drawing) -> Iterator[str]:
    ids, groups = _ids(drawing)
    yield "flowchart LR"
    for group in ("", *drawing.groups):
        inside = [box for box in drawing.boxes if box.group == group]
        indent = "    " if group else "  "
        if group:
            yield f"  subgraph {groups[group]}[{_mermaid_text((group,))}]"
        for box in inside:
            left, right = ("([", "])") if box.mark is Mark.OUTSIDE else ("[", "]")
            yield f"{indent}{ids[box.name]}{left}{_mermaid_text(box.lines)}{right}"
        if group:
            yield "  end"
    for arrow in drawing.arrows:
        source = groups[arrow.source] if arrow.from_group else ids[arrow.source]
        line = "-.->" if arrow.dashed else "-->"
        label = f"|{_mermaid_text((arrow.label,))}|" if arrow.label else ""
        yield f"  {source} {line}{label} {ids[arrow.target]}"
    marked = [ids[box.name] for box in drawing.boxes if box.mark is Mark.PATH]
    if marked:
        yield "  classDef path fill:#d9480f,color:#fff,stroke:#8a2c08"
        yield f"  class {','.join(marked)} path"


def _mermaid_text(lines: tuple[str, ...]) -> str:
    """A label in quotes, with the signs that Mermaid would read as its own spelled out."""
    found = []
    for text in lines:
        for sign, code in (("#", "#35;"), ('"', "#quot;"), ("`", "#96;"), ("<", "#lt;")):
            text = text.replace(sign, code)
        found.append(" ".join(text.split()))
    return f'"{"<br/>".join(found)}"'


def render_dot(drawing: Drawing) -> str:
    """The language of Graphviz."""
    return "\n".join(_dot(drawing)) + "\n"


def _dot(drawing: Drawing) -> Iterator[str]:
    ids, groups = _ids(drawing)
    first = {box.group: ids[box.name] for box in reversed(drawing.boxes)}
    yield f"digraph {_dot_text((drawing.title,))} {{"
    yield "  rankdir=LR; compound=true; node [shape=box, fontname=sans];"
    for group in ("", *drawing.groups):
        if group:
            yield f"  subgraph cluster_{groups[group]} {{ label={_dot_text((group,))};"
        for box in drawing.boxes:
            if box.group == group:
                yield f"  {ids[box.name]} [label={_dot_text(box.lines)}{_dot_style(box)}];"
        if group:
            yield "  }"
    for arrow in drawing.arrows:
        source = first[arrow.source] if arrow.from_group else ids[arrow.source]
        parts = ["style=dashed"] if arrow.dashed else []
        parts += [f"ltail=cluster_{groups[arrow.source]}"] if arrow.from_group else []
        parts += [f"label={_dot_text((arrow.label,))}"] if arrow.label else []
        yield f"  {source} -> {ids[arrow.target]} [{', '.join(parts)}];"
    yield "}"


def _dot_style(box: Box) -> str:
    if box.mark is Mark.PATH:
        return ', style=filled, fillcolor="#d9480f", fontcolor=white'
    return ", style=rounded, color=gray40" if box.mark is Mark.OUTSIDE else ""


def _dot_text(lines: tuple[str, ...]) -> str:
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'


def _ids(drawing: Drawing) -> tuple[dict[str, str], dict[str, str]]:
    """Names that any language takes, of boxes and of groups."""
    boxes = {box.name: f"n{number}" for number, box in enumerate(drawing.boxes)}
    return boxes, {group: f"g{number}" for number, group in enumerate(drawing.groups)}


def render_drawing_json(drawing: Drawing) -> str:
    """Boxes and arrows as data."""
    data: dict[str, Any] = to_builtins(drawing)
    return dumped({**header(), **data})
