"""A drawing as self-contained SVG, with arrows from left to right.

Pure; knows boxes, arrows and SVG. Which box stands where is decided in `layers`.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from dockerfix.report.drawing import Arrow, Box, Drawing, Mark
from dockerfix.report.layers import layers

_CHARACTER, _GAP, _ROW, _BEND, _TOP = 6.7, 70, 44, 14, 40
_HEIGHT, _LINE, _LONGEST = 32, 14, 34
_STYLE = """\
text{font:12px system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif;fill:#222}
.title{fill:#777;font-style:italic}.box{fill:#eef2f7;stroke:#8aa0ba}
.path .box{fill:#d9480f;stroke:#8a2c08}.path text{fill:#fff}
.outside .box{fill:#fff;stroke:#999;stroke-dasharray:3 2}
.arrow{fill:none;stroke:#7a8794;stroke-width:1.2}.dashed{stroke-dasharray:5 3}
.group{fill:#fafafa;stroke:#ddd}g:hover>.box{stroke:#000;stroke-width:2}
"""


def render_drawing_svg(drawing: Drawing) -> str:
    """The picture, on a white ground."""
    layout = _Layout(drawing)
    parts = [*layout.groups(), *layout.arrows(), *layout.boxes()]
    width, height = layout.width, layout.height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img">\n'
        f"<title>{escape(drawing.title)}</title>\n<style>{_STYLE}</style>\n"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#7a8794"/></marker></defs>\n'
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


class _Layout:
    """Where everything stands, in pixels."""

    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing
        placed = layers(drawing)
        self.routes = placed.routes
        sizes = {box.name: _width(box) for box in drawing.boxes}
        self.widths = [max(sizes.get(name, 0.0) for name in column) for column in placed.columns]
        self.lefts = [20.0]
        for width in self.widths:
            self.lefts.append(self.lefts[-1] + width + _GAP)
        self.width = self.lefts[-1] - _GAP + 20
        heights = [sum(map(self._high, column)) for column in placed.columns]
        self.height = _TOP + max(heights, default=0) + 20
        self.at: dict[str, tuple[int, float]] = {}
        for number, column in enumerate(placed.columns):
            top = _TOP + (max(heights) - heights[number]) / 2
            for name in column:
                self.at[name] = (number, top + self._high(name) / 2)
                top += self._high(name)

    def _high(self, name: str) -> float:
        """The room of a row: a bend needs less than a box."""
        return _BEND if name.startswith("\0") else _ROW

    def groups(self) -> Iterator[str]:
        """A pale field with a title for each column that is a group."""
        for number, group in enumerate(self.drawing.groups):
            left, width = self.lefts[number] - 8, self.widths[number] + 16
            yield (
                f'<rect class="group" x="{left:.1f}" y="12" width="{width:.1f}" '
                f'height="{self.height - 24:.0f}" rx="6"/>'
                f'<text class="title" x="{left + 8:.1f}" y="30">{escape(group)}</text>'
            )

    def arrows(self) -> Iterator[str]:
        """Curves from the right side of the source to the left side of the target."""
        for arrow in self.drawing.arrows:
            kind = "arrow dashed" if arrow.dashed else "arrow"
            yield f'<path class="{kind}" marker-end="url(#tip)" d="{self._curve(arrow)}"/>'

    def _curve(self, arrow: Arrow) -> str:
        column, y = self.at[arrow.target]
        if arrow.from_group:
            # A barrier: a short arrow from the edge of the stage before.
            edge = self.lefts[column - 1] + self.widths[column - 1] + 8
            return f"M{edge:.1f} {y:.1f}H{self.lefts[column]:.1f}"
        route = self.routes[arrow]
        before, y1 = self.at[route[0]]
        x1 = self.lefts[before] + self.widths[before]
        if before == column:
            # Needs within a stage run down its right side.
            bow = x1 + 34
            return f"M{x1:.1f} {y1:.1f}C{bow:.1f} {y1:.1f} {bow:.1f} {y:.1f} {x1:.1f} {y:.1f}"
        parts = [f"M{x1:.1f} {y1:.1f}"]
        for name in route[1:]:
            number, y2 = self.at[name]
            x2 = self.lefts[number]
            bend = max(_GAP / 2, (x2 - x1) / 2)
            end = f"{x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
            parts.append(f"C{x1 + bend:.1f} {y1:.1f} {end}")
            x1, y1 = x2 + self.widths[number], y2
            parts += [f"H{x1:.1f}"] if name != route[-1] else []
        return "".join(parts)

    def boxes(self) -> Iterator[str]:
        """Each box with its label, all boxes of a column equally wide."""
        for box in self.drawing.boxes:
            column, middle = self.at[box.name]
            left, width = self.lefts[column], self.widths[column]
            kind = "" if box.mark is Mark.PLAIN else f' class="{box.mark.value}"'
            radius = 14 if box.mark is Mark.OUTSIDE else 4
            first = middle + 4 - (len(box.lines) - 1) * _LINE / 2
            texts = "".join(
                f'<text x="{left + width / 2:.1f}" y="{first + row * _LINE:.1f}" '
                f'text-anchor="middle">{escape(_clipped(line))}</text>'
                for row, line in enumerate(box.lines)
            )
            yield (
                f"<g{kind}><title>{escape(box.hover or box.name)}</title>"
                f'<rect class="box" x="{left:.1f}" y="{middle - _HEIGHT / 2:.1f}" '
                f'width="{width:.1f}" height="{_HEIGHT}" rx="{radius}"/>{texts}</g>'
            )


def _width(box: Box) -> float:
    return max(len(_clipped(line)) for line in box.lines) * _CHARACTER + 20


def _clipped(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
