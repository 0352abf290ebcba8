"""Which members of a JavaScript workspace a build can do without that copies all of it.

A build that names its packages reads those, what they need, and whatever lies beside the members.
Of another member the package manager reads the manifest; the rest can go, unless an install
script of it runs, or what stays names its folder or imports it. Knows manifests and sources as
text; knows no Dockerfile.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from dockerfix.facts.javascript.turbo import NEEDS, Workspace
from dockerfix.facts.javascript.turbo_settings import WorkspaceError
from dockerfix.text import Kind, Snapshot, SnapshotError, inner_path, is_within, join_path

MANIFEST = "package.json"
_LIFECYCLE = frozenset(
    {
        "preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare",
        "postprepare", "dependencies",
    }
)  # fmt: skip
"""Scripts that an installation runs: `npm help scripts`."""
_LOCAL = ("file:", "link:", "portal:")
"""Versions that are a folder."""
_OF_OTHERS = re.compile(r"\b(turbo|lerna|nx|foreach|recursive|workspaces?|run)\b|\s-(r|ws)\b")
"""What a script of the root may run in other members with."""
_BUILDING = re.compile(r"build|gen|compile|bundle|pack|prepare|install")
"""Names of scripts that a build may run."""
_ELSEWHERE = re.compile(
    r"\b(turbo|lerna|nx|foreach|recursive|workspaces?)\b|\s-(r|ws|F|C)\b|--filter"
)
"""What a script of a member may run in other members with."""
_SOURCES = (
    ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".json", ".jsonc", ".css",
    ".scss", ".sass", ".less", ".vue", ".svelte", ".astro", ".mdx", ".sh", ".toml",
)  # fmt: skip
_DATA = (".yml", ".yaml", ".graphql", ".gql", ".html", ".prisma", ".proto")
"""Endings of files of a member that may name files of another one; beside the members, such a
file is of a tool that does not build them."""
_NOT_SOURCES = frozenset({"package-lock.json", "npm-shrinkwrap.json", "bun.lock", "deno.lock"})
_LARGEST = 1 << 20
"""Bytes of the largest file that is searched; a larger one is data."""


def member_folder(snapshot: Snapshot, root: str, text: str) -> str | None:
    """The folder of a member by its name, or by its folder relative to the workspace. Raises
    `WorkspaceError`."""
    folders = Workspace(snapshot, root).folders
    folder = posixpath.normpath(posixpath.join(root, text))
    return folders.get(text) or (folder if folder in folders.values() else None)


def filtered(snapshot: Snapshot, root: str, names: Sequence[str]) -> tuple[str, ...]:
    """The members that the names of one command mean: those, or all but those with a `!` in
    front. Raises `WorkspaceError`."""
    plain = tuple(name for name in names if not name.startswith("!"))
    if plain or not names:
        return plain
    but = {member_folder(snapshot, root, name[1:]) for name in names}
    folders = Workspace(snapshot, root).folders
    return tuple(name for name, folder in folders.items() if folder not in but)


def root_of(snapshot: Snapshot, folder: str, top: str) -> str | None:
    """The workspace around a folder, not above `top`; None where there is none."""
    at = folder
    while is_within(at, top) or at == top:
        if posixpath.join(at, "pnpm-workspace.yaml") in snapshot:
            return at
        path = posixpath.join(at, MANIFEST)
        if path in snapshot and Workspace(snapshot, at).folders:
            return at
        if at in ("", top):
            return None
        at = posixpath.dirname(at)
    return None


def script_of(snapshot: Snapshot, folder: str, name: str) -> str | None:
    """The text of a script of a package. Raises `WorkspaceError`."""
    scripts = Workspace(snapshot, folder).manifest(folder).get("scripts")
    text = scripts.get(name) if isinstance(scripts, dict) else None
    return text if isinstance(text, str) else None


def unneeded(snapshot: Snapshot, root: str, names: Sequence[str]) -> tuple[str, ...]:
    """The folders of the members that a build of `names` (or their folders) does not read, but
    for their manifests; sorted. Raises `WorkspaceError`."""
    workspace = Workspace(snapshot, root)
    _check_root(workspace)
    needed = set(_needed(workspace, names))
    for folder in needed:
        _check_scripts(workspace, folder)
    read = {*needed, *_local(workspace)}
    read |= {posixpath.join(root, path) for path in workspace.settings()}
    gone = [
        folder
        for folder in workspace.folders.values()
        if not any(is_within(path, folder) or is_within(folder, path) for path in read)
        and not _installs(workspace, folder)
    ]
    named = {name: folder for name, folder in workspace.folders.items() if folder in gone}
    while named:
        mentioned = set(_mentioned(workspace, named))
        if not mentioned:
            break
        named = {name: folder for name, folder in named.items() if folder not in mentioned}
    stays = [folder for folder in workspace.folders.values() if folder not in named.values()]
    return tuple(
        sorted(f for f in named.values() if not any(is_within(other, f) for other in stays))
    )


def paths_beside(snapshot: Snapshot, context: str, gone: Sequence[str]) -> Iterator[str]:
    """The outermost paths of a context that hold nothing of some folders, and these folders'
    manifests; all relative to the context."""
    for path in snapshot.below(context):
        parts = inner_path(path, context).split("/")
        if not any(is_within(inner_path(path, context), folder) for folder in gone):
            heads = ("/".join(parts[:end]) for end in range(1, len(parts) + 1))
            yield next(head for head in heads if not any(is_within(f, head) for f in gone))
    yield from (posixpath.join(folder, MANIFEST) for folder in gone)


def _needed(workspace: Workspace, names: Sequence[str]) -> Iterator[str]:
    """The folders of the named members, and of all that they need."""
    waiting = [*workspace.needs("")]
    for name in names:
        folder = posixpath.normpath(posixpath.join(workspace.root, name))
        known = [n for n, f in workspace.folders.items() if name == n or folder == f]
        if not known:
            raise WorkspaceError(f"no package of the workspace is called {name}")
        waiting += known
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        found = workspace.folders.get(name)
        if found is not None and name not in seen:
            seen.add(name)
            yield found
            waiting += workspace.needs(found)


def _check_root(workspace: Workspace) -> None:
    """Raises `WorkspaceError` where an install script of the root may run others', and where the
    root takes a package from a folder, for itself or for others."""
    text = workspace.snapshot.text(posixpath.join(workspace.root, MANIFEST))
    if any(f'"{scheme}' in text for scheme in _LOCAL):
        raise WorkspaceError("the root takes a package from a folder")
    for name, text in _lifecycle(workspace, workspace.root):
        if _OF_OTHERS.search(text):
            raise WorkspaceError(f"the script {name} of the root may run in any member")


def _check_scripts(workspace: Workspace, folder: str) -> None:
    """Raises `WorkspaceError` where a script of a member that may build it runs others'."""
    scripts = workspace.manifest(folder).get("scripts")
    for name, text in scripts.items() if isinstance(scripts, dict) else ():
        if _BUILDING.search(name) and _ELSEWHERE.search(str(text)):
            raise WorkspaceError(f"the script {name} of {folder} may run in another member")


