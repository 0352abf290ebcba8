"""A build as a process of its own, which ends whatever happens.

Knows sessions, signals and pipes; knows no word of buildx.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dockerfix.verify.errors import EngineError
from dockerfix.verify.interrupts import undisturbed

_GRACE = 10.0
"""Seconds between control-C and SIGKILL: BuildKit in the middle of an export ignores both the
first and SIGTERM for a minute."""


@contextlib.contextmanager
def started(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    running: set[subprocess.Popen[bytes]],
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, ended at the end whatever happens.

    It has a session of its own: control-C on the terminal reaches it through `_end` only,
    so that nothing is removed while it still builds.
    """
    # Contexts, Dockerfiles and secrets may stand anywhere, as for `docker buildx build`.
    environment = {**environment, "BUILDX_BAKE_ENTITLEMENTS_FS": "0"}
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise EngineError("docker is not installed here", "install the Docker CLI") from None
    running.add(process)
    try:
        yield process
        process.wait()
    finally:
        with undisturbed():
            _end(process)
        running.discard(process)
        for pipe in (process.stdin, process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def end_all(running: set[subprocess.Popen[bytes]]) -> None:
    """End the builds that other threads have under way; they read what is said meanwhile."""
    for process in tuple(running):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
    for process in tuple(running):
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt the process, and kill it when it does not end; nothing when it has ended.

    What it started may be deaf to interrupts and outlive it: its group is killed at the end.
    """
    if process.poll() is not None:
        return
    for number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        until = time.monotonic() + _GRACE
        while process.poll() is None and time.monotonic() < until:
            # Its last lines are read, else it may wait for room in the pipe.
            _drain(process)
            time.sleep(0.05)


def _drain(process: subprocess.Popen[bytes]) -> None:
    if process.stderr is not None:
        os.set_blocking(process.stderr.fileno(), False)
        with contextlib.suppress(OSError, ValueError):
            os.read(process.stderr.fileno(), 1 << 16)
