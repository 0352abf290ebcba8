"""dockerfix and docker as processes in the lab, and the traces that a verification may leave."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LABEL = "io.dockerfix.verify"
NAME = "dockerfix-verify-"
"""How the name of everything begins that a verification makes."""
HERE = ("--builder", "default", "--network", "host")
"""The engine's own BuildKit: what it builds is in the engine at once, without a copy."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a process left behind."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        """Standard output as JSON."""
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass(frozen=True, slots=True)
class Machine:
    """Processes in one environment."""

    env: Mapping[str, str]

    def dockerfix(self, *words: str, cwd: Path, patch: bytes | None = None) -> Result:
        """Run dockerfix; `patch` is its standard input."""
        done = subprocess.run(
            dockerfix_command(*words), cwd=cwd, env=self.env, input=patch, capture_output=True
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def docker(self, *words: str, cwd: Path | None = None, check: bool = True) -> Result:
        """Run docker, which must succeed unless `check` is off."""
        done = subprocess.run(["docker", *words], cwd=cwd, env=self.env, capture_output=True)
        result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert not check or result.code == 0, result.err[-3000:]
        return result

    def traces(self) -> set[str]:
        """Everything of any verification that can be seen from outside."""
        images = self.docker("images", "--format", "{{.Repository}}:{{.Tag}}").out.split()
        containers = self.docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}").out
        builders = self.docker("buildx", "ls", "--format", "{{.Name}}").out.split()
        return {
            *(image for image in images if image.startswith(NAME)),
            *containers.split(),
            *(builder for builder in builders if builder.startswith(NAME)),
            *map(str, Path(self.env["TMPDIR"]).glob(f"{NAME}*")),
        }


def dockerfix_command(*words: str) -> list[str]:
    """dockerfix as a process of its own."""
    return [sys.executable, "-c", "from dockerfix.cli import main; main()", *words]