def _local(workspace: Workspace) -> Iterator[str]:
    """The members that take a package from a folder, and those folders: what is installed."""
    for folder in workspace.folders.values():
        manifest = workspace.manifest(folder)
        versions = (str(version) for key in NEEDS for version in (manifest.get(key) or {}).values())
        for version in versions:
            scheme = next((scheme for scheme in _LOCAL if version.startswith(scheme)), None)
            if scheme is not None:
                target = join_path(folder, version[len(scheme) :])
                if target is None:
                    raise WorkspaceError(f"{version} leaves the repository")
                yield from (folder, target)


def _installs(workspace: Workspace, folder: str) -> bool:
    """Whether something of a member runs, or is linked, when the workspace is installed."""
    gyp = posixpath.join(folder, "binding.gyp") in workspace.snapshot
    linked = not {"bin", "directories"}.isdisjoint(workspace.manifest(folder))
    return gyp or linked or any(True for _ in _lifecycle(workspace, folder))


def _lifecycle(workspace: Workspace, folder: str) -> Iterator[tuple[str, str]]:
    scripts = workspace.manifest(folder).get("scripts")
    for name, text in scripts.items() if isinstance(scripts, dict) else ():
        if name in _LIFECYCLE:
            yield name, str(text)


def _mentioned(workspace: Workspace, named: Mapping[str, str]) -> Iterator[str]:
    """Those of the folders that a source which stays names, or that it imports by name."""
    members = workspace.folders.values()
    inner = {f: inner_path(f, workspace.root) for f in named.values()}
    within = {f: _sign(_inside(name, inner[f])) for name, f in named.items()}
    beside = {
        f: _sign([*_inside(name, inner[f]), _from_root(inner[f])]) for name, f in named.items()
    }
    installing = "\n".join(_installing(workspace)).encode()
    for name, folder in named.items():
        word = rf"(?<![\w@/.-]){re.escape(name)}(?![\w/-])".encode()
        if beside[folder].search(installing) or re.search(word, installing):
            del within[folder], beside[folder]
            yield folder
    for path in _staying(workspace, set(named.values())):
        signs = within if any(is_within(path, member) for member in members) else beside
        try:
            data = workspace.snapshot.read(path)
        except SnapshotError:
            continue
        for folder in [f for f, sign in signs.items() if sign.search(data)]:
            del within[folder], beside[folder]
            yield folder


