"""The Docker daemon of the lab: its settings, its network, its start.

Knows dockerd. It sees the outside only through the host's network (`--network host`): the lab
changes no firewall rule and no forwarding of the machine.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from lab.commands import CommandError, NoLabError, run
from lab.daemons import Daemon, drop_cgroup

# Networks tried for the bridge (first /24) and for Compose's own networks (the rest).
_NETWORKS = tuple(ipaddress.ip_network(f"10.{second}.0.0/16") for second in range(213, 233))


@dataclass(frozen=True, slots=True)
class Engine:
    """One dockerd.

    Fields:
        daemon: its process.
        name: of its bridge and its control group; at most 15 characters (the kernel's limit).
        programs: folder with dockerd, containerd, runc, tini and docker.
        run_dir: sockets and run-time state, a short path.
        data: images and containers.
    """

    daemon: Daemon
    name: str
    programs: Path
    run_dir: Path
    data: Path

    @property
    def socket(self) -> Path:
        """Where it answers."""
        return self.run_dir / "docker.sock"

    def start(self, mirror: str) -> None:
        """Start it with `mirror` (`host:port`) in front of Docker Hub; returns when it answers."""
        network = self._make_bridge()
        state = self.run_dir / "exec"
        run(["rm", "-rf", state, self.run_dir / "docker.pid", self.socket])
        self.data.mkdir(parents=True, exist_ok=True)
        settings = {
            "hosts": [f"unix://{self.socket}"],
            "data-root": str(self.data),
            "exec-root": str(state),
            "pidfile": str(self.run_dir / "docker.pid"),
            "bridge": self.name,
            "default-address-pools": [{"base": str(network), "size": 24}],
            "iptables": False,
            "ip6tables": False,
            "ip-forward": False,
            "ip-masq": False,
            "cgroup-parent": f"/{self.name}",
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "features": {"containerd-snapshotter": True},
            "registry-mirrors": [f"http://{mirror}"],
        }
        config = self.run_dir / "daemon.json"
        config.write_text(json.dumps(settings, indent=2), encoding="utf-8")
        self.daemon.start(
            [self.programs / "dockerd", "--config-file", config],
            init=self.programs / "tini",
            ready=lambda: listens(self.socket),
            env={"PATH": f"{self.programs}:{os.environ['PATH']}"},
        )

    def stop(self) -> None:
        """End it with all its containers, and remove its networks."""
        if self.daemon.pid is not None:
            with contextlib.suppress(CommandError):  # what ends it below works in any case
                self._remove_containers()
        self.daemon.stop()
        pool = self._noted_network()
        for link in json.loads(run(["ip", "-json", "address", "show"])):
            addresses = [entry.get("local", "") for entry in link.get("addr_info", [])]
            of_compose = pool is not None and link["ifname"].startswith("br-")
            inside = any(ipaddress.ip_address(a) in pool for a in addresses if pool and "." in a)
            if link["ifname"] == self.name or (of_compose and inside):
                run(["ip", "link", "delete", link["ifname"]])
        drop_cgroup(self.name)

    def _remove_containers(self) -> None:
        """So that the daemon waits for none of them, nor finds it again at its next start."""
        docker = (str(self.programs / "docker"), "--host", f"unix://{self.socket}")
        if containers := run([*docker, "ps", "--all", "--quiet"], timeout=20).split():
            run([*docker, "rm", "--force", *containers], timeout=60)
        run([*docker, "network", "prune", "--force"], timeout=20)

    def _make_bridge(self) -> ipaddress.IPv4Network:
        network = _free_network()
        address = f"{network.network_address + 1}/24"
        try:
            run(["ip", "link", "add", self.name, "type", "bridge"])
            run(["ip", "address", "add", address, "dev", self.name])
            run(["ip", "link", "set", self.name, "up"])
        except CommandError as failure:
            raise NoLabError(f"no network bridge can be made here: {failure}") from failure
        # The bridge owns the first /24 of the network; Compose's networks take the others.
        (self.run_dir / "network").write_text(str(network), encoding="ascii")
        return network

    def _noted_network(self) -> ipaddress.IPv4Network | None:
        try:
            return ipaddress.IPv4Network((self.run_dir / "network").read_text(encoding="ascii"))
        except FileNotFoundError:
            return None


def _free_network() -> ipaddress.IPv4Network:
    """The first of the candidates that overlaps no route of this machine."""
    routes = json.loads(run(["ip", "-json", "-4", "route", "show", "table", "all"]))
    taken = []
    for route in routes:
        destination = route.get("dst", "default")
        if destination != "default":
            taken.append(ipaddress.ip_network(destination, strict=False))
    for network in _NETWORKS:
        if not any(network.overlaps(other) for other in taken):
            assert isinstance(network, ipaddress.IPv4Network)
            return network
    raise NoLabError("no free private network for the daemon's bridge")


def listens(path: Path) -> bool:
    """Tell whether something accepts connections at a Unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
