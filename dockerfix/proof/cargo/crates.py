"""Where a stage's sources come from in the repository, and what cargo makes of them.

The folder in which cargo runs is an image's; COPY says which folder of the repository stands
there, and the manifests in it say what a selection compiles. Knows the mapping of folders and
the layout of `target/`; follows no command.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from dockerfix.facts.cargo import Package, Workspace
from dockerfix.facts.cargo.commands import selected
from dockerfix.facts.repository import Facts
from dockerfix.proof.steps.environment import SUBSTITUTION, unknown
from dockerfix.proof.steps.events import Compiled, Copied, Event
from dockerfix.syntax.toml import parse_toml
from dockerfix.text import Snapshot, SnapshotError, UnreadableError, join_path


class Product(Struct, frozen=True):
    """A file that a cargo command leaves: its absolute path, the binary's name, and its
    package."""

    path: str
    name: str
    package: str


class Unknowable(Struct, frozen=True):
    """What a command makes cannot be told; `why` is for the message. One that surely `fails` makes
    nothing."""

    why: str
    fails: bool = False


class Sources(Struct, frozen=True):
    """The build context of a Dockerfile, with the facts of its repository."""

    facts: Facts
    context: str

    def folder(self, events: Sequence[Event], path: str) -> str | None:
        """The folder of the repository that stands at `path` of the image; None when no COPY
        brought one there."""
        for event in reversed(events):
            if isinstance(event, Copied) and event.source is None:
                for start, folder in self._brought(event):
                    if path == start or path.startswith(start.rstrip("/") + "/"):
                        return join_path(folder, path[len(start) :].lstrip("/") or ".")
            if isinstance(event, Compiled):
                found = self._bound(event, path)
                if found is not None:
                    return found
        return None

    def _brought(self, event: Copied) -> Iterator[tuple[str, str]]:
        for source in event.sources:
            where = join_path(self.context, source.lstrip("/") or ".")
            if where is not None and self.facts.snapshot.is_folder(where):
                yield event.destination.rstrip("/") or "/", where
            elif where is not None and posixpath.basename(where) == "Cargo.toml":
                named = event.destination.endswith("/")
                place = (
                    event.destination.rstrip("/") if named else posixpath.dirname(event.destination)
                )
                yield place or "/", posixpath.dirname(where)

    def _bound(self, event: Compiled, path: str) -> str | None:
        mount = event.frame.mount_over(path)
        if mount is None or mount.kind != "bind" or mount.source is not None:
            return None
        folder = join_path(self.context, mount.path.lstrip("/") or ".")
        return None if folder is None else join_path(folder, path[len(mount.target) :].lstrip("/"))


def context_of(facts: Facts, dockerfile: str, otherwise: str | None = None) -> str:
    """The build context that the snapshot's builds give a Dockerfile; when none is known
    `otherwise`, or the root of the cargo workspace that it stands in, else its own folder."""
    builds = facts.builds.builds
    known = [b.context for b in builds if b.dockerfile == dockerfile and b.context is not None]
    folder = posixpath.dirname(dockerfile)
    if not known and otherwise is not None:
        return otherwise
    try:
        workspace = workspace_at(facts, folder) if not known else None
    except UnreadableError:
        workspace = None
    return known[0] if known else workspace.folder if workspace is not None else folder


def workspace_at(facts: Facts, folder: str) -> Workspace | None:
    """The workspace that cargo finds from a folder of the repository: the nearest manifest,
    or the one above it that counts it among its members."""
    nearest: Workspace | None = None
    while True:
        found = facts.workspace(folder)
        if found is not None:
            member = nearest is not None and any(
                package.folder == nearest.folder for package in found.packages
            )
            if nearest is None or member:
                nearest = found
        if not folder:
            return nearest
        folder = posixpath.dirname(folder)


class Compilation(Struct, frozen=True):
    """A compilation with the workspace that it compiles; `folder` is its folder in the
    repository."""

    compiled: Compiled
    workspace: Workspace
    folder: str


def compilation(
    sources: Sources, events: Sequence[Event], compiled: Compiled
) -> Compilation | Unknowable:
    """Which workspace a command compiles, given the events before it."""
    manifest = [*compiled.call.values("manifest-path"), *_words_after(compiled, "--path")]
    where = compiled.folder
    if manifest:
        path = posixpath.normpath(posixpath.join(where, manifest[-1]))
        where = posixpath.dirname(path) if path.endswith(".toml") else path
    if unknown(where):
        return Unknowable(f"the folder {where} is not known")
    folder = sources.folder([*events, compiled], where)
    if folder is None:
        return Unknowable(f"no COPY brings the sources to {where}")
    try:
        workspace = workspace_at(sources.facts, folder)
    except UnreadableError as error:
        return Unknowable(str(error))
    if workspace is None:
        return Unknowable(f"there is no Cargo.toml in {folder or 'the root'} or above")
    return Compilation(compiled, workspace, folder)


def products(sources: Sources, found: Compilation) -> tuple[Product, ...] | Unknowable:
    """The programs and libraries that the command leaves; a cook leaves none that is real."""
    call = found.compiled.call
    hidden = [*call.bins, *call.packages, *call.values("features"), *call.values("target-dir")]
    more = "$" in call.opaque and not (call.bins or call.packages)
    if "cross" in call.wrapper.split() and not call.values("target"):
        return Unknowable("`cross` chooses where it leaves programs")
    if more or any(unknown(text) for text in hidden):
        return Unknowable(f"`{' '.join(w.written for w in call.command.words)}` holds a variable")
    binaries = selected(found.workspace, call, found.folder)
    if isinstance(binaries, str):
        return Unknowable(f"cargo fails: {binaries}", fails=True)
    named = [Product("", binary.name, binary.package) for binary in binaries]
    made = [
        Product(posixpath.join(folder, name), product.name, product.package)
        for folder in output_folders(sources, found)
        for product in named
        for name in (product.name, f"{product.name}.exe")
    ]
    return (*made, *_examples(sources, found), *_libraries(sources, found))


def output_folders(sources: Sources, found: Compilation) -> tuple[str, ...]:
    """The folders in which cargo leaves programs: below `target/`, or where `cargo install`
    puts them."""
    compiled = found.compiled
    call = compiled.call
    held = compiled.variables
    if call.verb == "install":
        roots = [*_words_after(compiled, "--root"), held.get("CARGO_INSTALL_ROOT", "")]
        home = held.get("CARGO_HOME", "/usr/local/cargo")
        named = [root for root in roots if root] or [home, "/root/.cargo"]
        return tuple(posixpath.join(compiled.folder, root, "bin") for root in named)
    target = target_folder(sources, found)
    triples = triples_of(sources, found) or ("",)
    profile = {"dev": "debug", "test": "debug", "bench": "release"}
    folder = profile.get(call.profile, call.profile)
    folders = [posixpath.normpath(posixpath.join(target, t, folder)) for t in triples]
    extra = [*call.values("artifact-dir"), *call.values("out-dir")]
    return (*folders, *(posixpath.join(compiled.folder, path) for path in extra))


def target_folder(sources: Sources, found: Compilation) -> str:
    """The absolute `target/` of a command: its flag, the environment, cargo's settings, or
    beside the workspace's manifest."""
    compiled = found.compiled
    given = [*compiled.call.values("target-dir")[-1:]]
    given += [compiled.variables.get(n, "") for n in ("CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR")]
    root = _root_in_image(found)
    setting = cargo_setting(sources.facts.snapshot, found.workspace.folder, "target-dir")
    for path in (text for text in given if text):
        return posixpath.normpath(posixpath.join(compiled.folder, path))
    return posixpath.normpath(posixpath.join(root, setting or "target"))


