"""A cargo workspace read from its manifests: members, default members, binaries, resolver.

The rules are those of the Cargo Book, "Workspaces" and "Cargo Targets": path dependencies
below the root are members, `default-members` decides what a command without a selection
takes, binaries come from `[[bin]]`, `src/main.rs` and `src/bin/`. Knows manifests; knows
nothing of commands. What is malformed beyond that it is no TOML counts as absent, as far as
cargo would stop there anyway.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from dockerfix.syntax.toml import parse_toml
from dockerfix.text import Snapshot, SnapshotError, UnreadableError, join_path
from dockerfix.text.values import Keyed


class ManifestError(UnreadableError):
    """A manifest that cargo could not read either."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(where, what, "correct the manifest")


class Binary(Struct, frozen=True):
    """A binary target: its name, its package, and the features it cannot do without."""

    name: str
    package: str
    required_features: tuple[str, ...] = ()


class Package(Keyed, frozen=True, eq=False):
    """A member: its folder relative to the root, and what its manifest says."""

    aside = ("enables",)

    name: str
    folder: str
    binaries: tuple[Binary, ...]
    features: tuple[str, ...]
    build_script: bool
    enables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What each feature switches on."""
    paths: tuple[str, ...] = ()
    """The folders of its path dependencies, of whatever kind."""

    def enabled(self, given: Iterable[str], default: bool = True) -> frozenset[str]:
        """The package's own features that are on for those given (`x`, or `package/x`)."""
        queue = ["default"] if default else []
        for feature in given:
            package, slash, name = feature.rpartition("/")
            if not slash or package == self.name:
                queue.append(name)
        found: set[str] = set()
        while queue:
            feature = queue.pop()
            if feature not in found:
                found.add(feature)
                queue += [name for name in self.enables.get(feature, ()) if "/" not in name]
        return frozenset(found)


class Workspace(Struct, frozen=True):
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
    patched: tuple[str, ...] = ()
    """Folders that stand for packages of a registry (`[patch]`, `[replace]`)."""

    def reached(self, names: Iterable[str]) -> frozenset[str]:
        """The folders of the packages that these ones are made of, their own among them. What
        stands for a package of a registry may belong to each of them."""
        folders = {package.folder: package for package in self.packages}
        queue = [p.folder for p in self.packages if p.name in set(names)]
        queue += self.patched
        found: set[str] = set()
        while queue:
            folder = queue.pop()
            if folder not in found:
                found.add(folder)
                queue += folders[folder].paths if folder in folders else ()
        return frozenset(found)

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
    path = _manifest(folder)
    if path not in snapshot:
        return None
    manifest = _read(snapshot, path)
    if "workspace" not in manifest and "package" not in manifest:
        return None
    section = _table(manifest, "workspace")
    folders = _member_folders(snapshot, folder, manifest, section)
    shared = _table(section, "dependencies")
    packages = tuple(_package(snapshot, member, shared, folder) for member in folders)
    defaults = _defaults(folder, section, packages, "package" in manifest)
    return Workspace(
        folder,
        "package" not in manifest,
        _resolver(manifest, section),
        packages,
        defaults,
        _locked(snapshot, folder),
        tuple(_patched(manifest, folder)),
    )


def _read(snapshot: Snapshot, path: str) -> dict[str, Any]:
    try:
        return parse_toml(snapshot.text(path))
    except ValueError as error:
        found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(error))
        where, what = (f"{path}:{found[2]}:{found[3]}", found[1]) if found else (path, str(error))
        raise ManifestError(where, what) from None
    except RecursionError:
        raise ManifestError(f"{path}:1:1", "nested too deeply") from None


