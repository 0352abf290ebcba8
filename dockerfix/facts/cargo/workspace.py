"""A cargo workspace read from its manifests: members, default members, binaries, resolver.

The rules are those of the Cargo Book, "Workspaces" and "Cargo Targets": path dependencies
below the root are members, `default-members` decides what a command without a selection
takes, binaries come from `[[bin]]`, `src/main.rs` and `src/bin/`.
"""

from __future__ import annotations

import fnmatch
import posixpath
import tomllib
from dataclasses import dataclass
from typing import Any

from dockerfix.text import Snapshot, SnapshotError, join_path


class ManifestError(Exception):
    """A manifest that cargo could not read either; the message begins with `path:line`."""


@dataclass(frozen=True, slots=True)
class Binary:
    """A binary target: its name, its package, and the features it cannot do without."""

    name: str
    package: str
    required_features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Package:
    """A member: its folder relative to the root, and what its manifest says."""

    name: str
    folder: str
    binaries: tuple[Binary, ...]
    features: tuple[str, ...]
    build_script: bool


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace at `folder`. `virtual` means that the root manifest has no package.

    `default_members` are package names; `locked` are the names in Cargo.lock, None when
    there is no lock file.
    """

    folder: str
    virtual: bool
    resolver: str
    packages: tuple[Package, ...]
    default_members: tuple[str, ...]
    locked: frozenset[str] | None

    def package(self, name: str) -> Package | None:
        """The member of that name."""
        return next((package for package in self.packages if package.name == name), None)

    @property
    def binaries(self) -> tuple[Binary, ...]:
        """All binaries of all members."""
        return tuple(binary for package in self.packages for binary in package.binaries)

    def members_at(self, folder: str) -> tuple[Package, ...]:
        """What a command without `-p` selects when it runs in `folder`.

        In a member's folder that member, at the workspace's root the default members.
        """
        inside = [
            p for p in self.packages if folder == p.folder or folder.startswith(f"{p.folder}/")
        ]
        inside = [p for p in inside if p.folder != self.folder]
        if inside:
            return (max(inside, key=lambda p: len(p.folder)),)
        return tuple(p for p in self.packages if p.name in self.default_members)

    def native_packages(self) -> tuple[str, ...]:
        """Locked packages that link to native libraries by their name (`openssl-sys`)."""
        return tuple(sorted(name for name in self.locked or () if name.endswith("-sys")))


def find_workspace(snapshot: Snapshot, folder: str) -> Workspace | None:
    """The workspace whose root manifest stands in `folder`; None when there is none.

    A manifest with `[package]` and without `[workspace]` counts as a workspace of its own,
    as cargo sees it. Raises `ManifestError` for a manifest that is no TOML, and
    `SnapshotError` for one that cannot be read.
    """
    path = posixpath.join(folder, "Cargo.toml") if folder else "Cargo.toml"
    if path not in snapshot:
        return None
    manifest = _read(snapshot, path)
    section = manifest.get("workspace")
    if section is None and "package" not in manifest:
        return None
    section = section or {}
    folders = _member_folders(snapshot, folder, manifest, section)
    packages = tuple(_package(snapshot, member) for member in folders)
    defaults = _defaults(folder, section, packages, "package" in manifest)
    return Workspace(
        folder,
        "package" not in manifest,
        _resolver(manifest, section),
        packages,
        defaults,
        _locked(snapshot, folder),
    )


def _read(snapshot: Snapshot, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(snapshot.text(path))
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{path}: {error}") from None


def _member_folders(
    snapshot: Snapshot, folder: str, manifest: dict[str, Any], section: dict[str, Any]
) -> list[str]:
    """Folders of all members: listed ones with globs, the root's own package, and path
    dependencies of members that lie below the root."""
    excluded = {join_path(folder, str(path)) for path in section.get("exclude", ())}
    found: dict[str, None] = {}
    if "package" in manifest:
        found[folder] = None
    for pattern in section.get("members", ()):
        for member in _globbed(snapshot, folder, str(pattern)):
            if member not in excluded:
                found[member] = None
    queue = list(found)
    while queue:
        current = queue.pop()
        path = posixpath.join(current, "Cargo.toml") if current else "Cargo.toml"
        for dependency in _path_dependencies(_read(snapshot, path), current):
            inside = not folder or dependency.startswith(f"{folder}/")
            manifest_path = posixpath.join(dependency, "Cargo.toml")
            known = dependency in found or dependency in excluded
            if inside and not known and manifest_path in snapshot:
                found[dependency] = None
                queue.append(dependency)
    return sorted(found)


def _globbed(snapshot: Snapshot, folder: str, pattern: str) -> list[str]:
    target = join_path(folder, pattern)
    if target is None:
        return []
    if not any(char in pattern for char in "*?["):
        return [target] if posixpath.join(target, "Cargo.toml") in snapshot else []
    depth = target.count("/")
    found = []
    for path in snapshot.below(folder):
        if posixpath.basename(path) != "Cargo.toml":
            continue
        member = posixpath.dirname(path)
        deep = "**" in target or member.count("/") == depth
        if deep and fnmatch.fnmatchcase(member, target):
            found.append(member)
    return found


def _path_dependencies(manifest: dict[str, Any], folder: str) -> list[str]:
    tables = [manifest, *manifest.get("target", {}).values()]
    found = []
    for table in tables:
        for kind in ("dependencies", "dev-dependencies", "build-dependencies"):
            for value in table.get(kind, {}).values():
                path = value.get("path") if isinstance(value, dict) else None
                joined = join_path(folder, path) if isinstance(path, str) else None
                if joined is not None:
                    found.append(joined)
    return found


def _package(snapshot: Snapshot, folder: str) -> Package:
    path = posixpath.join(folder, "Cargo.toml") if folder else "Cargo.toml"
    manifest = _read(snapshot, path)
    package = manifest.get("package", {})
    name = str(package.get("name", posixpath.basename(folder)))
    build = package.get("build")
    has_script = build is not False and (
        build is not None or posixpath.join(folder, "build.rs") in snapshot
    )
    return Package(
        name,
        folder,
        _binaries(snapshot, folder, name, manifest),
        tuple(manifest.get("features", {})),
        has_script,
    )


def _binaries(
    snapshot: Snapshot, folder: str, package: str, manifest: dict[str, Any]
) -> tuple[Binary, ...]:
    found: dict[str, Binary] = {}
    paths: set[str] = set()
    for entry in manifest.get("bin", ()):
        name = str(entry.get("name", package))
        found[name] = Binary(name, package, tuple(entry.get("required-features", ())))
        paths.add(posixpath.normpath(str(entry.get("path", ""))))
    if manifest.get("package", {}).get("autobins") is False:
        return tuple(found.values())
    if posixpath.join(folder, "src/main.rs") in snapshot and "src/main.rs" not in paths:
        found.setdefault(package, Binary(package, package))
    base = posixpath.join(folder, "src/bin")
    for path in snapshot.below(base):
        inside = path[len(base) + 1 :]
        name, _, rest = inside.partition("/")
        if rest in ("", "main.rs") and inside.endswith(".rs"):
            name = name.removesuffix(".rs")
            if f"src/bin/{inside}" not in paths:
                found.setdefault(name, Binary(name, package))
    return tuple(found.values())


def _defaults(
    folder: str, section: dict[str, Any], packages: tuple[Package, ...], has_root: bool
) -> tuple[str, ...]:
    if "default-members" in section:
        wanted = {join_path(folder, str(path)) for path in section["default-members"]}
        patterns = [pattern for pattern in wanted if pattern and "*" in pattern]
        return tuple(
            p.name
            for p in packages
            if p.folder in wanted or any(fnmatch.fnmatchcase(p.folder, g) for g in patterns)
        )
    if has_root:
        return tuple(p.name for p in packages if p.folder == folder)
    return tuple(p.name for p in packages)


def _resolver(manifest: dict[str, Any], section: dict[str, Any]) -> str:
    """The feature resolver: explicit, else by the root package's edition, else "1"."""
    explicit = section.get("resolver", manifest.get("package", {}).get("resolver"))
    if explicit is not None:
        return str(explicit)
    edition = manifest.get("package", {}).get("edition", "2015")
    return {"2021": "2", "2024": "3"}.get(edition if isinstance(edition, str) else "", "1")


def _locked(snapshot: Snapshot, folder: str) -> frozenset[str] | None:
    path = posixpath.join(folder, "Cargo.lock") if folder else "Cargo.lock"
    if path not in snapshot:
        return None
    try:
        return frozenset(str(p.get("name")) for p in _read(snapshot, path).get("package", ()))
    except (ManifestError, SnapshotError):
        return None
