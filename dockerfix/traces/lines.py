"""A job's trace as lines and section markers, whatever the runner put round them.

Follows GitLab's own reader (`lib/gitlab/ci/ansi2json`): a marker may stand anywhere in a line,
a carriage return drops what stood before it, escape sequences are dropped. Whether lines begin
with time stamps (FF_TIMESTAMPS) is decided by the first one. Knows bytes; knows no builder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

LONGEST = 1 << 20
"""Bytes kept of one line: of a longer one the end, as of a line with carriage returns."""

_STAMP = re.compile(
    rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})Z ([0-9a-f]{2}[OE])([ +])", re.IGNORECASE
)
_MARKER = re.compile(
    rb"section_(start|end):(\d{1,12}):([A-Za-z0-9_.-]+)(?:\[[^\]\r\n]*\])?\r\x1b\[0K"
)
_ESCAPE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")


class Line(Struct, frozen=True):
    """One line as a person sees it. `number` counts from 1 in the trace; `time` is in seconds
    since 1970 where the trace has time stamps."""

    number: int
    text: str
    time: float | None = None


class Marker(Struct, frozen=True):
    """The start or the end of a section; `time` in whole seconds since 1970."""

    number: int
    name: str
    starts: bool
    time: int


Event = Line | Marker


def events(blocks: Iterable[bytes]) -> Iterator[Event]:
    """The lines and markers of a trace that comes in blocks of any size."""
    whole = _joined(_lines(blocks))
    for number, data, time in whole:
        if b"section_" not in data:
            yield Line(number, _shown(data), time)
            continue
        at = 0
        for match in _MARKER.finditer(data):
            before = _shown(data[at : match.start()])
            if before:
                yield Line(number, before, time)
            yield Marker(number, match[3].decode(), match[1] == b"start", int(match[2]))
            at = match.end()
        rest = _shown(data[at:])
        if rest or not at:
            yield Line(number, rest, time)


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their newline; a line longer than `LONGEST` keeps its end."""
    rest = b""
    for block in blocks:
        *done, rest = (rest + block).split(b"\n")
        yield from done
        if len(rest) > 2 * LONGEST:
            rest = rest[-LONGEST:]
    if rest:
        yield rest


_Numbered = tuple[int, bytes, float | None]


def _joined(lines: Iterator[bytes]) -> Iterator[_Numbered]:
    """Each line with its number and time; a stamped line that goes on in the next one of the
    same stream is put together again."""
    waiting: dict[bytes, _Numbered] = {}
    stamped = False
    for number, data in enumerate(lines, 1):
        match = _STAMP.match(data) if stamped or number == 1 else None
        stamped = stamped or match is not None
        if match is None:
            yield number, data, None
            continue
        stream, text = match[2], data[match.end() :]
        held = waiting.get(stream)
        if match[3] == b"+" and held is not None:
            waiting[stream] = (held[0], (held[1] + text)[-LONGEST:], held[2])
            continue
        if held is not None:
            yield held
        waiting[stream] = (number, text, _seconds(match[1]))
    yield from sorted(waiting.values())


def _seconds(stamp: bytes) -> float | None:
    try:
        return datetime.fromisoformat(stamp.decode() + "+00:00").timestamp()
    except ValueError:
        return None


def _shown(data: bytes) -> str:
    """A line as a terminal leaves it."""
    if b"\r" in data:
        data = data.rstrip(b"\r").rpartition(b"\r")[2]
    if b"\x1b" in data:
        data = _ESCAPE.sub(b"", data)
    return data.decode("utf-8", "replace")
