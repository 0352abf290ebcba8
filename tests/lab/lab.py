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
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from lab import publish
from lab.builder import Builder
from lab.commands import CommandError, NoLabError, end_all, run, say
from lab.daemons import Daemon
from lab.debian import host_release
from lab.engine import Engine
from lab.images import REGISTRY_CONFIG
from lab.parts import Parts
from lab.pins import HERE, read_pins

_REPOSITORY = HERE.parents[1]
_NEEDED = {
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "ip": "iproute2",
    "unshare": "util-linux",
    "tar": "tar",
    "go": "Go (tests/lab/tools/go.mod says which version)",
    "cargo": "Rust",
    "rustc": "Rust",
    "node": "Node.js",
    "npm": "npm",
}
# Variables of the caller that would lead docker, buildx or Compose elsewhere.
_MISLEADING = ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "BUILDX_BUILDER")


@dataclass(frozen=True, slots=True)
class Lab:
    """A machine with a build engine: the lab's own, or the one that was there.

    Fields:
        folder: what was fetched and built, kept between runs; one lab a folder.
        run_dir: sockets and pid files.
        foreign: address of an engine that answers and is not the lab's, or None.
    """

    folder: Path
    run_dir: Path
    foreign: str | None

    # What tests use

    @property
    def docker_host(self) -> str:
        """Address of the Docker daemon, for DOCKER_HOST."""
        return self.foreign or f"unix://{self._engine.socket}"

    @property
    def mirror(self) -> str:
        """`host:port` of the registry that holds the stand-ins; it is not for pushes."""
        return (self.run_dir / "mirror").read_text(encoding="ascii")

    def env(self, builder: str | None = None) -> dict[str, str]:
        """Environment for docker, buildx and Compose; `builder` chooses a buildx builder."""
        values = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
        values["PATH"] = f"{self.programs}:{os.environ['PATH']}"
        values["DOCKER_HOST"] = self.docker_host
        values["DOCKER_CONFIG"] = str(self._docker_config)
        values.pop("BUILDX_CONFIG", None)
        if builder is not None:
            values["BUILDX_BUILDER"] = builder
        return values

    @contextlib.contextmanager
    def cold_builder(self, name: str = "cold", *, disk_mib: int | None = None) -> Iterator[Builder]:
        """A BuildKit with nothing in it, known to buildx; gone with all its traces afterwards.

        Several may live at a time: `name` gets a suffix of its own. `disk_mib` limits its disk.
        """
        suffix = os.urandom(3).hex()
        builder = self._builder(f"{name}-{suffix}", suffix)
        try:
            builder.start(self.mirror, disk_mib=disk_mib)
            yield builder
        finally:
            builder.remove()

    # Its parts

    @property
    def programs(self) -> Path:
        """Folder with docker, its plugins' binaries, buildkitd and the rest."""
        return self.folder / "programs"

    @property
    def builder_name(self) -> str:
        """The buildx builder that `up` starts; the default one where the engine is the lab's."""
        return "lab"

    def runs(self) -> bool:
        """Whether every daemon of the lab runs."""
        return all(daemon.pid is not None for daemon in self._daemons)

    @property
    def _daemons(self) -> tuple[Daemon, ...]:
        own = () if self.foreign else (self._engine.daemon,)
        return (self._mirror_daemon, *own, self._default_builder.daemon)

    @property
    def _mirror_daemon(self) -> Daemon:
        return self._daemon("mirror")

    @property
    def _engine(self) -> Engine:
        return Engine(
            daemon=self._daemon("dockerd"),
            name=f"dfx{self.run_dir.name[-8:]}",
            programs=self.programs,
            run_dir=self.run_dir,
            data=self.folder / "docker",
        )

    @property
    def _default_builder(self) -> Builder:
        return self._builder(self.builder_name, "lab")

    def _builder(self, name: str, short: str) -> Builder:
        return Builder(
            name=name,
            daemon=self._daemon(f"buildkitd-{short}"),
            programs=self.programs,
            run_dir=self.run_dir / f"b-{short}",
            root=self.folder / "builders" / short,
            env=self.env(),
        )

    def _daemon(self, name: str) -> Daemon:
        return Daemon(name=name, run_dir=self.run_dir, log=self.folder / "log" / f"{name}.log")

    @property
    def _docker_config(self) -> Path:
        return self.folder / "docker-config"

    def status(self) -> str:
        """One line a daemon, for a person."""
        own = [
            f"{d.name}: {f'runs, pid {d.pid}' if d.pid else 'does not run'}" for d in self._daemons
        ]
        if self.foreign:
            return "\n".join([f"engine: {self.foreign}, not the lab's own", *own])
        return "\n".join(own)

    # Up and down

    def up(self) -> None:
        """Make what is missing and start what does not run.

        Raises NoLabError when this machine cannot have a lab; what was started is stopped
        again then.
        """
        if self.runs():
            return
        _check_machine()
        self.folder.mkdir(parents=True, exist_ok=True)
        with _locked(self.folder / "lock"):
            if self.runs():  # another process was faster
                return
            self._clear()
            try:
                self._make_and_start()
            except BaseException:
                end_all()
                self._clear()
                raise

    def down(self) -> None:
        """Stop every process of the lab and remove its networks, mounts and sockets."""
        if not self.folder.is_dir():
            return
        with _locked(self.folder / "lock"):
            self._clear()

    def _clear(self) -> None:
        for pid_file in sorted(self.run_dir.glob("buildkitd-*.pid")):
            short = pid_file.stem.removeprefix("buildkitd-")
            if short != "lab":
                self._builder(f"cold-{short}", short).remove()
        self._default_builder.stop()
        self._engine.stop()
        self._mirror_daemon.stop()
        for root in (self.folder / "builders").glob("*"):
            if root.name != "lab":
                shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(self.run_dir, ignore_errors=True)

    def _make_and_start(self) -> None:
        self.run_dir.mkdir(parents=True, exist_ok=True)
        parts = Parts(self.folder, read_pins())
        with ThreadPoolExecutor(max_workers=4, thread_name_prefix="lab") as pool:
            try:
                compiled = pool.submit(parts.go_programs)
                fetched = pool.submit(self._fetch_programs, parts)
                mirror = pool.submit(self._start_mirror, parts, compiled)
                started = pool.submit(self._start_daemons, fetched, compiled, mirror)
                for future in as_completed((compiled, fetched, mirror, started)):
                    future.result()
            except BaseException:
                end_all()  # the pool waits for its threads, which wait for programs
                raise

    def _fetch_programs(self, parts: Parts) -> list[Path]:
        host = parts.host_programs()
        return [host] if self.foreign else [host, parts.engine_programs()]

    def _start_mirror(self, parts: Parts, compiled: Future[Path]) -> None:
        """Start the registry of stand-ins, and fill it unless it is full."""
        store = self.folder / "mirror"
        address = f"127.0.0.1:{_free_port()}"
        config = self.run_dir / "mirror.yml"
        config.write_text(REGISTRY_CONFIG.format(address=address, root=store), encoding="utf-8")
        host = parts.host_programs()
        self._mirror_daemon.start(
            [host / "docker-registry", "serve", config],
            init=host / "tini",
            ready=lambda: publish.answers(address),
        )
        parts.fill_mirror(address, store, compiled)
        (self.run_dir / "mirror").write_text(address, encoding="ascii")

    def _start_daemons(
        self, fetched: Future[list[Path]], compiled: Future[Path], mirror: Future[None]
    ) -> None:
        self._link_programs([*fetched.result(), compiled.result()])
        self._write_docker_config()
        mirror.result()
        if self.foreign is None:
            self._engine.start(self.mirror)
            say(f"dockerd answers at {self.docker_host}")
        builder = self._default_builder
        builder.forget()
        loads = ("--driver-opt", "default-load=true")
        builder.start(self.mirror, options=loads if self.foreign else (*loads, "--use"))
        say(f"BuildKit answers as builder {builder.name!r}")

    def _link_programs(self, sources: list[Path]) -> None:
        shutil.rmtree(self.programs, ignore_errors=True)
        self.programs.mkdir(parents=True)
        for source in sources:
            for program in source.iterdir():
                if self.foreign and program.name == "docker":
                    continue  # the engine that answers is used with its own client
                (self.programs / program.name).symlink_to(program)

    def _write_docker_config(self) -> None:
        plugins = self._docker_config / "cli-plugins"
        plugins.mkdir(parents=True, exist_ok=True)
        for name in ("docker-buildx", "docker-compose"):
            (plugins / name).unlink(missing_ok=True)
            (plugins / name).symlink_to(self.programs / name)
        proxies = {
            {"HTTP_PROXY": "httpProxy", "HTTPS_PROXY": "httpsProxy", "NO_PROXY": "noProxy"}[
                name
            ]: value
            for name, value in ((n.upper(), v) for n, v in os.environ.items())
            if name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
        }
        config = {"proxies": {"default": proxies}} if proxies else {}
        path = self._docker_config / "config.json"
        path.write_text(json.dumps(config), encoding="utf-8")


