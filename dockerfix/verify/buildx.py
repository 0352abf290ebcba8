"""`docker buildx` as a process: builds, and builders that live for one job.

Knows its command line and how to end it; what it builds is a bake definition, what it says is
read by `steps`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from dockerfix.traces.steps import Failure, Steps
from dockerfix.verify.bake import Wanted, definition
from dockerfix.verify.child import end_all, started
from dockerfix.verify.errors import BuildFailedError, EngineError
from dockerfix.verify.side import Side
from dockerfix.verify.watch import Progress, Watch, unwatched

_PATIENCE = 60.0
"""Seconds that commands may take which build nothing."""
_OLDEST = (0, 13)
"""The first buildx with `--progress=rawjson`."""
_RUNS = re.compile(r"^Status:\s+running\s*$", re.MULTILINE)
"""What `docker buildx inspect` says of a machine that answers."""
_ALLOW = (0, 17)
"""The first buildx whose bake asks for privileges, and takes `--allow`."""


class Job(Struct, frozen=True):
    """One call of bake: what it builds in which tree, and what a person calls that; `no_cache`
    runs every step again."""

    side: Side
    folder: Path
    wanted: tuple[Wanted, ...]
    what: str
    no_cache: bool = False

    @property
    def images(self) -> tuple[str, ...]:
        """The names of what is built."""
        return tuple(image.name for image in self.wanted)


class Buildx(Struct, frozen=True):
    """How buildx is called.

    `environment` is that of the process, `builder` the builder's name (empty: the current
    one), `network` the network of RUN instructions (empty: as the call sites say). `running`
    holds the builds under way, those of copies of this value for other builders too.
    """

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    builder: str = ""
    network: str = ""
    running: set[subprocess.Popen[bytes]] = field(default_factory=set)

    def bake(self, job: Job, *, watch: Watch = unwatched) -> Steps:
        """Build all images of a job in one call; gives what the builder said.

        Raises `BuildFailedError`, and `EngineError` when there is no docker.
        """
        steps = Steps()
        source = definition(job.wanted, self.network)
        command = ["docker", "buildx", "bake", *self._flags(job), "--file", "-"]
        watch(Progress(job.what, steps))
        with started(command, job.folder, self.environment, self.running) as process:
            assert process.stdin is not None and process.stderr is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(source)
                process.stdin.close()
            for line in process.stderr:
                ended = [step for step in steps.feed(line) if step.is_instruction]
                for step in ended or (None,):
                    watch(Progress(job.what, steps, step))
        if process.returncode != 0:
            raise BuildFailedError(job.side, job.images, steps.failure())
        return steps

    def print_bake(
        self, side: Side, folder: Path, words: Sequence[str], variables: Mapping[str, str]
    ) -> Mapping[str, object]:
        """What bake itself reads in a bake file: its targets by name, with their attributes.

        `words` stand behind `bake`, `variables` are in its environment. Raises
        `BuildFailedError` when bake cannot read its files.
        """
        command = ["docker", "buildx", "bake", "--print", *words]
        done = replace(self, environment={**self.environment, **variables})._run(command, folder)
        if done.returncode != 0:
            lines = tuple(done.stderr.splitlines()[-10:])
            raise BuildFailedError(side, (), Failure(" ".join(command), lines))
        targets: Mapping[str, object] = json.loads(done.stdout).get("target", {})
        return targets

    def stored_bytes(self, reference: str) -> int:
        """How many bytes of layers an image or a cache of a registry holds; 0 when it cannot be
        read."""
        command = ["docker", "buildx", "imagetools", "inspect", "--raw", reference]
        if self.builder:
            command += ["--builder", self.builder]
        try:
            manifest = json.loads(self._run(command).stdout)
        except ValueError:
            return 0
        # A cache is an image manifest, or an index whose entries are its layers.
        parts = (*manifest.get("layers", ()), *manifest.get("manifests", ()))
        return sum(int(part.get("size", 0)) for part in parts)

    def check(self) -> None:
        """Raise `EngineError` unless a buildx that can do this is there."""
        if shutil.which("docker", path=self.environment.get("PATH")) is None:
            raise EngineError("docker is not installed here", "install the Docker CLI with buildx")
        done = self._run(["docker", "buildx", "version"])
        if done.returncode != 0:
            raise EngineError("docker has no buildx here", "install the buildx plugin")
        if self._version(done.stdout) < _OLDEST:
            oldest = ".".join(map(str, _OLDEST))
            raise EngineError(
                f"buildx is too old: {done.stdout.strip()}", f"install buildx {oldest} or newer"
            )

    def answers(self) -> bool:
        """Whether the builder answers, or one of its machines where it has several."""
        try:
            done = self._run(["docker", "buildx", "inspect", *filter(None, [self.builder])])
        except EngineError:
            return False
        return done.returncode == 0 and bool(_RUNS.search(done.stdout))

    def end(self) -> None:
        """End the builds that other threads have under way; they read what is said meanwhile."""
        end_all(self.running)

    def create(self, name: str, options: Sequence[str] = ()) -> None:
        """Make a builder with a cache of its own, and start it. Raises `EngineError`."""
        create = ["docker", "buildx", "create", "--name", name, "--driver", "docker-container"]
        # For call sites that ask for the host's network.
        create += ["--buildkitd-flags", "--allow-insecure-entitlement network.host"]
        done = self._run([*create, *options, "--bootstrap"], timeout=600)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["no reason given"]
            raise EngineError(
                f"no fresh builder can be made here: {lines[-1]}",
                "leave out --cold, or give the engine what it lacks",
            )

    def remove(self, name: str) -> None:
        """Remove a builder that `create` made, with its cache; one that is gone is fine."""
        self._run(["docker", "buildx", "rm", "--force", name], timeout=120)

    def _flags(self, job: Job) -> list[str]:
        flags = ["--progress", "rawjson", "--provenance=false"]
        if self.builder:
            flags += ["--builder", self.builder]
        if job.no_cache:
            flags.append("--no-cache")
        host = self.network == "host" or any(
            ("network", "host") in image.recipe.options for image in job.wanted
        )
        if host and self._version(self._run(["docker", "buildx", "version"]).stdout) >= _ALLOW:
            flags += ["--allow", "network.host"]
        return flags

    @staticmethod
    def _version(text: str) -> tuple[int, ...]:
        """`github.com/docker/buildx v0.17.1 257815a` as (0, 17); a build without a version is
        taken for a new one."""
        found = re.search(r"v(\d+)\.(\d+)\.", text)
        return (int(found[1]), int(found[2])) if found else (99,)

    def _run(
        self, command: Sequence[str], folder: Path | None = None, timeout: float = _PATIENCE
    ) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                command,
                cwd=folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError:
            raise EngineError("docker is not installed here", "install the Docker CLI") from None
        except subprocess.TimeoutExpired:
            said = " ".join(command[:4])
            raise EngineError(f"`{said}` gives no answer", "look after the engine") from None
