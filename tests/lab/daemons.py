"""Daemons of the lab: started apart from this process, found again by a pid file, ended for sure.

A daemon runs as the child of an init of its own, in a process and a mount namespace of its own:
when that init is killed, the kernel ends all that the daemon started (shims, containers, proxies)
and drops all that it mounted, however it was stopped. Knows nothing of what the daemons do.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.commands import CommandError

_CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Daemon:
    """One daemon by name.

    Fields:
        name: for messages and file names.
        run_dir: holds its pid file.
        log: its stdout and stderr go there.
    """

    name: str
    run_dir: Path
    log: Path

    @property
    def pid(self) -> int | None:
        """Process id of the daemon's init, or None when it does not run."""
        try:
            noted = json.loads(self._pid_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        pid = int(noted["pid"])
        return pid if _start_time(pid) == noted["start"] else None

    def start(
        self,
        command: Sequence[str | Path],
        *,
        init: Path,
        ready: Callable[[], bool],
        env: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> None:
        """Start `command` and wait until `ready()`; `init` reaps and forwards signals (tini).

        Raises CommandError with the end of the log when it ends or is not ready in `timeout`
        seconds; nothing of it runs then.
        """
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        unshare = ["unshare", "--mount", "--propagation", "slave", "--pid", "--mount-proc"]
        words = [*unshare, "--fork", "--kill-child", "--", init, "--", *command]
        with self.log.open("wb") as log:
            outer = subprocess.Popen(
                [str(word) for word in words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(os.environ) | dict(env or {}),
                cwd="/",
                start_new_session=True,
            )
        deadline = time.monotonic() + timeout
        noted = False
        while time.monotonic() < deadline:
            if outer.poll() is not None:
                break
            noted = noted or self._note(outer.pid)
            if noted and ready():
                return
            time.sleep(0.05)
        outer.kill()  # takes the init along
        outer.wait()
        self._pid_file.unlink(missing_ok=True)
        raise CommandError(f"{self.name} did not start; the end of {self.log}:\n{_tail(self.log)}")

    def stop(self, *, grace: float = 10) -> None:
        """End it: SIGTERM, and SIGKILL after `grace` seconds. Nothing to do when it is gone."""
        pid = self.pid
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            if not _gone(pid, grace):
                os.kill(pid, signal.SIGKILL)
                _gone(pid, 10)
        self._pid_file.unlink(missing_ok=True)

    @property
    def _pid_file(self) -> Path:
        return self.run_dir / f"{self.name}.pid"

    def _note(self, outer: int) -> bool:
        """Write the pid file once the init exists."""
        children = Path(f"/proc/{outer}/task/{outer}/children")
        try:
            pids = children.read_text(encoding="ascii").split()
        except FileNotFoundError:
            return False
        if not pids:
            return False
        pid = int(pids[0])
        content = json.dumps({"pid": pid, "start": _start_time(pid)})
        self._pid_file.write_text(content, encoding="utf-8")
        return True


def drop_cgroup(name: str) -> None:
    """Remove the empty control groups that a killed daemon left under `name`."""
    for top in [_CGROUPS / name, *_CGROUPS.glob(f"*/{name}")]:
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                Path(folder).rmdir()
            except OSError:
                continue  # still in use: the kernel keeps it, and it costs nothing


def _start_time(pid: int) -> str | None:
    """Start time of a process in clock ticks; tells a process from a later one of that number."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else rest[18]


def _gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _start_time(pid) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
