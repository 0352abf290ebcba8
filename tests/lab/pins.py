"""The versions that the lab is made of, read from `versions.toml`.

Knows the file's shape. Must not know how any part is fetched or built.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
VERSIONS = HERE / "versions.toml"
TOOLS = HERE / "tools"


@dataclass(frozen=True, slots=True)
class Pins:
    """Every pinned name and version.

    Fields:
        release: Debian release that Docker is taken from, by codename.
        docker: what Docker's upstream version must start with.
        engine_packages: packages taken from `release`.
        host_packages: packages of the engine taken from the machine's own release.
        crates: crate name to exact version.
        images: part name to the `name:tag` that Dockerfiles ask for.
        trees: part name to the Debian packages of its file tree.
        apk: name that `apk add` knows to the Debian packages it unpacks.
    """

    release: str
    docker: str
    engine_packages: tuple[str, ...]
    host_packages: tuple[str, ...]
    crates: Mapping[str, str]
    images: Mapping[str, str]
    trees: Mapping[str, tuple[str, ...]]
    apk: Mapping[str, tuple[str, ...]]


def read_pins(path: Path = VERSIONS) -> Pins:
    """Read `versions.toml`; a missing key is a KeyError, since the file is part of this code."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    engine = table["engine"]
    return Pins(
        release=engine["release"],
        docker=engine["docker"],
        engine_packages=tuple(engine["packages"]),
        host_packages=tuple(engine["host_packages"]),
        crates=table["crates"],
        images=table["images"],
        trees={name: tuple(packages) for name, packages in table["trees"].items()},
        apk={name: tuple(packages) for name, packages in table["apk"].items()},
    )
