"""The jobs of a pipeline in time as lines of a terminal, before above after, on one scale.

The picture of `timeline` for where no SVG can be seen. Pure; knows values of `estimate`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from dockerfix.estimate.schedule import Placed
from dockerfix.estimate.series import Estimate
from dockerfix.report.estimate import headline
from dockerfix.report.style import PLAIN, Style
from dockerfix.report.timeline import chosen
from dockerfix.text.units import counted, lasting

_LABEL, _WIDTH = 30, 52
_PATH, _OTHER, _QUEUE = "█", "▒", "·"
_KEY = f"{_PATH} decides the end   {_OTHER} other jobs   {_QUEUE} waits for a runner"


def render_bars(found: Sequence[Estimate], style: Style = PLAIN) -> str:
    """The picture of the first state and, if there are several, of the last."""
    panels = [found[0], found[-1]] if len(found) > 1 else [found[0]]
    seconds = max(1.0, *(one.timeline.total for one in panels))
    lines = [style.heading(headline(found)), style.faint(_KEY)]
    for title, one in zip(("Before", "After"), panels, strict=False):
        lines += ["", *_panel(title if len(panels) > 1 else "Now", one, seconds, style)]
    return "\n".join(lines) + "\n"


def _panel(title: str, one: Estimate, seconds: float, style: Style) -> Iterator[str]:
    line = one.timeline
    runners = f"runners are busy for {lasting(line.busy)} in {counted(len(line.placed), 'job')}"
    yield f"{style.heading(f'{title}: {lasting(line.total)}')}; {runners}"
    shown = chosen(list(line.placed.values()), line.path)
    for placed in shown:
        yield _row(placed, line.path, _WIDTH / seconds, style)
    if len(shown) < len(line.placed):
        yield f"  and {counted(len(line.placed) - len(shown), 'shorter job')}"


def _row(one: Placed, path: Collection[str], scale: float, style: Style) -> str:
    """One job: its name, where it waits and works, and how long it works."""
    ready, start, end = (round(at * scale) for at in (one.ready, one.start, one.end))
    start = min(start, _WIDTH - 1)  # a job that is too short to be seen is seen all the same
    end = max(end, start + 1)
    decides = one.name in path
    bar = (_PATH if decides else _OTHER) * (end - start)
    waits = (_QUEUE * (start - ready)).rjust(start)
    name = one.name if len(one.name) <= _LABEL else f"{one.name[: _LABEL - 1]}…"
    shown = style.warning(bar) if decides else style.faint(bar)
    return f"  {name:<{_LABEL}} {style.faint(waits)}{shown} {lasting(one.times.busy)}"
