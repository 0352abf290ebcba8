"""Which package of a monorepo owns a path: a folder that is built as one, or has a manifest.

Knows the usual manifests and the builds' contexts; knows no Dockerfile.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator

from dockerfix.api import Facts, SnapshotError, inner_path

_MANIFESTS = (
    "package.json", "Cargo.toml", "go.mod", "pyproject.toml", "setup.py", "requirements.txt",
    "pom.xml", "build.gradle", "build.gradle.kts", "composer.json", "Gemfile", "mix.exs",
    "Package.swift", "pubspec.yaml", "buf.yaml",
)  # fmt: skip

_LOCKS = (
    "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock",
    "bun.lockb",
)  # fmt: skip


def is_package(facts: Facts, folder: str) -> bool:
    """Whether a folder has a manifest, or is the context of a build."""
    return _is_context(facts, folder) or has_manifest(facts, folder)


def nearest_package(facts: Facts, path: str, context: str) -> str | None:
    """The package below the context that holds a path: the innermost folder that is built as a
    context, else the innermost one with a manifest."""
    folders = list(_folders(facts, path, context))
    found = next((f for f in folders if _is_context(facts, f)), None)
    return found or next((f for f in folders if has_manifest(facts, f)), None)


def owner_of(facts: Facts, path: str, context: str, own: str) -> str | None:
    """The sibling of the package `own` that a path belongs to; None for a file beside them,
    which belongs to none.

    Without a manifest it is the first folder that `own` does not share.
    """
    package = nearest_package(facts, path, context)
    if package is not None and not _holds(package, own):
        return package
    shared = context
    while shared != own:
        head = posixpath.join(shared, inner_path(path, shared).split("/")[0])
        if not _holds(head, own):
            return None if head in facts.snapshot else head
        shared = head
    return None


def _folders(facts: Facts, path: str, context: str) -> Iterator[str]:
    """The folders that hold a path, itself first when it is one, up to below the context."""
    literal = path
    while any(sign in literal for sign in "*?["):
        literal = posixpath.dirname(literal)
    folder = posixpath.dirname(literal) if literal in facts.snapshot else literal
    while folder and folder != context:
        yield folder
        folder = posixpath.dirname(folder)


def _holds(folder: str, inner: str) -> bool:
    return inner == folder or inner.startswith(f"{folder}/")


def has_manifest(facts: Facts, folder: str) -> bool:
    """Whether a folder holds the manifest of a package manager."""
    return any(posixpath.join(folder, name) in facts.snapshot for name in _MANIFESTS)


def _is_context(facts: Facts, folder: str) -> bool:
    return any(build.context == folder for build in facts.builds.builds)


def workspace_root(facts: Facts, folder: str) -> str | None:
    """The manifest of the npm, pnpm or yarn workspace whose one lock file a package is
    installed from; None for a package with a lock file of its own."""
    if any(posixpath.join(folder, name) in facts.snapshot for name in _LOCKS):
        return None
    above = folder
    while above:
        above = posixpath.dirname(above)
        pnpm, npm = (posixpath.join(above, n) for n in ("pnpm-workspace.yaml", "package.json"))
        if pnpm in facts.snapshot:
            return pnpm
        if _has_workspaces(facts, npm):
            return npm
    return None


def _has_workspaces(facts: Facts, path: str) -> bool:
    if path not in facts.snapshot:
        return False
    try:
        data = json.loads(facts.snapshot.read(path))
    except (SnapshotError, ValueError):
        return False
    return isinstance(data, dict) and "workspaces" in data
