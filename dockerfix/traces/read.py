"""Reads one job's trace from start to end, in a single pass and in little memory.

Follows gitlab-runner's own messages for runner, executor, depth and ending. What a trace does
not say stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from dockerfix.traces.kaniko import KanikoReader
from dockerfix.traces.lines import Line, Marker, events
from dockerfix.traces.model import Ending, JobTrace, Section, Symptom
from dockerfix.traces.plain import PlainReader
from dockerfix.traces.rawjson import RawJsonReader
from dockerfix.traces.symptoms import symptom_of

_SHOWN = 200
"""Characters kept of a line with a symptom."""
_RUNNER = re.compile(r"Running with gitlab-runner (\S+)")
_EXECUTOR = re.compile(r'Preparing the "([^"]+)" executor')
_DEPTH = re.compile(r"Fetching changes with git depth set to (\d+)")
_FULL = "Fetching changes..."
_FAILED = re.compile(r"ERROR: Job failed(?: \([^)]*\))?: (.*)|ERROR: Job failed")
_LIMIT = "Job's log exceeded limit"


def read_trace(name: str, blocks: Iterable[bytes]) -> JobTrace:
    """The trace of a job that comes in blocks of bytes; never raises on content."""
    reader = _TraceSoFar()
    for event in events(blocks):
        if isinstance(event, Marker):
            reader.mark(event)
        else:
            reader.take(event)
        reader.lines = max(reader.lines, event.number)
    return reader.value(name)


@dataclass(slots=True)
class _TraceSoFar:
    """What has been read so far. Private to `read_trace`."""

    lines: int = 0
    ending: Ending = Ending.CUT_OFF
    reason: str = ""
    runner: str = ""
    executor: str = ""
    depth: int | None = None
    sections: list[Section] = field(default_factory=list)
    symptoms: dict[str, Symptom] = field(default_factory=dict)
    plain: PlainReader = field(default_factory=PlainReader)
    rawjson: RawJsonReader = field(default_factory=RawJsonReader)
    kaniko: KanikoReader = field(default_factory=KanikoReader)

    def mark(self, marker: Marker) -> None:
        """Open a section, or close the last open one of its name; an end without a start is
        no section."""
        if marker.starts:
            self.sections.append(Section(marker.name, marker.time, None))
            return
        for at in reversed(range(len(self.sections))):
            section = self.sections[at]
            if section.name == marker.name and section.ended is None:
                self.sections[at] = replace(section, ended=marker.time)
                return

    def take(self, line: Line) -> None:
        """Read a line of text."""
        number, text = line.number, line.text
        if (
            self.plain.take(number, text)
            or self.rawjson.take(number, text)
            or self.kaniko.take(number, text)
        ):
            # A step's output may well hold Git's messages: they are looked at all the same.
            if "fatal" in text:
                self._look(number, text)
            return
        self._runner_says(text)
        self._look(number, text)

    def _runner_says(self, text: str) -> None:
        if "executor" in text and (executor := _EXECUTOR.search(text)) is not None:
            self.executor = self.executor or executor[1]
        elif "gitlab-runner" in text and (runner := _RUNNER.search(text)) is not None:
            self.runner = self.runner or runner[1]
        elif text.startswith("Fetching changes"):
            depth = _DEPTH.match(text)
            self.depth = int(depth[1]) if depth else 0 if text == _FULL else self.depth
        elif text == "Job succeeded":
            self.ending = Ending.SUCCEEDED
        elif text.startswith("ERROR: Job failed"):
            failed = _FAILED.match(text)
            self.ending = Ending.FAILED
            self.reason = (failed[1] or "") if failed else ""
        elif _LIMIT in text:
            self.reason = self.reason or "the log was longer than the runner's limit"

    def _look(self, number: int, text: str) -> None:
        known = symptom_of(text)
        if known is None:
            return
        before = self.symptoms.get(known.name)
        if before is not None:
            self.symptoms[known.name] = replace(before, times=before.times + 1)
            return
        shown = text.strip()[:_SHOWN]
        self.symptoms[known.name] = Symptom(known.name, number, shown, known.why, known.action)

    def value(self, name: str) -> JobTrace:
        """Everything that was read."""
        builds = [*self.plain.end(), *self.rawjson.end(), *self.kaniko.end()]
        return JobTrace(
            name,
            self.lines,
            self.ending,
            self.reason,
            self.runner,
            self.executor,
            self.depth,
            tuple(self.sections),
            tuple(sorted(builds, key=lambda run: run.line)),
            tuple(self.symptoms.values()),
        )
