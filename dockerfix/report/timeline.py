"""The jobs of a pipeline in time as one SVG, before above after, on one scale.

Self-contained: no script, no font, nothing fetched. A job's row says on hover why it waits. Pure;
knows values of `estimate` and SVG.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from html import escape

from dockerfix.estimate.schedule import Placed
from dockerfix.estimate.series import Estimate
from dockerfix.report.estimate import headline, remarks, why_waiting
from dockerfix.text.units import counted, lasting

_LABEL, _WIDTH, _MARGIN = 250, 760, 90
_ROW, _BAR = 20, 13
_MOST = 40
"""Rows of one panel; of more jobs those that matter most are shown."""
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
_STYLE = """\
text{font:12px system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif;fill:#222}
.head{font-size:17px;font-weight:600}.panel{font-size:14px;font-weight:600}
.faint{fill:#777;font-size:11px}.stage{fill:#777;font-size:11px;font-style:italic}
.gone{fill:#a33}.new{fill:#186a3b;font-weight:600}
.path{font-weight:600}.grid{stroke:#e4e4e4}.end{stroke:#b3261e;stroke-width:1.5}
.work{fill:#9db4cf}.prepare{fill:#cfd9e6}.queue{stroke:#888;stroke-dasharray:2 2}
.on .work{fill:#d9480f}.on .prepare{fill:#f5b895}.saved{fill:#d3f0dc}.lost{fill:#fbe0e0}
.unknown{fill-opacity:.55}.row:hover rect{stroke:#222}.row:hover .back{fill:#f3f3f3}
.back{fill:#fff;fill-opacity:0}
"""


def render_svg(found: Sequence[Estimate]) -> str:
    """The picture of the first state and, if there are several, of the last."""
    panels = [found[0], found[-1]] if len(found) > 1 else [found[0]]
    scale = _WIDTH / max(1.0, *(one.timeline.total for one in panels))
    body: list[str] = []
    top = 62
    for number, one in enumerate(panels):
        other = panels[1 - number] if len(panels) > 1 else None
        panel = _Panel(one, other, number == 0, scale, top)
        body += panel.draw()
        top = panel.bottom + 34
    width = _LABEL + _WIDTH + _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" width="{width}" '
        f'height="{top}" role="img">\n<title>{escape(headline(found))}</title>\n'
        f"<style>{_STYLE}</style>\n"
        f'<rect width="{width}" height="{top}" fill="#fff"/>\n'
        f'<text class="head" x="12" y="26">{escape(headline(found))}</text>\n'
        f"{_legend(46)}\n" + "\n".join(body) + "\n</svg>\n"
    )


def _legend(y: int) -> str:
    parts = [
        ("#d9480f", "decides the end"), ("#9db4cf", "other jobs"),
        ("#cfd9e6", "preparation"),
    ]  # fmt: skip
    found, x = [], 12
    for colour, words in parts:
        found.append(f'<rect x="{x}" y="{y - 9}" width="12" height="10" fill="{colour}"/>')
        found.append(f'<text class="faint" x="{x + 17}" y="{y}">{words}</text>')
        x += 30 + 7 * len(words)
    found.append(f'<text class="faint" x="{x}" y="{y}">dotted: waits for a runner; '
                 "pale: time not measured; point at a job to see why it waits</text>")  # fmt: skip
    return "".join(found)


class _Panel:
    """One state's rows, from `top` to `bottom` in pixels."""

    def __init__(
        self, one: Estimate, other: Estimate | None, before: bool, scale: float, top: int
    ) -> None:
        self.one, self.other, self.before = one, other, before
        self.scale, self.top = scale, top
        self.line = one.timeline
        self.path = frozenset(self.line.path)
        self.shown = chosen(list(self.line.placed.values()), self.path)
        self.rows = top + 32
        self.bottom = self.rows + _ROW * len(self.shown)
        self.hidden = len(self.line.placed) - len(self.shown)
        if self.hidden:
            self.bottom += _ROW

    def draw(self) -> Iterator[str]:
        """The panel's elements."""
        yield self._title()
        yield from self._difference()
        yield from self._grid()
        stage = ""
        for number, one in enumerate(self.shown):
            yield self._row(one, self.rows + _ROW * number, one.run.stage != stage)
            stage = one.run.stage
        if self.hidden:
            y = self.bottom - 6
            more = counted(self.hidden, "shorter job")
            yield f'<text class="faint" x="12" y="{y}">and {more}</text>'
        x = self._x(self.line.total)
        yield f'<line class="end" x1="{x}" x2="{x}" y1="{self.rows - 14}" y2="{self.bottom}"/>'

    def _x(self, seconds: float) -> float:
        return round(_LABEL + seconds * self.scale, 1)

    def _title(self) -> str:
        name = "Before" if self.before else "After"
        words = name if self.other is not None else "The pipeline as it is"
        jobs = counted(len(self.line.placed), "job")
        return (
            f'<text class="panel" x="12" y="{self.top + 12}">{words}: '
            f"{lasting(self.line.total)}</text>"
            f'<text class="faint" x="{_LABEL}" y="{self.top + 12}">'
            f"runners are busy for {lasting(self.line.busy)} in {jobs}</text>"
        )

    def _difference(self) -> Iterator[str]:
        """The time won or lost, as a band behind the rows of *after*."""
        if self.before or self.other is None:
            return
        old, new = self.other.timeline.total, self.line.total
        if abs(old - new) < 0.5:
            return
        left, right = sorted((self._x(old), self._x(new)))
        kind, word = ("saved", "sooner") if new < old else ("lost", "later")
        height = self.bottom - self.rows + 14
        yield (
            f'<rect class="{kind}" x="{left}" y="{self.rows - 14}" width="{right - left:.1f}" '
            f'height="{height}"/>'
        )
        anchor, x = ("start", left + 6) if right - left > 110 else ("end", left - 6)
        yield (
            f'<text class="path" text-anchor="{anchor}" x="{x}" y="{self.top + 12}">'
            f"{lasting(abs(old - new))} {word}</text>"
        )

    def _grid(self) -> Iterator[str]:
        most = _WIDTH / self.scale
        step = next((one for one in _STEPS if most / one <= 9), _STEPS[-1])
        at = 0
        while at <= most:
            x = self._x(at)
            yield f'<line class="grid" x1="{x}" x2="{x}" y1="{self.rows - 4}" y2="{self.bottom}"/>'
            yield (
                f'<text class="faint" text-anchor="middle" x="{x}" y="{self.rows - 6}">'
                f"{lasting(at) if at else '0'}</text>"
            )
            at += step

    def _row(self, one: Placed, y: int, first: bool) -> str:
        on = one.name in self.path
        start, work, end = (
            self._x(seconds) for seconds in (one.start, one.start + one.times.prepare, one.end)
        )
        middle = y + _ROW / 2
        bars = [f'<rect class="back" x="0" y="{y}" width="{_LABEL + _WIDTH + _MARGIN}" '
                f'height="{_ROW}"/>']  # fmt: skip
        if first and y > self.rows:
            bars.append(f'<line class="grid" x1="12" x2="{_LABEL + _WIDTH}" y1="{y}" y2="{y}"/>')
        if one.start - one.ready >= 0.5:
            bars.append(
                f'<line class="queue" x1="{self._x(one.ready)}" x2="{start}" y1="{middle}" '
                f'y2="{middle}"/>'
            )
        pale = "" if one.times.known else " unknown"
        bars.append(_bar(f"prepare{pale}", start, work, y))
        bars.append(_bar(f"work{pale}", work, max(end, work + 1.5), y))
        label = self._label(one, y, on)
        length = f'<text class="faint" x="{end + 5}" y="{y + 14}">{lasting(one.times.busy)}</text>'
        return (
            f'<g class="row{" on" if on else ""}"><title>{escape(_hover(one))}</title>'
            f"{''.join(bars)}{label}{length}</g>"
        )

    def _label(self, one: Placed, y: int, on: bool) -> str:
        other = self.other.timeline.placed if self.other is not None else None
        only_here = other is not None and one.name not in other
        kind = ("gone" if self.before else "new") if only_here else "path" if on else ""
        tag = {"gone": " (goes away)", "new": " (new)"}.get(kind, "")
        most = 36 - len(tag)
        name = one.name if len(one.name) <= most else f"{one.name[: most - 1]}…"
        return f'<text class="{kind}" x="12" y="{y + 14}">{escape(name + tag)}</text>'


def _bar(kind: str, left: float, right: float, y: int) -> str:
    top = y + (_ROW - _BAR) / 2
    width = max(0.0, right - left)
    return f'<rect class="{kind}" x="{left}" y="{top}" width="{width:.1f}" height="{_BAR}"/>'


def _hover(one: Placed) -> str:
    lines = [f"{one.name} (stage {one.run.stage})", why_waiting(one)]
    lines.append(f"Starts at {lasting(one.start)}, ends at {lasting(one.end)}.")
    if one.times.prepare:
        lines.append(f"Prepares for {lasting(one.times.prepare)}, works {lasting(one.times.work)}.")
    lines.append(f"Time: {one.times.source}.")
    return "\n".join(lines)


def chosen(placed: Sequence[Placed], path: Collection[str]) -> list[Placed]:
    """The rows: all jobs, or of many those on the path and then the longest."""
    if len(placed) <= _MOST:
        return list(placed)
    ranked = sorted(placed, key=lambda one: (one.name not in path, -one.times.busy))
    names = {one.name for one in ranked[:_MOST]}
    return [one for one in placed if one.name in names]


def render_html(found: Sequence[Estimate], notes: Sequence[str] = ()) -> str:
    """The picture in a page of its own, with the table of all states and the notes."""
    rows = "".join(
        f"<tr><td>{escape(one.title)}</td><td>{lasting(one.timeline.total)}</td>"
        f"<td>{lasting(one.timeline.busy)}</td><td>{len(one.timeline.placed)}</td>"
        f"<td>{'<br>'.join(map(escape, one.promises))}</td></tr>\n"
        for one in found
    )
    told = "".join(f"<li>{escape(line)}</li>\n" for line in (*notes, *remarks(found)))
    return f"""\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(headline(found))}</title>
<style>
body{{font:14px system-ui,sans-serif;margin:24px;color:#222}}
table{{border-collapse:collapse}}td,th{{padding:3px 12px;text-align:right;vertical-align:top}}
td:first-child,td:last-child,th:first-child,th:last-child{{text-align:left}}
tr+tr td{{border-top:1px solid #ddd}}svg{{max-width:100%;height:auto}}
</style></head><body>
{render_svg(found)}
<table>
<tr><th></th><th>longest path</th><th>runner time</th><th>jobs</th><th>the patch says</th></tr>
{rows}</table>
<ul>
{told}</ul>
</body></html>
"""
