"""Kaniko's log: `INFO[0012] message`, with the seconds since its start in the brackets.

Follows GoogleContainerTools/kaniko `pkg/executor`. A step's time is that until the next message
that starts something, in whole seconds. Kaniko does not say how large the context is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from dockerfix.traces.model import BuilderRun, BuiltStep, State, Transfer

_LINE = re.compile(r"(INFO|WARN|ERRO|FATA|DEBU)\[(\d{4,})\] (.*)")
_INSTRUCTION = re.compile(
    r"(?:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|ONBUILD|RUN|SHELL|STOPSIGNAL"
    r"|USER|VOLUME|WORKDIR) .*"
)
_CACHED = "Using caching version of cmd: "
_PUSHED = "Pushed "
_NO_CACHE = "Error while retrieving image from cache: "
_FAILED = "error building image: "


@dataclass(slots=True)
class _Run:
    line: int
    last: int = 0
    steps: list[BuiltStep] = field(default_factory=list)
    cached: set[str] = field(default_factory=set)
    running: tuple[str, int] | None = None
    imports: list[Transfer] = field(default_factory=list)
    pushed: dict[str, None] = field(default_factory=dict)
    error: str = ""

    def take(self, seconds: int, message: str) -> None:
        self.last = seconds
        if message.startswith(_CACHED):
            self.cached.add(message.removeprefix(_CACHED))
        elif _INSTRUCTION.fullmatch(message):
            self.finish(seconds)
            self.running = (message, seconds)
        elif message.startswith("Pushing image to "):
            self.finish(seconds)
        elif message.startswith(_PUSHED):
            self.pushed[message.removeprefix(_PUSHED).partition("@")[0]] = None
        elif message.startswith(_NO_CACHE):
            what = message.removeprefix(_NO_CACHE)
            self.imports.append(Transfer(what.split(" ")[0], None, what))

    def finish(self, seconds: int, state: State = State.RAN) -> None:
        """End the step that runs."""
        if self.running is not None:
            name, started = self.running
            state = State.CACHED if name in self.cached else state
            self.steps.append(BuiltStep(name, state, float(max(0, seconds - started))))
            self.running = None

    def value(self) -> BuilderRun:
        """What the run came to."""
        self.finish(self.last, State.FAILED if self.error else State.UNFINISHED)
        return BuilderRun(
            "kaniko", self.line, tuple(self.steps), None, tuple(self.imports), (),
            tuple(self.pushed), 0, self.error,
        )  # fmt: skip


class KanikoReader:
    """Reads the lines of a trace that are kaniko's; `take` says whether one was."""

    def __init__(self) -> None:
        self.finished: list[BuilderRun] = []
        self._run: _Run | None = None

    def take(self, number: int, text: str) -> bool:
        """Read a line of the trace."""
        match = _LINE.match(text)
        if match is None:
            if self._run is not None and text.startswith(_FAILED):
                self._run.error = text.removeprefix(_FAILED)
                return True
            return False
        seconds = int(match[2])
        if self._run is None or seconds < self._run.last:
            self._close()
            self._run = _Run(number)
        self._run.take(seconds, match[3])
        return True

    def end(self) -> Iterator[BuilderRun]:
        """Every run, in order."""
        self._close()
        yield from self.finished

    def _close(self) -> None:
        if self._run is not None:
            run = self._run.value()
            if run.steps or run.pushed or run.error:
                self.finished.append(run)
        self._run = None
