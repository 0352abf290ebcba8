"""The lab as a whole: in which order its parts are made, started and stopped.

Nothing here knows dockerfix. Of the machine it changes what `down` takes back: processes, one
bridge, and files in its own two folders.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from lab import publish
from lab.builder import Builder
from lab.commands import NoLabError, end_all, run, say
from lab.daemons import Daemon
from lab.engine import Engine
from lab.images import REGISTRY_CONFIG
from lab.machine import check_machine, engine_that_answers
from lab.parts import Parts
from lab.pins import HERE, read_pins

# Variables of the caller that would lead docker, buildx or Compose elsewhere.
_MISLEADING = (
    "BUILDX_BUILDER",
    "BUILDX_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_CONTEXT",
    "DOCKER_TLS_VERIFY",
)
# How a docker client's settings name the proxies that builds are given.
_PROXIES = {"HTTP_PROXY": "httpProxy", "HTTPS_PROXY": "httpsProxy", "NO_PROXY": "noProxy"}


@dataclass(frozen=True, slots=True)
class Lab:
    """A machine with a build engine: the lab's own, or the one that was there.

    Fields:
        folder: what was fetched and built, kept between runs; one lab a folder.
        run_dir: sockets and pid files.
        foreign: address of a Docker daemon that answers and is not the lab's, or None. It is
            used for images and Compose, and nothing is changed there; cold builders are the
            lab's own even then.
    """

    folder: Path
    run_dir: Path
    foreign: str | None

    # What tests use

    @property
    def docker_host(self) -> str:
        """Address of the Docker daemon, for DOCKER_HOST."""
        return self.foreign or f"unix://{self._engine.socket}"

    def env(self, builder: str | None = None) -> dict[str, str]:
        """Environment for docker, buildx and Compose; `builder` chooses a buildx builder."""
        values = dict(os.environ) | {"DOCKER_HOST": self.docker_host}
        if self.programs.is_dir():
            values = {name: value for name, value in values.items() if name not in _MISLEADING}
            values["PATH"] = f"{self.programs}:{os.environ['PATH']}"
            values["DOCKER_CONFIG"] = str(self._docker_config)
        if builder is not None:
            values["BUILDX_BUILDER"] = builder
        return values

    @contextlib.contextmanager
    def cold_builder(self, *, disk_mib: int | None = None) -> Iterator[Builder]:
        """A BuildKit with nothing in it, known to buildx; gone with all its traces afterwards.

        Several may live at a time. `disk_mib` gives it a disk of that size, to see it run full.
        Raises NoLabError where the lab can have no builders of its own.
        """
        if not self.runs():
            check_machine()
        builder = self._builder(os.urandom(3).hex())
        try:
            builder.start(self._mirror, disk_mib=disk_mib)
            yield builder
        finally:
            builder.remove()

    @property
    def programs(self) -> Path:
        """Folder with docker, buildkitd and the rest; it is not there before the first `up`."""
        return self.folder / "programs"

    def runs(self) -> bool:
        """Whether every daemon of the lab runs."""
        return all(daemon.pid is not None for daemon in self._daemons)

    def status(self) -> str:
        """One line a daemon, for a person."""
        lines = [f"engine: {self.foreign}, not the lab's own"] if self.foreign else []
        for daemon in self._daemons:
            pid = daemon.pid
            lines.append(f"{daemon.name}: {f'runs, pid {pid}' if pid else 'does not run'}")
        return "\n".join(lines)

    # Its parts

    @property
    def _daemons(self) -> tuple[Daemon, ...]:
        own = () if self.foreign else (self._engine.daemon,)
        return (self._daemon("mirror"), *own, self._warm_builder.daemon)

    @property
    def _mirror(self) -> str:
        """`host:port` of the registry that holds the stand-ins; it is not for pushes."""
        return (self.run_dir / "mirror").read_text(encoding="ascii")

    @property
    def _short_name(self) -> str:
        """Names what the kernel keeps for this lab: its bridge and its control groups."""
        return f"dfx{self.run_dir.name[-8:]}"

    @property
    def _engine(self) -> Engine:
        return Engine(
            daemon=self._daemon("dockerd"),
            name=self._short_name,
            programs=self.programs,
            run_dir=self.run_dir,
            data=self.folder / "docker",
        )

    @property
    def _warm_builder(self) -> Builder:
        """The builder that `up` starts: the default one where the engine is the lab's."""
        return self._builder("lab")

    def _builder(self, name: str) -> Builder:
        return Builder(
            name=name if name == "lab" else f"cold-{name}",
            daemon=self._daemon(f"buildkitd-{name}"),
            programs=self.programs,
            run_dir=self.run_dir / f"builder-{name}",
            root=self.folder / "builders" / name,
            cgroup=f"{self._short_name}/{name}",
            env=self.env(),
        )

    def _daemon(self, name: str) -> Daemon:
        return Daemon(name=name, run_dir=self.run_dir, log=self.folder / "log" / f"{name}.log")

    @property
    def _docker_config(self) -> Path:
        return self.folder / "docker-config"

    # Up and down

    def up(self) -> None:
        """Make what is missing and start what does not run.

        Raises NoLabError when this machine cannot have a lab; what was started is stopped again
        then. Where a Docker daemon answers already, that is enough to go on: only builders of
        the lab's own are missing.
        """
        if self.runs():
            return
        try:
            check_machine()
        except NoLabError as reason:
            if self.foreign is None:
                raise
            say(f"no builders of the lab's own: {reason}")
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with _locked(self.folder / "lock"):
            if self.runs():  # another process was faster
                return
            self._clear()
            try:
                self._make_and_start()
            except BaseException:
                self._clear()
                raise

    def down(self) -> None:
        """Stop every process of the lab and remove its networks, mounts and sockets."""
        if not self.folder.is_dir():
            return
        with _locked(self.folder / "lock"):
            self._clear()

    def _clear(self) -> None:
        for root in sorted((self.folder / "builders").glob("*")):
            if root.name != "lab":
                self._builder(root.name).remove()
        if not self.run_dir.is_dir():
            return  # nothing was started since the machine was
        self._warm_builder.stop()
        self._engine.stop()
        self._daemon("mirror").stop()
        shutil.rmtree(self.run_dir, ignore_errors=True)

    def _make_and_start(self) -> None:
        self.run_dir.mkdir(parents=True, exist_ok=True)
        parts = Parts(self.folder, read_pins())
        with ThreadPoolExecutor(max_workers=4, thread_name_prefix="lab") as pool:
            compiled = pool.submit(parts.go_programs)
            fetched = pool.submit(self._fetch_programs, parts)
            mirror = pool.submit(self._start_mirror, parts, compiled)
            started = pool.submit(self._start_daemons, fetched, compiled, mirror)
            try:
                for future in as_completed((compiled, fetched, mirror, started)):
                    future.result()
            except BaseException:
                # The threads end when the programs do that they wait for, and start no other.
                while not all(future.done() for future in (compiled, fetched, mirror, started)):
                    end_all()
                    time.sleep(0.1)
                raise

    def _fetch_programs(self, parts: Parts) -> list[Path]:
        host = parts.host_programs()
        return [host] if self.foreign else [host, parts.engine_programs()]

    def _start_mirror(self, parts: Parts, compiled: Future[Path]) -> None:
        """Start the registry of stand-ins, and fill it unless it is full."""
        host = parts.host_programs()
        address = f"127.0.0.1:{_free_port()}"
        settings = REGISTRY_CONFIG.format(address=address, root=parts.mirror_store)
        config = self.run_dir / "mirror.yml"
        config.write_text(settings, encoding="utf-8")
        full = parts.mirror_is_full()
        self._daemon("mirror").start(
            [host / "docker-registry", "serve", config],
            init=host / "tini",
            ready=lambda: publish.answers(address),
        )
        if not full:
            shutil.rmtree(self._engine.data, ignore_errors=True)  # it may hold older stand-ins
            parts.fill_mirror(address, compiled)
        (self.run_dir / "mirror").write_text(address, encoding="ascii")

    def _start_daemons(
        self, fetched: Future[list[Path]], compiled: Future[Path], mirror: Future[None]
    ) -> None:
        self._link_programs([*fetched.result(), compiled.result()])
        self._write_docker_config()
        mirror.result()
        if self.foreign is None:
            self._engine.start(self._mirror)
            say(f"dockerd answers at {self.docker_host}")
        builder = self._warm_builder
        builder.start(self._mirror, options=("--driver-opt", "default-load=true"))
        default = "default" if self.foreign else builder.name
        run(["docker", "buildx", "use", default], env=self.env())
        say(f"BuildKit answers as builder {builder.name!r}")

    def _link_programs(self, sources: list[Path]) -> None:
        shutil.rmtree(self.programs, ignore_errors=True)
        self.programs.mkdir(parents=True)
        for source in sources:
            for program in source.iterdir():
                (self.programs / program.name).symlink_to(program)

    def _write_docker_config(self) -> None:
        """Give docker settings of the lab's own: its plugins, the machine's proxies."""
        shutil.rmtree(self._docker_config, ignore_errors=True)
        plugins = self._docker_config / "cli-plugins"
        plugins.mkdir(parents=True)
        for name in ("docker-buildx", "docker-compose"):
            (plugins / name).symlink_to(self.programs / name)
        proxies = {
            _PROXIES[name.upper()]: value
            for name, value in os.environ.items()
            if name.upper() in _PROXIES
        }
        config = {"proxies": {"default": proxies}} if proxies else {}
        (self._docker_config / "config.json").write_text(json.dumps(config), encoding="utf-8")


class LabBuilders:
    """Cold builders of the lab, as `dockerfix.verify` asks for them."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    @contextlib.contextmanager
    def fresh(self) -> Iterator[str]:
        """The name of one that lives for a job."""
        with self.lab.cold_builder() as builder:
            yield builder.name


def open_lab(folder: Path | None = None) -> Lab:
    """The lab of this work tree (or in `folder`), running or not; starts nothing.

    DOCKERFIX_LAB names another folder, so that several work trees share what was fetched.
    """
    place = folder or default_folder()
    run_dir = run_dir_of(place)
    answering = engine_that_answers()
    own = answering == f"unix://{run_dir}/docker.sock"
    return Lab(folder=place, run_dir=run_dir, foreign=None if own else answering)


def default_folder() -> Path:
    """Where the lab of this work tree keeps what it fetched and built."""
    return Path(os.environ.get("DOCKERFIX_LAB", HERE.parents[1] / ".lab")).resolve()


def run_dir_of(folder: Path) -> Path:
    """Where the lab in `folder` has its sockets: elsewhere, since their paths must be short."""
    return Path("/run") / f"dockerfix-lab-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` against other processes."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
