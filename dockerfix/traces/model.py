"""What one job's trace tells: sections, builds, and lines that speak of a known fault.

Values only. Times are in seconds; None is unknown, which is not the same as 0.
"""

from __future__ import annotations

import enum

from msgspec import Struct


class Section(Struct, frozen=True):
    """A section of a trace; `ended` is None for one that was cut off."""

    name: str
    started: int
    ended: int | None

    @property
    def seconds(self) -> int | None:
        """How long it took, in whole seconds."""
        return None if self.ended is None else max(0, self.ended - self.started)


class State(enum.Enum):
    """What became of a step."""

    RAN = "ran"
    CACHED = "cached"
    FAILED = "failed"
    UNFINISHED = "unfinished"


class BuiltStep(Struct, frozen=True):
    """One instruction of a Dockerfile as the builder reported it."""

    name: str
    state: State
    seconds: float | None


class Transfer(Struct, frozen=True):
    """A cache that was imported or exported: its ref or kind, and the error if there was one."""

    what: str
    seconds: float | None
    error: str = ""


class BuilderRun(Struct, frozen=True):
    """One run of a builder. With bake, one run builds several images.

    `sent` are the bytes of contexts and Dockerfiles that went to the builder; None where it does
    not say so. `mixed` says that the output of
    two builders is interleaved, so that numbers may belong to either. `compiled` counts the
    `Compiling` lines of cargo.
    """

    tool: str
    line: int
    steps: tuple[BuiltStep, ...]
    sent: int | None = None
    imports: tuple[Transfer, ...] = ()
    exports: tuple[Transfer, ...] = ()
    pushed: tuple[str, ...] = ()
    compiled: int = 0
    error: str = ""
    mixed: bool = False

    def count(self, state: State) -> int:
        """How many steps ended so."""
        return sum(step.state is state for step in self.steps)

    def slowest(self, number: int) -> tuple[BuiltStep, ...]:
        """The steps that took longest, at most `number` of them."""
        timed = [step for step in self.steps if step.seconds]
        return tuple(sorted(timed, key=lambda step: -(step.seconds or 0.0))[:number])


class Symptom(Struct, frozen=True):
    """A line that speaks of a known fault: what it is, why it happens, what to do."""

    name: str
    line: int
    text: str
    why: str
    action: str
    times: int = 1


class Ending(enum.Enum):
    """How the job ended, as its trace says."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CUT_OFF = "cut off"


class JobTrace(Struct, frozen=True):
    """Everything that a trace tells. `depth` is the clone's depth, 0 for all history, None
    when the trace does not say."""

    name: str
    lines: int
    ending: Ending
    reason: str
    runner: str
    executor: str
    depth: int | None
    sections: tuple[Section, ...]
    builds: tuple[BuilderRun, ...]
    symptoms: tuple[Symptom, ...]

    def seconds(self, *names: str) -> int | None:
        """The time of the named sections together; None when the trace has none of them."""
        found = [s.seconds for s in self.sections if s.name in names and s.seconds is not None]
        return sum(found) if found else None

    @property
    def preparation(self) -> int | None:
        """From the start of the job to the start of the clone: executor, image, pod."""
        return self.seconds("resolve_secrets", "prepare_executor", "prepare_script")

    @property
    def clone(self) -> int | None:
        """Fetching the sources."""
        return self.seconds("get_sources")

    @property
    def transfers(self) -> int | None:
        """Caches and artifacts, down and up."""
        return self.seconds(
            "restore_cache", "download_artifacts", "archive_cache", "archive_cache_on_failure",
            "upload_artifacts_on_success", "upload_artifacts_on_failure",
        )  # fmt: skip

    @property
    def script(self) -> int | None:
        """The job's own commands."""
        return self.seconds("step_script", "build_script", "after_script")

    @property
    def total(self) -> int | None:
        """From the first section's start to the last known moment."""
        if not self.sections:
            return None
        ends = [s.ended if s.ended is not None else s.started for s in self.sections]
        return max(ends) - min(s.started for s in self.sections)
