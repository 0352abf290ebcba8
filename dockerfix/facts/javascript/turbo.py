"""Which files `turbo prune` reads: a workspace's manifests, and what it copies to `out/`.

The packages that the named ones need, by the dependencies of their manifests; the lock file and
the settings at the root. Follows https://turborepo.com/docs/reference/prune. Knows manifests;
knows no Dockerfile.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dockerfix.facts.javascript.turbo_settings import WorkspaceError, check_managers, turbo_settings
from dockerfix.facts.trees.globs import before_wildcard
from dockerfix.facts.trees.ignore import BadIgnoreError, Judge
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, YamlError, parse_yaml
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence
from dockerfix.text import Kind, Snapshot, SnapshotError, inner_path, join_path

_ROOT = (
    "package.json", "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock",
    "bun.lock", "bun.lockb", "pnpm-workspace.yaml", "turbo.json", "turbo.jsonc", ".npmrc",
    ".yarnrc", ".yarnrc.yml", ".yarn", ".pnpmfile.cjs", "bunfig.toml", ".gitignore",
    ".gitattributes", "patches",
)  # fmt: skip
"""What stands at the root of a workspace and may be read or copied."""
_LOCK_OF = {
    "npm": "package-lock.json", "pnpm": "pnpm-lock.yaml", "yarn": "yarn.lock", "bun": "bun.lock",
}  # fmt: skip
_LOCKS = frozenset({*_LOCK_OF.values(), "npm-shrinkwrap.json", "bun.lockb"})
NEEDS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_RUNNERS = ("npx", "pnpx", "bunx", "yarn", "pnpm", "bun")


def pruned_packages(words: Sequence[str | None]) -> list[str] | None:
    """The packages that a `turbo prune` names, whatever runs it; None for another command, and
    for a flag that is not known."""
    said = list(words)
    while (
        said and said[0] is not None and posixpath.basename(said[0]) in (*_RUNNERS, "dlx", "exec")
    ):
        said.pop(0)
        while said and (said[0] or "").startswith("-"):
            said.pop(0)
    if len(said) < 3 or (said[0] or "").partition("@")[0] != "turbo" or said[1] != "prune":
        return None
    found: list[str] = []
    for word in said[2:]:
        if word is None:
            return None
        name, _, value = word.partition("=")
        if name == "--scope" and value:
            found.append(value)
        elif not word.startswith("-"):
            found.append(word)
        elif word != "--docker":
            return None
    return found or None


def pruned_files(snapshot: Snapshot, root: str, names: Sequence[str]) -> tuple[str, ...]:
    """What is read of the workspace at `root`: paths relative to the repository's root, sorted.
    Raises `WorkspaceError`."""
    workspace = Workspace(snapshot, root)
    found = dict.fromkeys(workspace.at_root())
    waiting = [*names, *workspace.needs("")]
    seen: set[str] = set()
    for name in names:
        if name not in workspace.folders:
            raise WorkspaceError(f"no package of the workspace is called {name}")
    while waiting:
        name = waiting.pop()
        folder = workspace.folders.get(name)
        if folder is not None and name not in seen:
            seen.add(name)
            found[folder] = None
            waiting += workspace.needs(folder)
    return tuple(sorted(found))


class Workspace:
    """The manifests of one workspace; `folders` by the packages' names."""

    def __init__(self, snapshot: Snapshot, root: str) -> None:
        self.snapshot = snapshot
        self.root = root
        self.globs = [glob.removeprefix("./").rstrip("/") for glob in self.patterns()]
        self.folders: dict[str, str] = {}
        for path in snapshot.below(root):
            folder, name = posixpath.split(path)
            if name == "package.json" and folder != root and self.is_member(folder):
                self.add(folder)
            elif snapshot.entries[path].kind is Kind.SYMLINK and self.is_member(path):
                target = join_path(folder, snapshot.entries[path].link)
                if target is None or f"{target}/package.json" in snapshot:
                    raise WorkspaceError(f"{path} is a link to a member")

    def add(self, folder: str) -> None:
        """A member. Raises `WorkspaceError` for two of one name: which counts, an exception
        among the patterns tells."""
        name = self.manifest(folder).get("name")
        if name is not None and str(name) in self.folders:
            raise WorkspaceError(f"{folder} and {self.folders[str(name)]} have one name")
        self.folders[str(name) if name is not None else folder] = folder

    def patterns(self) -> Iterator[str]:
        """The folders of the members, as `pnpm-workspace.yaml` or `workspaces` write them."""
        if posixpath.join(self.root, "pnpm-workspace.yaml") in self.snapshot:
            root = self.pnpm()
            listed = root.get("packages") if isinstance(root, YamlMapping) else None
            items = listed.items if isinstance(listed, YamlSequence) else ()
            yield from (item.text for item in items if isinstance(item, Scalar))
            return
        said = self.manifest(self.root).get("workspaces")
        globs = said.get("packages") if isinstance(said, dict) else said
        yield from (str(glob) for glob in globs or ())

    def pnpm(self) -> Node | None:
        """The root of `pnpm-workspace.yaml`, if it is there."""
        path = posixpath.join(self.root, "pnpm-workspace.yaml")
        if path not in self.snapshot:
            return None
        try:
            return self.snapshot.derive(path, parse_yaml).root
        except (YamlError, SnapshotError) as error:
            raise WorkspaceError(str(error)) from None

    def is_member(self, folder: str) -> bool:
        """Whether a folder is one of the workspace's packages."""
        inner = inner_path(folder, self.root)
        try:
            return any(
                ("**" in glob or glob.count("/") == inner.count("/"))
                and Judge((glob,)).judge_path(inner).matched
                for glob in self.globs
                if not glob.startswith("!")
            )
        except BadIgnoreError as error:
            raise WorkspaceError(str(error)) from None

    def manifest(self, folder: str) -> Mapping[str, Any]:
        """A package's manifest."""
        path = posixpath.join(folder, "package.json")
        try:
            data = json.loads(self.snapshot.read(path))
        except (SnapshotError, ValueError) as error:
            raise WorkspaceError(f"{path}: {error}") from None
        return data if isinstance(data, dict) else {}

    def needs(self, folder: str) -> Iterator[str]:
        """The names of a package's dependencies. One in a folder that is no member of the
        workspace is not known: raises `WorkspaceError`."""
        manifest = self.manifest(folder or self.root)
        for key in NEEDS:
            listed = manifest.get(key)
            for name, version in listed.items() if isinstance(listed, dict) else ():
                if not _is_plain(str(version)):
                    raise WorkspaceError(f"{name} comes from {version}")
                yield name
                if str(version).startswith("npm:"):
                    yield str(version).removeprefix("npm:").rpartition("@")[0]

    def at_root(self) -> Iterator[str]:
        """The root's own files, and the manifests of all members, which make the graph."""
        for name in (*_ROOT, *self.settings()):
            path = join_path(self.root, name)
            if path and (path in self.snapshot or self.snapshot.is_folder(path)):
                yield path
        yield from self.lock()
        for folder in self.folders.values():
            yield posixpath.join(folder, "package.json")

    def lock(self) -> Iterator[str]:
        """The lock file that the package manager writes, where none is committed: one must come
        from elsewhere, since turbo stops without."""
        manager = str(self.manifest(self.root).get("packageManager")).partition("@")[0]
        committed = any(posixpath.join(self.root, lock) in self.snapshot for lock in _LOCKS)
        if not committed and manager in _LOCK_OF:
            yield posixpath.join(self.root, _LOCK_OF[manager])

    def settings(self) -> Iterator[str]:
        """Files that the root's settings name: patches, and what all tasks depend on."""
        check_managers(self.snapshot, self.root)
        manifest = self.manifest(self.root)
        turbo = turbo_settings(self.snapshot, self.root)
        yield from self.patches()
        for holder in (manifest, manifest.get("pnpm")):
            patched = holder.get("patchedDependencies") if isinstance(holder, dict) else None
            listed = patched if isinstance(patched, dict) else {}
            yield from (str(path) for path in listed.values())
        resolutions = manifest.get("resolutions")
        for name, version in (resolutions if isinstance(resolutions, dict) else {}).items():
            if not _is_plain(str(version)) and "patch:" in str(version):
                raise WorkspaceError(f"{name} comes from {version}")
        said = turbo.get("globalDependencies")
        for glob in said if isinstance(said, list) else ():
            yield from self.matching(str(glob).removeprefix("./"))

    def patches(self) -> Iterator[str]:
        """The patches that `pnpm-workspace.yaml` names."""
        root = self.pnpm()
        patched = root.get("patchedDependencies") if isinstance(root, YamlMapping) else None
        if patched is None:
            return
        if not isinstance(patched, YamlMapping):
            raise WorkspaceError("patchedDependencies is no mapping")
        for entry in patched.entries:
            if not isinstance(entry.value, Scalar):
                raise WorkspaceError("a patch is no text")
            yield entry.value.text

    def matching(self, glob: str) -> Iterator[str]:
        """The folder before a glob's first wildcard, or the files that it matches."""
        literal = before_wildcard(glob)
        if literal:
            yield literal
            return
        try:
            judge = Judge((glob.removeprefix("!"),))
            yield from (
                inner_path(path, self.root)
                for path in self.snapshot.below(self.root)
                if judge.judge_path(inner_path(path, self.root)).matched
            )
        except BadIgnoreError as error:
            raise WorkspaceError(str(error)) from None


def _is_plain(version: str) -> bool:
    """Whether a dependency's version names no path, and no package by another name: a range, or
    a patch in `.yarn`, which is read anyway."""
    if "patch:" in version:
        return "~/.yarn/" in version or "./.yarn/" in version or "builtin<" in version
    if version.startswith("workspace:"):
        return "/" not in version and "@" not in version
    return not version.startswith(("file:", "link:", "portal:", "exec:", ".", "/", "~/"))