def open_lab(folder: Path | None = None) -> Lab:
    """The lab of this work tree (or in `folder`), running or not; starts nothing.

    DOCKERFIX_LAB names another folder, so that several work trees share what was fetched.
    """
    chosen = folder or Path(os.environ.get("DOCKERFIX_LAB", _REPOSITORY / ".lab"))
    place = chosen.resolve()
    # A short path outside: a socket's path has 107 bytes at most.
    run_dir = Path("/run") / f"dockerfix-lab-{hashlib.sha256(str(place).encode()).hexdigest()[:8]}"
    foreign = _engine_that_answers()
    if foreign == f"unix://{run_dir}/docker.sock":
        foreign = None
    return Lab(folder=place, run_dir=run_dir, foreign=foreign)


def _engine_that_answers() -> str | None:
    """Address of the Docker daemon that the caller's own `docker` reaches, if one answers."""
    if shutil.which("docker") is None:
        return None
    try:
        run(["docker", "info"], timeout=20)
        return os.environ.get("DOCKER_HOST") or _context_host()
    except CommandError:
        return None


def _context_host() -> str:
    shown = run(["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"])
    return shown.strip()


def _check_machine() -> None:
    """Raise NoLabError unless this machine has what the lab is made with."""
    host_release()
    if os.geteuid() != 0:
        raise NoLabError("a Docker daemon is started as root, and this is another user")
    missing = sorted({package for tool, package in _NEEDED.items() if shutil.which(tool) is None})
    if missing:
        raise NoLabError(f"not installed here: {', '.join(missing)}")


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