def _root_in_image(found: Compilation) -> str:
    """The workspace's root in the image: as far above the command's folder as it is in the
    repository."""
    up = posixpath.relpath(found.workspace.folder or ".", found.folder or ".")
    manifest = found.compiled.call.values("manifest-path")
    start = found.compiled.folder
    if manifest:
        start = posixpath.join(start, posixpath.dirname(manifest[-1]))
    return posixpath.normpath(posixpath.join(start, up))


def triples_of(sources: Sources, found: Compilation) -> tuple[str, ...]:
    """Target triples by flag, environment or cargo's settings; empty for the host's."""
    flags = found.compiled.call.values("target")
    if flags:
        return flags
    if "xx-cargo" in found.compiled.call.wrapper.split():
        return (SUBSTITUTION,)  # what `$(xx-cargo --print-target-triple)` stands for
    held = found.compiled.variables.get("CARGO_BUILD_TARGET", "")
    setting = cargo_setting(sources.facts.snapshot, found.workspace.folder, "target")
    return tuple(text for text in (held or setting,) if text)


def cargo_setting(snapshot: Snapshot, folder: str, key: str) -> str:
    """A key of `[build]` in the `.cargo/config.toml` of a folder or above it; empty when it
    is not set."""
    while True:
        for name in (".cargo/config.toml", ".cargo/config"):
            path = posixpath.join(folder, name)
            value = _settings(snapshot, path).get("build", {}).get(key)
            if isinstance(value, str):
                return value
        if not folder:
            return ""
        folder = posixpath.dirname(folder)


