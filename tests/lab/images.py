"""The stand-in base images: file trees from Debian packages and the machine's toolchains.

They answer to the names that Dockerfiles use (`rust:1.90-alpine`) and are only stand-ins: busybox
and glibc where the real ones have busybox and musl, this machine's Rust and Node, and an `apk`
that knows a closed list of packages. Nothing outside the lab may know of them.

Knows what is in each image. Must not know how one is sent to a registry.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.commands import NoLabError, run
from lab.debian import Release, unpack
from lab.pins import HERE, Pins
from lab.publish import Image, Layer, LayerWriter

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BUNDLE = "etc/ssl/certs/ca-certificates.crt"
_USERS = "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/sbin/nologin\n" + (
    "nobody:x:65534:65534:nobody:/:/sbin/nologin\n"
)
_GROUPS = "root:x:0:\nwww-data:x:33:\nnobody:x:65534:\n"
_OS_RELEASE = 'ID=standin\nNAME="dockerfix lab stand-in"\nPRETTY_NAME="dockerfix lab stand-in"\n'
_FRONTEND_CAPS = (
    "moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests,"
    "moby.buildkit.frontend.contexts,moby.buildkit.frontend.gitquerystring,"
    "moby.buildkit.frontend.contexts.zstd"
)
# Unused by builds and more than half of a toolchain.
_LEFT_OUT = ("share", "lib/rustlib/src", "bin/rust-gdb", "bin/rust-gdbgui", "bin/rust-lldb")


@dataclass(frozen=True, slots=True)
class Clients:
    """How this machine's package clients reach their registries; builds are given the same.

    Fields:
        bundle: certificates that the clients trust.
        cargo_config: the machine's cargo settings, if there are any.
        npm_registry: what npm calls its registry.
        environment: variables that steer cargo's registries and network.
    """

    bundle: Path
    cargo_config: Path | None
    npm_registry: str
    environment: Mapping[str, str]


def read_clients() -> Clients:
    """Look up the machine's settings; raises NoLabError when there are no certificates."""
    bundle = Path(os.environ.get("SSL_CERT_FILE", f"/{_BUNDLE}"))
    if not bundle.is_file():
        raise NoLabError(f"no certificates at {bundle}: install ca-certificates")
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    config = next((p for p in (home / "config.toml", home / "config") if p.is_file()), None)
    steering = (
        "CARGO_REGISTRIES_",
        "CARGO_REGISTRY_",
        "CARGO_SOURCE_",
        "CARGO_HTTP_",
        "CARGO_NET_",
    )
    return Clients(
        bundle=bundle,
        cargo_config=config,
        npm_registry=run(["npm", "config", "get", "registry"], cwd=Path("/")).strip(),
        environment={
            name: value
            for name, value in os.environ.items()
            if name.startswith(steering) and not name.endswith("TOKEN")
        },
    )


