"""Container images as values, and sending them to a registry on this machine.

Knows the OCI image format and the registry's HTTP interface (OCI distribution specification).
Layers are not compressed: both ends are on one machine, and a cold builder unpacks them faster.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer as a tar file.

    Fields:
        path: the tar file.
        digest: `sha256:...` of it.
        size: in bytes.
    """

    path: Path
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Image:
    """An image before it is sent.

    Fields:
        config: the `config` object of the OCI image configuration (Env, Cmd, ...).
        layers: from the lowest up.
    """

    config: Mapping[str, object]
    layers: tuple[Layer, ...]


class LayerWriter:
    """Writes one layer's tar file; `layer` is there after the `with` block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sink = _HashingFile(path)
        self._archive = tarfile.open(fileobj=self._sink, mode="w|", format=tarfile.GNU_FORMAT)  # noqa: SIM115 closed by __exit__

    def add(self, source: Path, target: str, *, left_out: Sequence[str] = ()) -> None:
        """Add the folder `source` as `target` (no leading slash; empty: the root).

        `left_out` names paths below `source` that stay out with all below them. Owner is root;
        modes and times are kept.
        """
        for path in [source, *sorted(source.rglob("*"))]:
            inner = path.relative_to(source).as_posix()
            if any(inner == name or inner.startswith(f"{name}/") for name in left_out):
                continue
            name = "/".join(part for part in (target, inner) if part not in ("", "."))
            if name:
                self._archive.add(path, name, recursive=False, filter=_owned_by_root)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._archive.close()
        self._sink.close()
        self.layer = Layer(self._path, f"sha256:{self._sink.digest}", self._sink.size)


class _HashingFile(io.RawIOBase):
    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # tarfile writes bytes only
        self._hash.update(data)
        self.size += len(data)
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry


def push(address: str, name: str, image: Image) -> None:
    """Send `image` to the registry at `address` (`host:port`) as `name` (`repository:tag`).

    Raises OSError when the registry does not take it.
    """
    repository, _, tag = name.rpartition(":")
    architecture = _ARCHITECTURES.get(platform.machine(), platform.machine())
    config = json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "created": _EPOCH,
            "config": image.config,
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in image.layers]},
            "history": [
                {"created": _EPOCH, "created_by": "dockerfix lab stand-in"} for _ in image.layers
            ],
        }
    ).encode()
    connection = http.client.HTTPConnection(address, timeout=120)
    try:
        for layer in image.layers:
            with layer.path.open("rb") as body:
                _send_blob(connection, repository, layer.digest, layer.size, body)
        digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
        _send_blob(connection, repository, digest, len(config), io.BytesIO(config))
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": {"mediaType": _CONFIG, "digest": digest, "size": len(config)},
            "layers": [
                {"mediaType": _LAYER, "digest": layer.digest, "size": layer.size}
                for layer in image.layers
            ],
        }
        _request(
            connection,
            "PUT",
            f"/v2/{repository}/manifests/{tag}",
            body=io.BytesIO(json.dumps(manifest).encode()),
            headers={"Content-Type": _MANIFEST},
        )
    finally:
        connection.close()


def has(address: str, name: str) -> bool:
    """Tell whether the registry at `address` answers for `repository:tag`."""
    repository, _, tag = name.rpartition(":")
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request(
            "HEAD", f"/v2/{repository}/manifests/{tag}", headers={"Accept": _MANIFEST}
        )
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def answers(address: str) -> bool:
    """Tell whether a registry listens at `address`."""
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _send_blob(
    connection: http.client.HTTPConnection,
    repository: str,
    digest: str,
    size: int,
    body: io.BufferedIOBase,
) -> None:
    connection.request("HEAD", f"/v2/{repository}/blobs/{digest}")
    there = connection.getresponse()
    there.read()
    if there.status == 200:
        return
    location = _request(connection, "POST", f"/v2/{repository}/blobs/uploads/")
    path = location[location.index("/v2/") :]
    joint = "&" if "?" in path else "?"
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
    _request(connection, "PUT", f"{path}{joint}digest={digest}", body=body, headers=headers)


def _request(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    *,
    body: io.BufferedIOBase | None = None,
    headers: Mapping[str, str] | None = None,
) -> str:
    """Send one request that must succeed; gives the Location header, or an empty string."""
    connection.request(method, path, body=body, headers=dict(headers or {}))
    response = connection.getresponse()
    text = response.read().decode(errors="replace")
    if response.status not in (201, 202):
        raise OSError(f"the registry answered {response.status} to {method} {path}: {text.strip()}")
    return response.getheader("Location", "")
