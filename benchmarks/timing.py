"""CPU time, not wall time: what a run costs whoever else uses the machine."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """Medians over several runs of one command: CPU seconds, user and system, and peak MB."""

    seconds: float
    peak_mb: float


def in_process(work: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median CPU seconds of each piece of work; the pieces take turns, so that a change
    of the machine's speed meets all of them."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            start = time.process_time()
            run()
            times[name].append(time.process_time() - start)
    return {name: statistics.median(measured) for name, measured in times.items()}


def processes(
    commands: Mapping[str, Sequence[str]], folder: Path, rounds: int
) -> dict[str, Process]:
    """The same for whole processes, start-up and all. Output is thrown away."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(_once(command, folder))
    return {
        name: Process(
            statistics.median(seconds for seconds, _ in measured),
            statistics.median(peak for _, peak in measured),
        )
        for name, measured in times.items()
    }


def _once(command: Sequence[str], folder: Path) -> tuple[float, float]:
    started = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert started.stderr is not None
    said = started.stderr.read()
    _, status, usage = os.wait4(started.pid, 0)
    started.returncode = os.waitstatus_to_exitcode(status)
    if started.returncode not in (0, 1):  # `check` ends with 1 where there is something to do
        raise SystemExit(f"{' '.join(command)} ended with {started.returncode}: {said.decode()}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