def _table(data: Any, *keys: str) -> dict[str, Any]:
    """The table at a route; empty where there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _texts(data: Any) -> list[str]:
    """The strings of a list; none where there is no list."""
    return [item for item in data if isinstance(item, str)] if isinstance(data, list) else []


def _manifest(folder: str) -> str:
    return posixpath.join(folder, "Cargo.toml")


def _member_folders(
    snapshot: Snapshot, folder: str, manifest: dict[str, Any], section: dict[str, Any]
) -> list[str]:
    """Folders of all members: listed ones with globs, the root's own package, and path
    dependencies of members that lie below the root."""
    listed = _texts(section.get("members"))
    explicit = [join_path(folder, path) for path in listed]
    excluded = [join_path(folder, path) for path in _texts(section.get("exclude"))]

    def left_out(member: str) -> bool:
        """Cargo: a path is excluded unless it is listed in full."""
        return _is_below(member, excluded) and not _is_below(member, explicit)

    found: dict[str, None] = {folder: None} if "package" in manifest else {}
    for pattern in listed:
        for member in _globbed(snapshot, folder, pattern):
            if not left_out(member):
                found[member] = None
    shared = _table(section, "dependencies")
    queue = list(found)
    while queue:
        current = queue.pop()
        data = _read(snapshot, _manifest(current))
        for dependency in _path_dependencies(data, current, shared, folder):
            inside = not folder or dependency.startswith(f"{folder}/")
            known = dependency in found or left_out(dependency)
            if inside and not known and _manifest(dependency) in snapshot:
                found[dependency] = None
                queue.append(dependency)
    return sorted(found)


def _is_below(path: str, folders: list[str | None]) -> bool:
    return any(f is not None and (path == f or path.startswith(f"{f}/")) for f in folders)


def _globbed(snapshot: Snapshot, folder: str, pattern: str) -> list[str]:
    target = join_path(folder, pattern)
    if target is None:
        return []
    if not any(char in pattern for char in "*?["):
        return [target] if _manifest(target) in snapshot else []
    fits = glob_pattern(target)
    manifests = (path for path in snapshot.below(folder) if path.endswith("/Cargo.toml"))
    return [member for member in map(posixpath.dirname, manifests) if fits.fullmatch(member)]


def glob_pattern(glob: str) -> re.Pattern[str]:
    """A glob of a manifest: `*` and `?` stay within a folder, `**` crosses folders."""
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", glob)
    return re.compile(
        "".join(
            signs.get(part, part.replace("[!", "[^") if part[:1] == "[" else re.escape(part))
            for part in parts
        )
    )


def _path_dependencies(
    manifest: dict[str, Any], folder: str, shared: dict[str, Any], root: str
) -> list[str]:
    """Folders of path dependencies; one with `workspace = true` is written in the root."""
    tables = [manifest, *_table(manifest, "target").values()]
    found = []
    for table in tables:
        for kind in ("dependencies", "dev-dependencies", "build-dependencies"):
            for name, value in _table(table, kind).items():
                base = folder
                if _table(value).get("workspace") is True:
                    value, base = shared.get(name), root
                path = _table(value).get("path")
                joined = join_path(base, path) if isinstance(path, str) else None
                found += [joined] if joined is not None else []
    return found


def _patched(manifest: dict[str, Any], folder: str) -> Iterator[str]:
    """The folders that `[patch]` and `[replace]` of the root put in place of packages."""
    tables = [*_table(manifest, "patch").values(), _table(manifest, "replace")]
    for table in tables:
        for value in _table(table).values():
            path = _table(value).get("path")
            joined = join_path(folder, path) if isinstance(path, str) else None
            if joined is not None:
                yield joined


def _package(snapshot: Snapshot, folder: str, shared: dict[str, Any], root: str) -> Package:
    manifest = _read(snapshot, _manifest(folder))
    package = _table(manifest, "package")
    name = str(package.get("name", posixpath.basename(folder)))
    build = package.get("build")
    has_script = build is not False and (
        build is not None or posixpath.join(folder, "build.rs") in snapshot
    )
    features = _table(manifest, "features")
    return Package(
        name,
        folder,
        _binaries(snapshot, folder, name, manifest),
        tuple(features),
        has_script,
        {feature: tuple(_texts(enables)) for feature, enables in features.items()},
        tuple(_path_dependencies(manifest, folder, shared, root)),
    )


def _binaries(
    snapshot: Snapshot, folder: str, package: str, manifest: dict[str, Any]
) -> tuple[Binary, ...]:
    """`[[bin]]`, then `src/main.rs` under the package's name, then files and folders of
    `src/bin`, unless `autobins` is off (in edition 2015 a `[[bin]]` switches it off)."""
    found: dict[str, Binary] = {}
    paths: set[str] = set()
    listed = manifest.get("bin")
    entries = [e for e in listed if isinstance(e, dict)] if isinstance(listed, list) else []
    for entry in entries:
        name = str(entry.get("name", package))
        found[name] = Binary(name, package, tuple(_texts(entry.get("required-features"))))
        paths.add(posixpath.normpath(str(entry.get("path", ""))))
    own = _table(manifest, "package")
    if own.get("autobins", own.get("edition", "2015") != "2015" or not entries) is False:
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
    """Names of the default members; without a list the root's package, else all members."""
    if "default-members" in section:
        wanted = [join_path(folder, path) for path in _texts(section["default-members"])]
        patterns = [glob_pattern(path) for path in wanted if path is not None]
        return tuple(p.name for p in packages if any(g.fullmatch(p.folder) for g in patterns))
    if has_root:
        return tuple(p.name for p in packages if p.folder == folder)
    return tuple(p.name for p in packages)


def _resolver(manifest: dict[str, Any], section: dict[str, Any]) -> str:
    """The feature resolver: explicit, else by the root package's edition, else "1"."""
    package = _table(manifest, "package")
    explicit = section.get("resolver", package.get("resolver"))
    if explicit is not None:
        return str(explicit)
    edition = package.get("edition", "2015")
    if _table(edition).get("workspace") is True:
        edition = _table(section, "package").get("edition", "2015")
    return {"2021": "2", "2024": "3"}.get(edition if isinstance(edition, str) else "", "1")


def _locked(snapshot: Snapshot, folder: str) -> frozenset[str] | None:
    path = posixpath.join(folder, "Cargo.lock")
    if path not in snapshot:
        return None
    try:
        packages = _read(snapshot, path).get("package")
    except (ManifestError, SnapshotError):
        return None
    listed = packages if isinstance(packages, list) else []
    return frozenset(str(package["name"]) for package in listed if "name" in _table(package))