def _settings(snapshot: Snapshot, path: str) -> dict[str, Any]:
    if path not in snapshot:
        return {}
    try:
        return parse_toml(snapshot.text(path))
    except (ValueError, SnapshotError):
        return {}


def _words_after(compiled: Compiled, flag: str) -> list[str]:
    words = [word.value or word.written for word in compiled.call.command.words]
    found = [word.partition("=")[2] for word in words if word.startswith(f"{flag}=")]
    return found + [b for a, b in pairwise(words) if a == flag]


def _examples(sources: Sources, found: Compilation) -> Iterable[Product]:
    for folder in output_folders(sources, found):
        for name in found.compiled.call.values("example"):
            yield Product(posixpath.join(folder, "examples", name), name, "")


def _libraries(sources: Sources, found: Compilation) -> Iterable[Product]:
    """Dynamic and static libraries: made only when libraries themselves are selected."""
    call = found.compiled.call
    if call.bins or call.has("bins") or call.values("example") or call.verb == "install":
        return
    for package in chosen_packages(found):
        for name, kinds in _library(sources.facts.snapshot, package):
            files = [f"lib{name}.so"] if kinds & {"cdylib", "dylib", "proc-macro"} else []
            files += [f"lib{name}.a"] if "staticlib" in kinds else []
            for folder in output_folders(sources, found):
                for file in files:
                    yield Product(posixpath.join(folder, file), file, package.name)


def chosen_packages(found: Compilation) -> tuple[Package, ...]:
    """The packages over which cargo unifies features: those that the selection takes, and
    whatever `--bin` names, all members that a command without `-p` takes here."""
    call = found.compiled.call
    workspace = found.workspace
    if call.has("workspace") or call.has("all"):
        return tuple(p for p in workspace.packages if p.name not in call.values("exclude"))
    if call.packages:
        return tuple(p for p in workspace.packages if p.name in call.packages)
    return workspace.members_at(found.folder)


def _library(snapshot: Snapshot, package: Package) -> Iterator[tuple[str, frozenset[str]]]:
    manifest = _settings(snapshot, posixpath.join(package.folder, "Cargo.toml"))
    section = manifest.get("lib")
    if isinstance(section, dict):
        name = str(section.get("name", package.name)).replace("-", "_")
        yield name, frozenset(str(kind) for kind in section.get("crate-type", ()))


def looks_like_cargo(path: str) -> bool:
    """Whether a path has the shape of cargo's output: `target/[triple/]release/name`."""
    parts = path.strip("/").split("/")
    return "target" in parts[:-2] and parts[-2] in ("debug", "release")
