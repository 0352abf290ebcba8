"""Files that cargo or rustup take by themselves when they are there: settings, the lock file, a
toolchain file, and the build scripts and libraries of the packages that a program is made of.

Follows the Cargo Book ("Configuration", "Target auto-discovery") and rustup's order of overrides.
Knows paths of the repository; knows no stage.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from dockerfix.facts.repository import Facts
from dockerfix.proof.cargo.artefact_produced import programs
from dockerfix.proof.cargo.origins import Built
from dockerfix.proof.obligation import Image
from dockerfix.proof.steps.chain import NoSuchImageError

_ABOVE = (".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain")
_OF_PACKAGES = ("build.rs", "src/lib.rs")
NAMES = frozenset(map(posixpath.basename, (*_ABOVE, *_OF_PACKAGES, "Cargo.lock")))
"""The names that such a file may have."""


def picked_up(facts: Facts, image: Image, context: str) -> frozenset[str]:
    """The paths of such files for all programs of an image, be they there or not."""
    try:
        built = programs(facts, image, context)[1]
    except NoSuchImageError:
        return frozenset()
    return frozenset(path for program in built for path in _of(program, context))


def _of(program: Built, context: str) -> Iterator[str]:
    workspace, folder = program.compilation.workspace, program.compilation.folder
    yield posixpath.join(workspace.folder, "Cargo.lock")
    for package in workspace.reached({program.product.package}):
        yield from (posixpath.join(package, name) for name in _OF_PACKAGES)
    while True:
        yield from (posixpath.join(folder, name) for name in _ABOVE)
        if folder in ("", context):
            return
        folder = posixpath.dirname(folder)
