"""A mirror as its Deployment sets it up, run as a proxy of a second registry.

What the README of the folder says of a mirror is what happens here: which requests reach the
upstream, and what goes on without it.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab import publish
from lab.lab import Lab

from dockerfix_transforms.gitlab.registry_mirror.mirrors import Mirror
from dockerfix_transforms.gitlab.registry_mirror.objects import Reach, objects

pytestmark = pytest.mark.engine

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
REQUEST = re.compile(r'"(GET|HEAD|POST|PUT|PATCH) (/v2/\S*) HTTP')
MIRROR = Mirror("registry.example.org", "mirror", "mirror.mirrors.svc:5000")
SETTINGS = "version: 0.1\nstorage: {filesystem: {rootdirectory: /nowhere}}\nhttp: {addr: ':1'}\n"


@dataclass
class Registry:
    """A registry that runs here."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    def asked(self) -> list[str]:
        """The requests that reached it, without those that tell whether it is there."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        found = [f"{method} {path}" for method, path in REQUEST.findall(text)]
        return [request for request in found if request != "GET /v2/"]

    def forget(self) -> None:
        """Begin a new list of requests."""
        os.truncate(self.log, 0)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=60)


Start = Callable[[str, Mapping[str, str]], Registry]


@pytest.fixture
def start(lab: Lab, tmp_path: Path) -> Iterator[Start]:
    """Start a registry with a name and settings; it keeps its files by its name."""
    with ExitStack() as stack:

        def run(name: str, env: Mapping[str, str]) -> Registry:
            config, log = tmp_path / "config.yml", tmp_path / f"{name}.log"
            config.write_text(SETTINGS, encoding="utf-8")
            address = f"127.0.0.1:{free_port()}"
            own = {
                "REGISTRY_HTTP_ADDR": address,
                "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(tmp_path / name),
            }
            with log.open("ab") as output:
                process = subprocess.Popen(
                    [lab.programs / "docker-registry", "serve", config],
                    env={**os.environ, **env, **own},
                    stdout=output,
                    stderr=output,
                )
            stack.callback(end, process)
            deadline = time.monotonic() + 120
            while process.poll() is None and not publish.answers(address):
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            return Registry(address, process, log)

        yield run


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(timeout=60)


def free_port() -> int:
    with contextlib.closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def mirror_settings(upstream: Registry) -> dict[str, str]:
    """The environment of the Deployment's container, for another upstream."""
    (deployment,) = (d.data for d in objects(MIRROR, Reach("x")) if d.data["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    env = {item["name"]: item["value"] for item in container["env"] if "value" in item}
    assert env["REGISTRY_PROXY_REMOTEURL"] == "https://registry.example.org"
    return {**env, "REGISTRY_PROXY_REMOTEURL": f"http://{upstream.address}"}


def probe_paths() -> set[str]:
    (deployment,) = (d.data for d in objects(MIRROR, Reach("x")) if d.data["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return {value["httpGet"]["path"] for key, value in container.items() if key.endswith("Probe")}


def push(registry: Registry, tag: str, tmp_path: Path, content: str) -> None:
    folder = tmp_path / content
    folder.mkdir()
    (folder / "file").write_text(content, encoding="utf-8")
    with publish.LayerWriter(tmp_path / f"{content}.tar") as writer:
        writer.add(folder, "")
    publish.push(registry.address, f"base/app:{tag}", publish.Image({}, (writer.layer,)))


def ask(registry: Registry, path: str, method: str = "GET") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(registry.address, timeout=120)
    connection.request(method, path, headers={"Accept": MANIFEST})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def pull(registry: Registry, reference: str) -> str:
    """The digest that a reader finds for a tag or digest: its manifest is asked for first."""
    head = ask(registry, f"/v2/base/app/manifests/{reference}", "HEAD")
    body = ask(registry, f"/v2/base/app/manifests/{reference}")
    assert (head.status, body.status) == (200, 200)
    return body.headers["Docker-Content-Digest"]


def test_a_mirror_asks_its_upstream_for_no_more_than_it_must(start: Start, tmp_path: Path) -> None:
    upstream = start("upstream", {})
    push(upstream, "1", tmp_path, "first")
    mirror = start("mirror", mirror_settings(upstream))

    upstream.forget()
    for path in probe_paths():
        assert ask(mirror, path).status == 200
    assert REQUEST.findall(upstream.log.read_text()) == []

    first = pull(mirror, "1")
    assert any("GET" in request for request in upstream.asked())
    upstream.forget()
    assert pull(mirror, "1") == first
    assert {request.partition(" ")[0] for request in upstream.asked()} == {"HEAD"}
    upstream.forget()
    assert pull(mirror, first) == first
    assert upstream.asked() == []

    push(upstream, "1", tmp_path, "second")
    second = pull(mirror, "1")
    assert second != first


def test_nothing_is_pushed_to_a_mirror(start: Start, tmp_path: Path) -> None:
    mirror = start("mirror", mirror_settings(start("upstream", {})))
    with pytest.raises(OSError, match="405"):
        push(mirror, "1", tmp_path, "pushed")


def test_what_was_pulled_is_served_without_the_upstream(start: Start, tmp_path: Path) -> None:
    upstream = start("upstream", {})
    push(upstream, "1", tmp_path, "first")
    mirror = start("mirror", mirror_settings(upstream))
    digest = pull(mirror, "1")
    upstream.stop()
    assert pull(mirror, "1") == digest
    assert pull(mirror, digest) == digest
    assert ask(mirror, "/v2/base/app/manifests/2").status == 404
    for path in probe_paths():
        assert ask(mirror, path).status == 200

    # What the README warns of: it cannot start again before its upstream is back.
    mirror.stop()
    again = start("mirror", mirror_settings(upstream))
    assert again.process.wait(timeout=120) != 0
