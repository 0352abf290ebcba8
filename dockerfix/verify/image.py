"""What an image holds: its configuration and its file tree, as values to compare.

Reads the tar stream of an exported container without ever unpacking it to the disk. Layers,
their order and all times are left out: they say how an image was made, not what it is.
"""

from __future__ import annotations

import enum
import hashlib
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

CONFIGURATION = (
    "Env", "Cmd", "Entrypoint", "User", "WorkingDir", "ExposedPorts", "Labels", "Volumes",
    "Healthcheck", "StopSignal", "Shell", "OnBuild",
)  # fmt: skip
"""The parts of an image's configuration that are compared, by the engine's names."""

_CHUNK = 1 << 20
_XATTR = "SCHILY.xattr."
_KEPT_BYTES = 8 << 20


class NodeKind(enum.Enum):
    """What a path is; `value` is how a person names it."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symbolic link"
    DEVICE = "device"
    PIPE = "pipe"


class Node(Struct, frozen=True):
    """One path of an image.

    `mode` holds the permission bits with set-user-id and its kin, `size` is in bytes, `sha256`
    is in hexadecimal (files only), `link` is where a symbolic link points, `attributes` are
    extended attributes (file capabilities among them) and device numbers.
    """

    kind: NodeKind
    mode: int
    uid: int = 0
    gid: int = 0
    size: int = 0
    sha256: str = ""
    link: str = ""
    attributes: tuple[tuple[str, str], ...] = ()


class Image(Struct, frozen=True):
    """An image as compared: configuration by the names of `CONFIGURATION`, nodes by absolute
    path, and the bytes of the few files whose content has to be read."""

    configuration: Mapping[str, object] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)
    kept: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """ENV as a map."""
        entries = self.configuration.get("Env") or ()
        assert isinstance(entries, Iterable)
        return {name: value for name, _, value in (str(e).partition("=") for e in entries)}

    @property
    def folder(self) -> str:
        """The working folder; `/` when none is set."""
        return str(self.configuration.get("WorkingDir") or "/")

    @property
    def command(self) -> tuple[str, ...]:
        """What a container of this image runs: the entry point, then CMD."""
        words: list[str] = []
        for name in ("Entrypoint", "Cmd"):
            value = self.configuration.get(name) or ()
            assert isinstance(value, Iterable)
            words += [str(word) for word in value]
        return tuple(words)


def configuration_of(inspected: Mapping[str, Any]) -> dict[str, object]:
    """The compared parts of what the engine says of an image; absent and empty are the same."""
    return {name: inspected[name] for name in CONFIGURATION if inspected.get(name)}


class _Stream:
    """Chunks of bytes as a file that tarfile can read."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def read(self, size: int) -> bytes:
        """At most `size` bytes; fewer only at the end."""
        parts = [self._rest]
        have = len(self._rest)
        while have < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            parts.append(chunk)
            have += len(chunk)
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size]


def read_nodes(
    chunks: Iterable[bytes], kept_names: frozenset[str]
) -> tuple[dict[str, Node], dict[str, bytes]]:
    """The nodes of an exported file system, and the bytes of files of the names given.

    `chunks` are pieces of a tar archive. Hard links are files like any other. Raises
    `tarfile.TarError` for what is no archive.
    """
    nodes: dict[str, Node] = {}
    kept: dict[str, bytes] = {}
    with tarfile.open(fileobj=_Stream(chunks), mode="r|", bufsize=_CHUNK) as archive:  # type: ignore[call-overload]  # only read() is used
        for member in archive:
            path = "/" + member.name.strip("/").removeprefix("./")
            if member.islnk():
                nodes[path] = nodes["/" + member.linkname.strip("/").removeprefix("./")]
                continue
            name = path.rpartition("/")[2]
            content = kept if name in kept_names and member.size <= _KEPT_BYTES else None
            nodes[path] = _node(archive, member, path, content)
    return nodes, kept


_KINDS = {
    tarfile.DIRTYPE: NodeKind.FOLDER,
    tarfile.SYMTYPE: NodeKind.SYMLINK,
    tarfile.FIFOTYPE: NodeKind.PIPE,
    tarfile.CHRTYPE: NodeKind.DEVICE,
    tarfile.BLKTYPE: NodeKind.DEVICE,
}


def _node(
    archive: tarfile.TarFile, member: tarfile.TarInfo, path: str, kept: dict[str, bytes] | None
) -> Node:
    kind = _KINDS.get(member.type, NodeKind.FILE)
    digest = ""
    if kind is NodeKind.FILE:
        hashed = hashlib.sha256()
        content = bytearray()
        for chunk in _content(archive, member):
            hashed.update(chunk)
            if kept is not None:
                content += chunk
        digest = hashed.hexdigest()
        if kept is not None:
            kept[path] = bytes(content)
    return Node(
        kind=kind,
        mode=member.mode & 0o7777,
        uid=member.uid,
        gid=member.gid,
        size=member.size if kind is NodeKind.FILE else 0,
        sha256=digest,
        link=member.linkname if kind is NodeKind.SYMLINK else "",
        attributes=tuple(sorted(_attributes(member, kind))),
    )


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    file = archive.extractfile(member)
    while file is not None and (chunk := file.read(_CHUNK)):
        yield chunk


def _attributes(member: tarfile.TarInfo, kind: NodeKind) -> Iterator[tuple[str, str]]:
    for name, value in member.pax_headers.items():
        if name.startswith(_XATTR):
            yield name.removeprefix(_XATTR), value
    if kind is NodeKind.DEVICE:
        yield "device", f"{member.devmajor}:{member.devminor}"
