"""Running other programs for the lab: output kept for the error message, all ended on failure.

Knows processes that end by themselves. Daemons are in `daemons.py`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_TAIL_LINES = 15
_LIVE: set[subprocess.Popen[str]] = set()
_LIVE_LOCK = threading.Lock()
_STARTED = time.monotonic()


class NoLabError(Exception):
    """The machine cannot have a lab; the message is for a person and says what is missing."""


class CommandError(Exception):
    """A program is missing or ended with another code than 0; the message holds its last lines."""


def say(line: str) -> None:
    """Tell the person what was done, with the seconds since the lab's own start, on stderr."""
    print(f"lab: {time.monotonic() - _STARTED:6.1f} s  {line}", file=sys.stderr, flush=True)


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 900,
) -> str:
    """Run `command` and give its stdout; it gets no stdin, and `env` as its whole environment.

    Raises CommandError with the last lines of its stderr when it fails or takes longer than
    `timeout` seconds.
    """
    words = [str(word) for word in command]
    environment = dict(os.environ if env is None else env)
    if shutil.which(words[0], path=environment.get("PATH")) is None:
        raise CommandError(f"{words[0]}: not installed here")
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=environment,
        cwd=cwd,
        start_new_session=True,
    ) as process:
        with _LIVE_LOCK:
            _LIVE.add(process)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as late:
            _end(process)
            raise CommandError(f"{words[0]}: not done after {timeout:.0f} s") from late
        finally:
            with _LIVE_LOCK:
                _LIVE.discard(process)
    if process.returncode != 0:
        tail = "\n".join((err.strip() or out.strip()).splitlines()[-_TAIL_LINES:])
        raise CommandError(f"`{' '.join(words[:6])}` ended with {process.returncode}:\n{tail}")
    return out


def end_all() -> None:
    """Kill every program that `run` has under way in any thread, with its children."""
    with _LIVE_LOCK:
        live = list(_LIVE)
    for process in live:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
