"""The parts of the lab: what is fetched and built, each once, and kept in the lab's folder.

A part stands in the folder under its key, made of everything that the part is made from: another
key makes it anew. Knows nothing of daemons that run.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from lab import programs, publish
from lab.commands import NoLabError, run, say
from lab.debian import Release, host_release, unpack
from lab.images import StandIns, fingerprint, read_clients
from lab.pins import HERE, TOOLS, VERSIONS, Pins


class Parts:
    """Fetches and builds the parts; may be called from several threads.

    `folder` keeps them between runs, `pins` says which.
    """

    def __init__(self, folder: Path, pins: Pins) -> None:
        self._folder = folder
        self._pins = pins
        self._host = host_release()
        self._releases: dict[str, Release] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def go_programs(self) -> Path:
        """Folder with docker-buildx, docker-compose, buildkitd and dockerfile-frontend."""
        key = _key(_text(TOOLS / "go.mod"), _text(HERE / "programs.py"))
        versions = programs.go_versions().items()
        named = ", ".join(f"{module.split('/')[2]} {version}" for module, version in versions)
        return self._once("go", key, f"compiled {named}", programs.build_go_programs)

    def engine_programs(self) -> Path:
        """Folder with dockerd, containerd, its shims, docker-proxy and docker."""
        pins = self._pins
        key = _key(self._host, pins.release, pins.docker, *pins.engine_packages)
        return self._once("engine", key, "fetched Docker", self._fetch_engine)

    def host_programs(self) -> Path:
        """Folder with runc, tini and docker-registry of the machine's own Debian release."""
        key = _key(self._host, *self._pins.host_packages)
        named = ", ".join(self._pins.host_packages)
        return self._once("host", key, f"fetched {named}", self._fetch_host)

    def crates(self) -> Path:
        """Folder that `cargo install --root` filled with the pinned crates."""
        crates = self._pins.crates
        key = _key(json.dumps(dict(crates)), run(["rustc", "-vV"], cwd=Path("/")))
        named = ", ".join(f"{name} {version}" for name, version in crates.items())

        def build(into: Path) -> None:
            programs.install_crates(crates, into)

        return self._once("crates", key, f"installed {named}", build)

    @property
    def mirror_store(self) -> Path:
        """Folder of the registry that holds the stand-ins."""
        return self._folder / "mirror"

    def mirror_is_full(self) -> bool:
        """Whether the stand-ins are all there; if they are of another key, they are deleted.

        To be called while that registry does not run.
        """
        noted = self.mirror_store / "key"
        if noted.is_file() and _text(noted) == self._mirror_key():
            return True
        shutil.rmtree(self.mirror_store, ignore_errors=True)
        return False

    def fill_mirror(self, address: str, go_programs: Future[Path]) -> None:
        """Make the stand-ins and push them to the registry at `address`."""
        scratch = self._folder / "images"
        shutil.rmtree(scratch, ignore_errors=True)
        images = StandIns(self._pins, self._release(self._host), scratch, read_clients())
        with ThreadPoolExecutor(max_workers=1) as pool:
            crates = pool.submit(self.crates)
            _timed("fetched and unpacked the stand-ins' packages", images.prepare)
            makers: dict[str, Callable[[], publish.Image]] = {
                "alpine": images.alpine,
                "registry": images.registry,
                "nginx": images.nginx,
                "node": images.node,
                "rust": lambda: images.rust(crates.result()),
                "frontend": lambda: images.frontend(go_programs.result() / "dockerfile-frontend"),
            }
            for part, make in makers.items():  # the last two wait for compilers
                name = self._pins.images[part]
                repository = name if "/" in name else f"library/{name}"
                send = partial(publish.push, address, repository, make())
                _timed(f"pushed stand-in {name}", send)
        (self.mirror_store / "key").write_text(self._mirror_key(), encoding="ascii")
        shutil.rmtree(scratch)

    def _mirror_key(self) -> str:
        code = [_text(HERE / "images.py"), _text(HERE / "publish.py"), inspect.getsource(unpack)]
        pinned = [_text(path) for path in (VERSIONS, TOOLS / "go.mod", HERE / "apk")]
        return _key(*code, *pinned, fingerprint(read_clients()))

    def _fetch_engine(self, into: Path) -> None:
        release = self._release(self._pins.release)
        version = release.version(self._pins.engine_packages[0])
        if not version.startswith(f"{self._pins.docker}."):
            raise NoLabError(
                f"Debian {release.codename} has Docker {version} now; "
                f"tests/lab/versions.toml expects {self._pins.docker}"
            )
        _keep_programs(release.fetch(self._pins.engine_packages).values(), into)

    def _fetch_host(self, into: Path) -> None:
        release = self._release(self._host)
        _keep_programs(release.fetch(self._pins.host_packages).values(), into)
        (into / "docker-init").symlink_to("tini-static")  # what `docker run --init` starts

    def _release(self, codename: str) -> Release:
        """A Debian release whose package lists were fetched in this run."""
        with self._locks[f"release {codename}"]:
            if codename not in self._releases:
                release = Release(codename, self._folder / "apt" / codename)
                release.refresh()
                self._releases[codename] = release
            return self._releases[codename]

    def _once(self, part: str, key: str, what: str, build: Callable[[Path], None]) -> Path:
        place = self._folder / "parts" / f"{part}-{key}"
        with self._locks[part]:
            if place.is_dir():
                return place
            fresh = place.with_name(f".{place.name}")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
            _timed(what, lambda: build(fresh))
            for outdated in place.parent.glob(f"{part}-*"):
                shutil.rmtree(outdated)
            fresh.replace(place)
            return place


def _keep_programs(debs: Iterable[Path], into: Path) -> None:
    """Unpack the packages' programs into the folder `into`, without the rest."""
    tree = into / "tree"
    unpack(debs, tree)
    for folder in ("usr/bin", "usr/sbin"):
        for program in (tree / folder).iterdir():
            if program.is_symlink():
                continue  # into folders that are not kept
            program.replace(into / program.name)
    shutil.rmtree(tree)


def _timed(what: str, work: Callable[[], None]) -> None:
    began = time.monotonic()
    work()
    say(f"{what} ({time.monotonic() - began:.1f} s)")


def _key(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
