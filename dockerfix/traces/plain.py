"""BuildKit's `--progress=plain`: numbered lines of vertexes, of one builder after another.

Follows moby/buildkit `util/progress/progressui/printer.go`. A number names a vertex only within
one run of a builder; when two builders write at once, the name printed last with a number tells
whose line it is, which is a guess: the run then says that it is mixed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockerfix.traces.gathering import gathered
from dockerfix.traces.model import BuilderRun
from dockerfix.traces.steps import PUSHING, Step

_LINE = re.compile(r"#(\d{1,6}) (.+)")
_OUTPUT = re.compile(r"\d+\.\d+ (.*)")
_DONE = re.compile(r"DONE(?: (\d+(?:\.\d+)?)s)?")
_SENT = re.compile(r"(transferring [^:]*): (\d+(?:\.\d+)?(?:e\+\d+)?)([kMGT]?i?)B")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
          "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}  # fmt: skip


def size(number: str, unit: str) -> int:
    """Bytes of a size as BuildKit prints it, such as `1.23` and `M`."""
    return round(float(number) * _UNITS.get(unit, 1))


class PlainReader:
    """Reads the lines of a trace that are BuildKit's; `take` says whether one was."""

    def __init__(self) -> None:
        self.finished: list[BuilderRun] = []
        self._run: _Run | None = None

    def take(self, number: int, text: str) -> bool:
        """Read a line of the trace."""
        match = _LINE.fullmatch(text) if text.startswith("#") else None
        if match is None:
            if self._run is not None and text.startswith("ERROR: failed to "):
                self._run.error = self._run.error or text.removeprefix("ERROR: ")
            return False
        index, rest = int(match[1]), match[2]
        if index == 0:
            if rest.startswith("building with "):
                self._begin(number)
                return True
            return False
        if self._run is None and not rest.startswith("["):
            return False  # the rest of a cut log, or text that looks like a line of progress
        if self._run is None or self._run.begins_again(index, rest):
            self._begin(number)
        assert self._run is not None  # begun above
        self._run.take(index, rest)
        return True

    def end(self) -> Iterator[BuilderRun]:
        """Every run, in order."""
        self._close()
        yield from self.finished

    def _begin(self, number: int) -> None:
        if self._run is not None and self._run.running:
            self._run.mixed = True
            return
        self._close()
        self._run = _Run(number)

    def _close(self) -> None:
        if self._run is not None and self._run.steps:
            self.finished.append(self._run.value())
        self._run = None


class _Run:
    """One builder's lines, or those of several that are interleaved."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.error = ""
        self.mixed = False
        self.steps: dict[tuple[int, str], Step] = {}
        self.current: dict[int, Step] = {}
        self.sent: dict[tuple[int, str], int] = {}
        self.pushed: dict[str, None] = {}

    @property
    def running(self) -> bool:
        """Whether it has not begun yet, or a vertex is not done, though nothing has failed."""
        steps = self.steps.values()
        failed = bool(self.error) or any(s.error and s.is_instruction for s in steps)
        return not failed and (not steps or any(not step.done for step in steps))

    def begins_again(self, index: int, rest: str) -> bool:
        """Whether a line with number 1 is another builder's first one."""
        first = self.current.get(1)
        if index != 1 or first is None or not rest.startswith("["):
            return False
        return first.done or first.name != rest

    def take(self, index: int, rest: str) -> None:
        step = self.current.get(index)
        if step is None or (rest.startswith("[") and rest != step.name):
            step = self.steps.setdefault((index, rest), Step(rest))
            self.current[index] = step
            return
        output = _OUTPUT.fullmatch(rest)
        if output is not None:
            step.compiled += output[1].lstrip().startswith("Compiling ")
        elif (done := _DONE.fullmatch(rest)) is not None:
            step.done = True
            step.seconds = float(done[1] or 0)
        elif rest == "CACHED":
            step.done = step.cached = True
        elif rest.startswith(("ERROR", "CANCELED")):
            step.done = True
            step.error = step.error or rest.removeprefix("ERROR: ")
        else:
            self._status(index, rest)

    def _status(self, index: int, rest: str) -> None:
        sent = _SENT.match(rest)
        if sent is not None:
            key = (index, sent[1])
            self.sent[key] = max(self.sent.get(key, 0), size(sent[2], sent[3]))
        elif rest.startswith(PUSHING):
            self.pushed[rest.removeprefix(PUSHING).split(" ")[0].partition("@")[0]] = None

    def value(self) -> BuilderRun:
        """What the run came to."""
        sent = sum(self.sent.values()) if self.sent else None
        steps = list(self.steps.values())
        return gathered(self.line, steps, sent, self.pushed, self.error, self.mixed)
