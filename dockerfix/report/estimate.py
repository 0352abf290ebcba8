"""An estimate as text, Markdown and JSON: what each patch brings, and which jobs decide.

Pure; knows values of `estimate`. The picture stands in `timeline`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dockerfix.estimate.schedule import Placed, Timeline
from dockerfix.estimate.series import Estimate
from dockerfix.report.json_ import dumped, header
from dockerfix.report.markdown import code, escaped
from dockerfix.report.style import PLAIN, Style
from dockerfix.text.units import counted, lasting

_HEAD = ("", "longest path", "change", "runner time", "jobs")


def render_estimate(
    found: Sequence[Estimate], notes: Sequence[str] = (), style: Style = PLAIN
) -> str:
    """A table of all states, the longest paths before and after, and what is not known."""
    return "\n".join(_text(found, notes, style)) + "\n"


def _text(found: Sequence[Estimate], notes: Sequence[str], style: Style) -> Iterator[str]:
    first, last = found[0], found[-1]
    yield style.heading(headline(found))
    yield ""
    rows = [_HEAD, *_rows(found)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join(cells).rstrip()
    for title, one in (("before", first), ("after", last))[: len(found)]:
        yield ""
        yield style.heading(f"Longest path {title}")
        yield from (f"  {line}" for line in path_lines(one.timeline))
    promises = [f"{one.title}: {promise}" for one in found for promise in one.promises]
    marked = [f"{style.warning('note')}: {line}" for line in (*notes, *remarks(found))]
    for block in (promises, marked):
        yield from ["", *block] if block else []


def headline(found: Sequence[Estimate]) -> str:
    """What changes, in one line."""
    before, after = found[0].timeline, found[-1].timeline
    if len(found) == 1:
        return f"The pipeline takes {lasting(before.total)}."
    gain = before.total - after.total
    if abs(gain) < 0.5:
        work = f"runners are busy for {lasting(before.busy)} before, {lasting(after.busy)} after"
        return f"The pipeline takes {lasting(before.total)} before and after; {work}."
    word = "sooner" if gain > 0 else "later"
    share = f" ({abs(gain) / before.total:.0%})" if before.total else ""
    return (
        f"The pipeline takes {lasting(after.total)} instead of {lasting(before.total)}: "
        f"{lasting(abs(gain))} {word}{share}."
    )


def _rows(found: Sequence[Estimate]) -> Iterator[tuple[str, ...]]:
    before = None
    for one in found:
        line = one.timeline
        change = "" if before is None else _change(line.total - before.total)
        yield (one.title, lasting(line.total), change, lasting(line.busy), str(len(line.placed)))
        before = line


def _change(seconds: float) -> str:
    if abs(seconds) < 0.5:
        return "0 s"
    return f"{'-' if seconds < 0 else '+'}{lasting(abs(seconds))}"


def path_lines(line: Timeline) -> Iterator[str]:
    """The jobs that decide the end, with the time of each and what stands before it."""
    for name in line.path:
        one = line.placed[name]
        queue = one.start - one.ready
        waited = f", {lasting(queue)} in the queue" if queue >= 0.5 else ""
        source = "" if one.times.known else f" [{one.times.source}]"
        yield f"{lasting(one.start):>12}  {name}: {lasting(one.times.busy)}{waited}{source}"


def why_waiting(one: Placed) -> str:
    """Why a job does not start earlier, as a sentence."""
    parts = []
    queue = lasting(one.start - one.ready)
    if one.awaited:
        kind = (
            "it has no needs, so that it waits for all earlier stages"
            if one.run.barrier
            else "it needs it"
        )
        parts.append(f"Waits for {one.awaited}: {kind}.")
    elif not one.run.after:
        parts.append("Waits for no job.")
    if one.freed_by:
        parts.append(f"Then waits {queue} for the runner of {one.freed_by}.")
    elif one.start - one.ready >= 0.5:
        parts.append(f"Then waits {queue} for a runner.")
    return " ".join(parts)


def remarks(found: Sequence[Estimate]) -> Iterator[str]:
    """What is not known, and what GitLab would refuse, each once."""
    first = found[0]
    unknown = len(first.unknown)
    if unknown == len(first.timeline.placed) and not any(
        one.times.source.startswith("median") for one in first.timeline.placed.values()
    ):
        yield "no time is known: every job counts as one minute, so only the order is telling"
    elif unknown:
        names = ", ".join(first.unknown[:5]) + (", ..." if unknown > 5 else "")
        yield f"{counted(unknown, 'job')} without a known time, for which medians stand in: {names}"
    carried = {
        f"{one.name}: {one.times.source}"
        for one in found[-1].timeline.placed.values()
        if one.times.source.startswith(("as long as", "its "))
    }
    yield from sorted(carried)
    yield from dict.fromkeys(note for one in found for note in one.notes)


def render_estimate_markdown(found: Sequence[Estimate], notes: Sequence[str] = ()) -> str:
    """The table, the longest paths and the notes, for a merge request."""
    return "\n".join(_markdown(found, notes)) + "\n"


def _markdown(found: Sequence[Estimate], notes: Sequence[str]) -> Iterator[str]:
    yield f"**{escaped(headline(found))}**"
    yield ""
    yield "| | longest path | change | runner time | jobs |"
    yield "|---|--:|--:|--:|--:|"
    yield from (f"| {' | '.join(map(escaped, row))} |" for row in _rows(found))
    for title, one in (("before", found[0]), ("after", found[-1]))[: len(found)]:
        steps = " → ".join(
            f"{code(name)} {lasting(one.timeline.placed[name].times.busy)}"
            for name in one.timeline.path
        )
        yield ""
        yield f"Longest path {title}: {steps}"
    lines = [*notes, *remarks(found)]
    if lines:
        yield ""
        yield from (f"- {escaped(line)}" for line in lines)


def render_estimate_json(found: Sequence[Estimate], notes: Sequence[str] = ()) -> str:
    """Everything; times in seconds after the pipeline's start."""
    return dumped({**header(), "notes": list(notes), "states": [_data(one) for one in found]})


def _data(one: Estimate) -> dict[str, Any]:
    line = one.timeline
    return {
        "title": one.title,
        "promises": list(one.promises),
        "longest_path_seconds": line.total,
        "runner_seconds": line.busy,
        "path": list(line.path),
        "notes": list(one.notes),
        "jobs": [_job(placed) for placed in line.placed.values()],
        "stuck": list(line.stuck),
    }


def _job(one: Placed) -> dict[str, Any]:
    return {
        "name": one.name,
        "job": one.run.job,
        "stage": one.run.stage,
        "needs": None if one.run.barrier else list(one.run.after),
        "ready": one.ready,
        "start": one.start,
        "end": one.end,
        "queue_seconds": one.start - one.ready,
        "prepare_seconds": one.times.prepare,
        "work_seconds": one.times.work,
        "source": one.times.source,
        "known": one.times.known,
        "waits_because": why_waiting(one),
    }
