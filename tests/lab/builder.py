"""BuildKit daemons of the lab: a fresh one is what one job of an ephemeral runner gets.

Knows buildkitd and `docker buildx create --driver remote`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.commands import CommandError, run
from lab.daemons import Daemon, drop_cgroup
from lab.engine import listens

_SETTINGS = """\
root = "{root}"
[grpc]
  address = ["unix://{socket}"]
[worker.oci]
  enabled = true
  networkMode = "host"
  defaultCgroupParent = "{cgroup}"
  maxUsedSpace = "10GB"
[worker.containerd]
  enabled = false
[registry."docker.io"]
  mirrors = ["{mirror}"]
[registry."{mirror}"]
  http = true
"""


@dataclass(frozen=True, slots=True)
class Builder:
    """One buildkitd and the buildx builder that leads to it.

    Fields:
        name: of the builder in buildx.
        daemon: its process.
        programs: folder with buildkitd, runc, tini and docker.
        run_dir: its socket and settings, a short path.
        root: its cache; gone after `remove`.
        cgroup: the control group of what it runs, from the top, without a leading slash.
        env: for docker commands.
    """

    name: str
    daemon: Daemon
    programs: Path
    run_dir: Path
    root: Path
    cgroup: str
    env: Mapping[str, str]

    @property
    def address(self) -> str:
        """Where buildkitd answers, as buildx and BUILDKIT_HOST want it."""
        return f"unix://{self.run_dir}/buildkitd.sock"

    @property
    def log(self) -> Path:
        """File with what buildkitd said; it goes with the builder."""
        return self.daemon.log

    def start(
        self, mirror: str, *, disk_mib: int | None = None, options: tuple[str, ...] = ()
    ) -> None:
        """Start with an empty cache, `mirror` in front of Docker Hub, and make it known to buildx.

        `disk_mib` gives it a disk of that size (a tmpfs), to see one run full.
        """
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self.root.mkdir(parents=True, exist_ok=True)
        if disk_mib is not None:
            run(["mount", "-t", "tmpfs", "-o", f"size={disk_mib}m", "tmpfs", self.root])
        sock = self.run_dir / "buildkitd.sock"
        settings = _SETTINGS.format(root=self.root, socket=sock, cgroup=self.cgroup, mirror=mirror)
        config = self.run_dir / "buildkitd.toml"
        config.write_text(settings, encoding="utf-8")
        self.daemon.start(
            [self.programs / "buildkitd", "--config", config],
            init=self.programs / "tini",
            ready=lambda: listens(sock),
            env={"PATH": f"{self.programs}:{os.environ['PATH']}"},
        )
        create = ["docker", "buildx", "create", "--name", self.name, "--driver", "remote"]
        run([*create, *options, self.address], env=self.env)

    def forget(self) -> None:
        """Make it unknown to buildx, if it is known."""
        with contextlib.suppress(CommandError):
            run(["docker", "buildx", "rm", "--force", self.name], env=self.env)

    def stop(self) -> None:
        """End buildkitd, by SIGKILL after 10 seconds; what it cached stays."""
        self.daemon.stop(grace=10)
        drop_cgroup(self.cgroup)

    def remove(self) -> None:
        """Stop it and leave nothing of it behind; may be called twice."""
        self.forget()
        self.stop()
        if os.path.ismount(self.root):
            subprocess.run(["umount", "--lazy", str(self.root)], check=False)
        for folder in (self.root, self.run_dir):
            shutil.rmtree(folder, ignore_errors=True)
        self.log.unlink(missing_ok=True)
