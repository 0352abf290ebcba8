"""Compose files: services that build, with `extends`, anchors and default names.

Follows the Compose Specification, "build": `build: ./folder` is short for a context,
`dockerfile:` is relative to the context and defaults to `Dockerfile`.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from dockerfix.facts.yaml_tree import (
    Entry,
    Node,
    Scalar,
    Sequence,
    YamlError,
    YamlFile,
    parse_yaml,
)
from dockerfix.facts.yaml_tree import Mapping as YamlMapping
from dockerfix.text import Place, Snapshot

_NAMES = (
    "docker-compose*.yml", "docker-compose*.yaml", "compose.yml", "compose.yaml",
    "compose.*.yml", "compose.*.yaml", "compose-*.yml", "compose-*.yaml",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Service:
    """A service with a `build`.

    `build` is the scalar of the short form or the mapping of the long one; `aliased` says
    that it stands elsewhere, behind an anchor or an `extends`, and serves others too.
    """

    name: str
    entry: Entry
    build_entry: Entry
    build: Scalar | YamlMapping
    image: Scalar | None
    file: YamlFile
    aliased: bool

    @property
    def place(self) -> Place:
        """Where the service's name stands."""
        return self.file.source.place(self.entry.key.span)

    def part(self, key: str) -> Node | None:
        """A key of the long form; None in the short form."""
        return self.build.get(key) if isinstance(self.build, YamlMapping) else None

    def scalar(self, key: str) -> Scalar | None:
        """A key of the long form when it is a scalar; the short form is its own context."""
        if isinstance(self.build, Scalar):
            return self.build if key == "context" else None
        node = self.part(key)
        return node if isinstance(node, Scalar) else None


@dataclass(frozen=True, slots=True)
class ComposeFiles:
    """All Compose files of a snapshot; `broken` are those that YAML cannot read."""

    services: tuple[Service, ...]
    files: tuple[YamlFile, ...]
    broken: tuple[YamlError, ...]


def find_compose(snapshot: Snapshot) -> ComposeFiles:
    """The services that build, in the order of their files and places."""
    services: list[Service] = []
    files: list[YamlFile] = []
    broken: list[YamlError] = []
    for path in snapshot.paths:
        name = posixpath.basename(path)
        if "compose" not in name or not any(fnmatch.fnmatchcase(name, n) for n in _NAMES):
            continue
        try:
            file = snapshot.derive(path, parse_yaml)
        except YamlError as error:
            broken.append(error)
            continue
        files.append(file)
        services += _services(file)
    return ComposeFiles(tuple(services), tuple(files), tuple(broken))


def _services(file: YamlFile) -> Iterator[Service]:
    root = file.root.get("services") if file.root else None
    for entry in root.entries if isinstance(root, YamlMapping) else ():
        body = entry.value
        if not isinstance(body, YamlMapping):
            continue
        build_entry = body.entry("build")
        build = body.get("build")
        image = body.get("image")
        if not isinstance(build, Scalar | YamlMapping):
            continue
        aliased = entry.aliased or build_entry is None or build_entry.aliased
        yield Service(
            entry.key.text,
            entry,
            build_entry if build_entry is not None else entry,
            build,
            image if isinstance(image, Scalar) else None,
            file,
            aliased,
        )


def pairs(node: Node | None) -> Iterator[tuple[str, Scalar | None, Scalar]]:
    """Name, value and the scalar that holds the name, of a map or a `NAME=value` list."""
    if isinstance(node, YamlMapping):
        for entry in node.entries:
            value = entry.value
            yield entry.key.text, value if isinstance(value, Scalar) else None, entry.key
    elif isinstance(node, Sequence):
        for item in node.items:
            if isinstance(item, Scalar):
                yield item.text.partition("=")[0], item if "=" in item.text else None, item
