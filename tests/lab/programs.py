"""Programs of the lab that are compiled here: buildx, Compose and BuildKit by Go, crates by cargo.

Knows `tools/go.mod`, where the versions of the Go programs stand. All of them are one Go module,
so that what they share is compiled once.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from lab.commands import CommandError, NoLabError, run
from lab.pins import TOOLS

_BUILDX = "github.com/docker/buildx"
_COMPOSE = "github.com/docker/compose/v5"
_BUILDKIT = "github.com/moby/buildkit"
# Go package to the program's name here.
_PACKAGES = {
    f"{_BUILDX}/cmd/buildx": "docker-buildx",
    f"{_COMPOSE}/cmd": "docker-compose",
    f"{_BUILDKIT}/cmd/buildkitd": "buildkitd",
    f"{_BUILDKIT}/frontend/dockerfile/cmd/dockerfile-frontend": "dockerfile-frontend",
}
# buildx states no version otherwise, and Compose refuses a buildx that states none.
_VERSION_VARIABLES = {
    _BUILDX: f"{_BUILDX}/version.Version",
    _COMPOSE: f"{_COMPOSE}/internal.Version",
    _BUILDKIT: f"{_BUILDKIT}/version.Version",
}


def go_versions() -> dict[str, str]:
    """Versions of the Go modules that hold the programs, by module path."""
    lines = (TOOLS / "go.mod").read_text(encoding="utf-8").splitlines()
    required = [line.split() for line in lines if line.startswith("\t") and " v" in line]
    versions = {words[0]: words[1] for words in required}
    return {module: versions[module] for module in _VERSION_VARIABLES}


def build_go_programs(into: Path) -> None:
    """Compile the Go programs into the folder `into`.

    Raises NoLabError when modules cannot be had or the machine's Go is too old.
    """
    flags = [
        f"-X {_VERSION_VARIABLES[module]}={version}" for module, version in go_versions().items()
    ]
    fresh = into / "out"
    fresh.mkdir(parents=True)
    build = ["go", "build", "-mod=readonly", "-trimpath", "-ldflags", f"-s -w {' '.join(flags)}"]
    try:
        env = dict(os.environ) | {"CGO_ENABLED": "0"}
        run([*build, "-o", f"{fresh}/", *_PACKAGES], cwd=TOOLS, env=env)
    except CommandError as failure:
        raise NoLabError(f"buildx, Compose and BuildKit were not built: {failure}") from failure
    for package, name in _PACKAGES.items():
        (fresh / package.rpartition("/")[2]).replace(into / name)
    fresh.rmdir()


def install_crates(crates: Mapping[str, str], into: Path) -> None:
    """`cargo install` the crates at their exact versions into `into`, with cargo's own records.

    They are compiled without optimisation, which halves the time: what they do is the same.
    Raises NoLabError when they cannot be had.
    """
    target = into / "target"
    env = dict(os.environ) | {
        "CARGO_TARGET_DIR": str(target),
        "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0",
        "CARGO_PROFILE_RELEASE_LTO": "off",
        "CARGO_PROFILE_RELEASE_STRIP": "true",
    }
    for crate, version in crates.items():
        command = ["cargo", "install", crate, "--locked", "--version", version]
        try:
            run([*command, "--root", into], cwd=Path("/"), env=env)
        except CommandError as failure:
            raise NoLabError(f"{crate} {version} was not installed: {failure}") from failure
    shutil.rmtree(target)
