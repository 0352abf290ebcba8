"""BuildKit's `--progress=rawjson` in a trace, of one builder after another.

A run begins with the definition that it loads; what the vertexes mean stands in `steps`.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.traces.gathering import gathered
from dockerfix.traces.model import BuilderRun
from dockerfix.traces.steps import Steps

_KEYS = ('{"vertexes":', '{"statuses":', '{"logs":', '{"warnings":')
_DEFINITION = "load build definition"


class RawJsonReader:
    """Reads the lines of a trace that are such JSON; `take` says whether one was."""

    def __init__(self) -> None:
        self.finished: list[BuilderRun] = []
        self._steps = Steps()
        self._line = 0

    def take(self, number: int, text: str) -> bool:
        """Read a line of the trace."""
        if not text.startswith(_KEYS):
            return False
        if _DEFINITION in text and self._ended:
            self._close()
        self._line = self._line or number
        self._steps.feed(text.encode("utf-8", "replace"))
        return True

    def end(self) -> Iterator[BuilderRun]:
        """Every run, in order."""
        self._close()
        yield from self.finished

    @property
    def _ended(self) -> bool:
        """Whether instructions were built and nothing runs any more."""
        steps = self._steps.steps.values()
        return bool(self._steps.instructions) and not any(s.started and not s.done for s in steps)

    def _close(self) -> None:
        steps = self._steps
        if steps.steps:
            sent = steps.bytes_sent if steps.transferred else None
            run = gathered(self._line, steps.steps.values(), sent, steps.pushed)
            self.finished.append(run)
        self._steps, self._line = Steps(), 0
