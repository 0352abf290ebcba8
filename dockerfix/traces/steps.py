"""What a builder says while it builds: steps, their times, what they print.

Reads the lines of `--progress=rawjson`: each is a BuildKit `SolveStatus` (moby/buildkit,
client/graph.go), with vertexes (steps), statuses (transfers) and logs. Knows BuildKit and
cargo's `Compiling` lines; runs nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import Struct

_TAIL = 25
"""Lines kept of what a step printed last."""
PUSHING = "pushing manifest for "
"""How BuildKit's line for a pushed name begins."""
_CLIPPED = b"[output clipped,"


class Failure(Struct, frozen=True):
    """How a build ended: which step failed, and the builder's last lines about it."""

    step: str
    lines: tuple[str, ...]


@dataclass(slots=True)
class Step:
    """One vertex of the build graph, as far as the builder has told.

    `seconds` is the time it ran, 0.0 until it is done; `compiled` counts cargo's `Compiling`
    lines; `clipped` says that BuildKit cut the step's output, so that it may be too small.
    """

    name: str
    started: str = ""
    seconds: float = 0.0
    done: bool = False
    cached: bool = False
    error: str = ""
    compiled: int = 0
    clipped: bool = False
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL))
    rest: bytes = b""

    @property
    def label(self) -> str:
        """What stands in the brackets: `server builder 2/3`; empty when there are none."""
        return self.name[1:].partition("]")[0] if self.name.startswith("[") else ""

    @property
    def is_instruction(self) -> bool:
        """Whether it is an instruction of a Dockerfile, and not the builder's own business."""
        last = self.label.rpartition(" ")[2]
        number, slash, count = last.partition("/")
        return bool(slash) and number.isdecimal() and count.isdecimal()

    @property
    def command(self) -> str:
        """The instruction as written, continuation lines joined."""
        return self.name.partition("] ")[2] if self.label else self.name


@dataclass(slots=True)
class Steps:
    """All steps of one run of buildx; `feed` takes its lines one by one."""

    steps: dict[str, Step] = field(default_factory=dict)
    said: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL))
    """Lines that are no progress: errors and warnings of buildx itself."""
    pushed: dict[str, None] = field(default_factory=dict)
    """The names under which images were pushed, in order."""
    _sent: dict[tuple[str, str], int] = field(default_factory=dict)

    def feed(self, line: bytes) -> tuple[Step, ...]:
        """Take one line; gives the steps that ended with it."""
        try:
            status = json.loads(line) if line.startswith(b"{") else None
        except ValueError:
            status = None
        if not isinstance(status, dict):
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                self.said.append(text)
            return ()
        ended = [step for v in status.get("vertexes") or () if (step := self._vertex(v))]
        for entry in status.get("statuses") or ():
            self._status(entry)
        for entry in status.get("logs") or ():
            self._log(entry)
        return tuple(ended)

    @property
    def instructions(self) -> tuple[Step, ...]:
        """The steps that are instructions, each once however many images share it."""
        return tuple(step for step in self.steps.values() if step.is_instruction)

    @property
    def done(self) -> int:
        """How many instructions are done."""
        return sum(step.done for step in self.instructions)

    @property
    def cached(self) -> int:
        """How many instructions the builder's cache or an imported one answered."""
        return sum(step.cached for step in self.instructions)

    @property
    def running(self) -> Step | None:
        """The instruction that started last and is not done."""
        open_steps = [s for s in self.instructions if s.started and not s.done]
        return max(open_steps, key=lambda step: step.started, default=None)

    @property
    def bytes_sent(self) -> int:
        """Bytes of contexts, Dockerfiles and ignore files that were sent to the builder."""
        return sum(self._sent.values())

    @property
    def transferred(self) -> bool:
        """Whether the builder has told of any transfer."""
        return bool(self._sent)

    def failure(self) -> Failure:
        """What ended the build: the failed step with what it printed last, or buildx's words."""
        for step in self.steps.values():
            # The first one; steps that were running then are reported as cancelled.
            if step.error and "context canceled" not in step.error:
                lines = (*step.tail, *_last_part(step.error))
                return Failure(step.name, tuple(lines))
        said = [line for line in self.said if not line.startswith(("#", "WARNING"))]
        return Failure("buildx", tuple(said or self.said))

    def _vertex(self, entry: Mapping[str, Any]) -> Step | None:
        """Take over a vertex; the step when it ended just now."""
        digest = str(entry.get("digest", ""))
        step = self.steps.setdefault(digest, Step(str(entry.get("name", ""))))
        step.started = step.started or str(entry.get("started") or "")
        step.cached = step.cached or bool(entry.get("cached"))
        step.error = step.error or str(entry.get("error") or "")
        completed = entry.get("completed")
        if not completed:
            # One vertex may run in several parts; it is done when none follows.
            step.done = False if entry.get("started") else step.done
            return None
        first = not step.done
        step.done = True
        step.seconds = _seconds(step.started, str(completed))
        return step if first else None

    def _status(self, entry: Mapping[str, Any]) -> None:
        name = str(entry.get("id", ""))
        if name.startswith(PUSHING):
            self.pushed.setdefault(name.removeprefix(PUSHING).partition("@")[0])
        if name.startswith("transferring "):
            key = (str(entry.get("vertex", "")), name)
            self._sent[key] = max(int(entry.get("current") or 0), self._sent.get(key, 0))

    def _log(self, entry: Mapping[str, Any]) -> None:
        step = self.steps.get(str(entry.get("vertex", "")))
        if step is None:
            return
        try:
            data = step.rest + base64.b64decode(entry.get("data") or "")
        except (binascii.Error, TypeError):
            return
        *lines, step.rest = data.split(b"\n")
        for line in lines:
            words = line.split(maxsplit=1)
            step.compiled += bool(words) and words[0] == b"Compiling"
            step.clipped = step.clipped or line.startswith(_CLIPPED)
            text = line.rpartition(b"\r")[2].decode("utf-8", "replace").rstrip()
            if text:
                step.tail.append(text)


def _seconds(started: str, ended: str) -> float:
    """Seconds between two times in RFC 3339; 0.0 when one cannot be read."""
    try:
        span = datetime.fromisoformat(_micro(ended)) - datetime.fromisoformat(_micro(started))
    except ValueError:
        return 0.0
    return span.total_seconds()


def _micro(time: str) -> str:
    """Go prints nanoseconds, Python reads microseconds."""
    head, dot, tail = time.removesuffix("Z").partition(".")
    return f"{head}{dot}{tail[:6].ljust(6, '0')}+00:00" if dot else f"{head}+00:00"


def _last_part(error: str) -> list[str]:
    return [line for line in error.splitlines() if line.strip()]