@dataclass(slots=True)
class StandIns:
    """Makes the images' layers under `folder`; each public method gives one image.

    Fields:
        pins: versions and package lists.
        release: this machine's Debian release, refreshed.
        folder: scratch space, may be deleted afterwards.
        clients: the machine's registries and certificates.
    """

    pins: Pins
    release: Release
    folder: Path
    clients: Clients
    _names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _debs: dict[str, Path] = field(default_factory=dict)
    _base: Layer | None = None

    def prepare(self) -> None:
        """Download all packages and make the layer that all images share."""
        base = self.release.with_dependencies(self.pins.trees["base"])
        self._names = {"base": base}
        for part in ("rust", "node", "nginx"):
            names = self.release.with_dependencies(
                [*self.pins.trees["base"], *self.pins.trees[part]]
            )
            self._names[part] = tuple(name for name in names if name not in base)
        apk = [name for names in self.pins.apk.values() for name in names]
        every = [name for names in self._names.values() for name in names]
        self._debs = self.release.fetch([*every, *apk, "docker-registry"])
        self._base = self._base_layer()

    def alpine(self) -> Image:
        """The small runtime image."""
        return self._image(layers=(), command=["/bin/sh"])

    def registry(self) -> Image:
        """`registry:2` from Debian's binary, with deletion allowed."""
        tree = self._tree("registry", ["docker-registry"])
        config = tree / "etc/docker/registry/config.yml"
        config.write_text(REGISTRY_CONFIG.format(address=":5000", root="/var/lib/registry"))
        return self._image(
            layers=(self._layer("registry", tree),),
            entrypoint=["docker-registry", "serve", "/etc/docker/registry/config.yml"],
            ports=["5000/tcp"],
        )

    def nginx(self) -> Image:
        """Debian's nginx with the real image's folders."""
        tree = self._tree("nginx", self._names["nginx"])
        for name in ("var/log/nginx", "var/cache/nginx", "var/lib/nginx", "usr/share/nginx/html"):
            (tree / name).mkdir(parents=True, exist_ok=True)
        shutil.rmtree(tree / "etc/nginx/sites-enabled", ignore_errors=True)
        return self._image(
            layers=(self._layer("nginx", tree),),
            command=["nginx", "-g", "daemon off;"],
            ports=["80/tcp"],
            stop_signal="SIGQUIT",
        )

    def node(self) -> Image:
        """This machine's Node and npm, where the real image has them."""
        node = Path(run(["node", "-p", "process.execPath"]).strip())
        npm = Path(shutil.which("npm") or "npm").resolve().parents[1]
        tree = self._tree("node", self._names["node"])
        local = tree / "usr/local"
        for name in ("bin", "etc", "lib/node_modules"):
            (local / name).mkdir(parents=True)
        shutil.copy2(node, local / "bin/node")
        shutil.copytree(npm, local / "lib/node_modules/npm", symlinks=True)
        for name in ("npm", "npx"):
            (local / "bin" / name).symlink_to(f"../lib/node_modules/npm/bin/{name}-cli.js")
        # Node brings its own certificates: without cafile, npm hangs where others are in use.
        npmrc = f"cafile=/{_BUNDLE}\nregistry={self.clients.npm_registry}\nupdate-notifier=false\n"
        (local / "etc/npmrc").write_text(npmrc, encoding="utf-8")
        version = run([node, "-p", "process.versions.node"]).strip()
        return self._image(
            layers=(self._layer("node", tree),),
            command=["node"],
            env={"NODE_VERSION": version, "NODE_EXTRA_CA_CERTS": f"/{_BUNDLE}"},
        )

    def rust(self, crates: Path) -> Image:
        """This machine's Rust with gcc; `crates` is a folder that `cargo install --root` filled."""
        tree = self._tree("rust", self._names["rust"])
        for name in ("cc", "c99"):
            (tree / "usr/bin" / name).symlink_to("gcc")
        cargo = tree / "usr/local/cargo"
        shutil.copytree(crates, cargo)
        if self.clients.cargo_config is not None:
            shutil.copy2(self.clients.cargo_config, cargo / "config.toml")
        sysroot = Path(run(["rustc", "--print", "sysroot"], cwd=Path("/")).strip())
        triple = run(["rustc", "--print", "host-tuple"], cwd=Path("/")).strip()
        toolchain = f"stable-{triple}"
        self._add_rustup(tree, sysroot, toolchain)

        def copy_toolchain(writer: LayerWriter) -> None:
            target = f"usr/local/rustup/toolchains/{toolchain}"
            writer.add(sysroot, target, left_out=_LEFT_OUT)

        version = run([sysroot / "bin/rustc", "--version"]).split()[1]
        return self._image(
            layers=(self._layer("gcc", tree), self._layer("rust", copy_toolchain)),
            env={
                "PATH": f"/usr/local/cargo/bin:{_PATH}",
                "RUSTUP_HOME": "/usr/local/rustup",
                "CARGO_HOME": "/usr/local/cargo",
                "RUST_VERSION": version,
                **self.clients.environment,
            },
        )

    def frontend(self, binary: Path) -> Image:
        """The Dockerfile frontend that `# syntax=docker/dockerfile:1` asks for."""
        tree = self.folder / "frontend"
        (tree / "bin").mkdir(parents=True)
        shutil.copy2(binary, tree / "bin/dockerfile-frontend")
        config = {
            "Env": [f"PATH={_PATH}"],
            "Entrypoint": ["/bin/dockerfile-frontend"],
            "WorkingDir": "/",
            "Labels": {
                "moby.buildkit.frontend.network.none": "true",
                "moby.buildkit.frontend.caps": _FRONTEND_CAPS,
            },
        }
        return Image(config=config, layers=(self._layer("frontend", tree),))

    def _add_rustup(self, tree: Path, sysroot: Path, toolchain: str) -> None:
        binaries = tree / "usr/local/cargo/bin"
        rustup = shutil.which("rustup")
        tools = sorted(
            p.name for p in (sysroot / "bin").iterdir() if f"bin/{p.name}" not in _LEFT_OUT
        )
        if rustup is None:  # a toolchain from elsewhere: plain links do
            home = f"/usr/local/rustup/toolchains/{toolchain}/bin"
            for tool in tools:
                (binaries / tool).symlink_to(f"{home}/{tool}")
            return
        shutil.copy2(Path(rustup).resolve(), binaries / "rustup")
        for tool in tools:
            (binaries / tool).symlink_to("rustup")
        settings = tree / "usr/local/rustup/settings.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text(
            f'version = "12"\ndefault_toolchain = "{toolchain}"\nprofile = "minimal"\n'
        )

    def _base_layer(self) -> Layer:
        tree = self._tree("base", self._names["base"])
        busybox = tree / "usr/bin/busybox"
        for applet in run([busybox, "--list"]).split():
            link = tree / "usr/bin" / applet
            if not os.path.lexists(link):
                link.symlink_to("busybox")
        for name in ("dev", "etc/ssl/certs", "home", "proc", "root", "run", "sys", "usr/local/bin"):
            (tree / name).mkdir(parents=True, exist_ok=True)
        for name in ("tmp", "var/tmp"):
            (tree / name).mkdir(parents=True, exist_ok=True)
            (tree / name).chmod(0o1777)
        for name, text in {
            "etc/passwd": _USERS,
            "etc/group": _GROUPS,
            "etc/os-release": _OS_RELEASE,
            "etc/nsswitch.conf": "hosts: files dns\n",
        }.items():
            (tree / name).write_text(text, encoding="utf-8")
        shutil.copyfile(self.clients.bundle, tree / _BUNDLE)
        self._add_apk(tree)
        return self._layer("base", tree)

    def _add_apk(self, tree: Path) -> None:
        shutil.copy2(HERE / "apk", tree / "usr/bin/apk")
        (tree / "usr/bin/apk").chmod(0o755)
        store = tree / "usr/lib/apk/packages"
        store.mkdir(parents=True)
        (tree / "etc/apk").mkdir(parents=True)
        (tree / "etc/apk/world").touch()
        for name, packages in self.pins.apk.items():
            unpacked = self._tree(f"apk-{name}", packages)
            with tarfile.open(store / f"{name}.tar", "w", format=tarfile.GNU_FORMAT) as archive:
                for path in sorted(unpacked.rglob("*")):
                    if path.is_dir() and not path.is_symlink():
                        continue  # folders come with their files; links into /usr are there
                    if path.parent == unpacked:
                        continue
                    archive.add(path, str(path.relative_to(unpacked)), recursive=False)

    def _tree(self, name: str, packages: tuple[str, ...] | list[str]) -> Path:
        tree = self.folder / name
        tree.mkdir(parents=True)
        unpack([self._debs[package] for package in packages], tree)
        return tree

    def _layer(self, name: str, content: Path | Callable[[LayerWriter], None]) -> Layer:
        with LayerWriter(self.folder / f"{name}.layer") as writer:
            if isinstance(content, Path):
                writer.add(content, "")
            else:
                content(writer)
        return writer.layer

    def _image(
        self,
        *,
        layers: tuple[Layer, ...],
        command: list[str] | None = None,
        entrypoint: list[str] | None = None,
        env: Mapping[str, str] | None = None,
        ports: list[str] | None = None,
        stop_signal: str | None = None,
    ) -> Image:
        assert self._base is not None, "prepare() comes first"
        variables = {"PATH": _PATH} | dict(env or {})
        config: dict[str, object] = {
            "Env": [f"{name}={value}" for name, value in variables.items()],
            "WorkingDir": "/",
        }
        if command is not None:
            config["Cmd"] = command
        if entrypoint is not None:
            config["Entrypoint"] = entrypoint
        if ports is not None:
            config["ExposedPorts"] = {port: {} for port in ports}
        if stop_signal is not None:
            config["StopSignal"] = stop_signal
        return Image(config=config, layers=(self._base, *layers))


REGISTRY_CONFIG = """\
version: 0.1
log:
  level: warn
storage:
  filesystem:
    rootdirectory: {root}
  delete:
    enabled: true
http:
  addr: {address}
"""


def fingerprint(clients: Clients) -> str:
    """What the images are made from on this machine, as text that changes when they must."""
    return json.dumps(
        [
            platform.machine(),
            run(["rustc", "-vV"], cwd=Path("/")),
            run(["node", "--version"]),
            clients.bundle.read_text(encoding="utf-8", errors="replace"),
            clients.cargo_config.read_text(encoding="utf-8") if clients.cargo_config else "",
            clients.npm_registry,
            sorted(clients.environment.items()),
        ]
    )