def _installing(workspace: Workspace) -> Iterator[str]:
    """The scripts of the root that an installation runs, and those that these name."""
    scripts = workspace.manifest(workspace.root).get("scripts")
    texts = {name: str(text) for name, text in scripts.items()} if isinstance(scripts, dict) else {}
    waiting = [name for name in texts if name in _LIFECYCLE]
    while waiting:
        text = texts.pop(waiting.pop(), "")
        yield text
        waiting += [name for name in texts if name in text.split()]


def _sign(patterns: Iterable[str]) -> re.Pattern[bytes]:
    return re.compile("|".join(patterns).encode())


def _from_root(inner: str) -> str:
    """A pattern for a member's folder as a program names it that runs in the root."""
    return rf"(?<![\w.-]){re.escape(inner)}(?![\w-])"


def _inside(name: str, inner: str) -> Iterable[str]:
    """Patterns for a member's folder as another member names it, and for its name."""
    base = re.escape(posixpath.basename(inner))
    yield rf"\.\./(?:[\w@.-]+/)*{base}(?![\w-])"
    yield rf"[\"'`]{re.escape(name)}#"  # a task of turbo
    quoted = rf"[\"'`]{re.escape(name)}[\"'`/]"
    yield quoted if "@" in name else rf"(?:\bfrom|\bimport|\brequire|\bresolve)\s*\(?\s*{quoted}"


def _staying(workspace: Workspace, gone: set[str]) -> Iterator[str]:
    """The sources outside of these folders: not those of tools beside the build, nor the
    manifests of the root and lock files, which name all members."""
    snapshot = workspace.snapshot
    for path in snapshot.below(workspace.root):
        inner, name = inner_path(path, workspace.root), posixpath.basename(path)
        entry = snapshot.entries[path]
        within = any(is_within(path, member) for member in workspace.folders.values())
        endings = (*_SOURCES, *_DATA) if within else _SOURCES
        searched = name.endswith(endings) and name not in _NOT_SOURCES and inner != MANIFEST
        if entry.kind is not Kind.FILE or entry.size > _LARGEST or not searched:
            continue
        if inner[0] != "." and not any(is_within(path, folder) for folder in gone):
            yield path
