"""What a cargo program is compiled with, as named aspects that can be compared.

Base image, platform, toolchain, triple, profile, features, selection, flags, linker,
environment, packages, shell, and the files that cargo reads beside the sources. Follows the
Cargo Book ("Build cache", "Profiles", "Features") and rustup's order of overrides, and what
was measured of cargo's selections. Knows one compilation; compares nothing.
"""

from __future__ import annotations

import posixpath
from typing import Any

from msgspec import Struct

from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.proof.cargo.crates import Compilation, Sources, chosen_packages, triples_of
from dockerfix.proof.steps.chain import flatten
from dockerfix.proof.steps.events import Compiled
from dockerfix.proof.steps.tools import variable_aspect
from dockerfix.syntax.toml import parse_toml
from dockerfix.text import Place, SnapshotError

_SILENT = (
    "CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "CARGO_BUILD_JOBS", "CARGO_TERM_",
    "CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR", "CARGO_INSTALL_ROOT", "CARGO_BUILD_TARGET",
    "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "RUST_LOG", "RUST_BACKTRACE", "DEBIAN_FRONTEND", "LANG",
    "LC_", "TZ", "TERM", "HOME", "PWD", "HOSTNAME",
)  # fmt: skip
"""Beginnings of variables that do not reach what is compiled, or that other aspects hold."""


class Aspect(Struct, frozen=True):
    """One aspect: its name (as `--accept` takes it), what it is about when there are several
    of the name (a variable), and its value for a person."""

    name: str
    subject: str
    value: str


class Input(Struct, frozen=True):
    """All aspects of one compilation by name and subject, the packages apart, and the place
    of the command."""

    aspects: dict[tuple[str, str], Aspect]
    packages: frozenset[str]
    locked: frozenset[str] | None
    place: Place


def compiler_input(graph: StageGraph, sources: Sources, found: Compilation) -> Input:
    """The input of a compilation."""
    compiled = found.compiled
    base = flatten(graph, compiled.frame.step.stage).base
    defaults = ", ".join(f"{name}={default}" for name, default in base.arguments)
    aspects = [
        Aspect("base-image", "", f"{base.image} with {defaults}" if defaults else base.image),
        Aspect("platform", "", base.platform),
        Aspect("toolchain", "", _toolchain(sources, found)),
        Aspect("target-triple", "", " ".join(sorted(triples_of(sources, found)))),
        Aspect("profile", "", _profile(compiled)),
        Aspect("selection", "", _selection(found)),
        Aspect("arguments", "", _arguments(compiled)),
        Aspect("shell", "", compiled.shell),
        *_features(found),
        *_variables(compiled),
        *_files(sources, found),
    ]
    return Input(
        {(aspect.name, aspect.subject): aspect for aspect in aspects},
        compiled.packages,
        found.workspace.locked,
        compiled.place,
    )


def _toolchain(sources: Sources, found: Compilation) -> str:
    """rustup's order: `+name`, RUSTUP_TOOLCHAIN, an override, the file, the default."""
    compiled = found.compiled
    if compiled.call.toolchain:
        return compiled.call.toolchain
    held = compiled.variables.get("RUSTUP_TOOLCHAIN", "")
    if held:
        return held
    overrides = [text.split()[-1] for text in compiled.toolchain if text.startswith("override ")]
    if overrides:
        return overrides[-1]
    pinned = _pinned(sources, found.folder)
    if pinned:
        return pinned
    changes = [text for text in compiled.toolchain if text.split()[0] in ("default", "update")]
    return "; ".join(f"rustup {text}" for text in changes) or "the base image's own"


def _pinned(sources: Sources, folder: str) -> str:
    """The toolchain file that rustup finds from a folder of the repository."""
    snapshot = sources.facts.snapshot
    while True:
        for name in ("rust-toolchain", "rust-toolchain.toml"):
            path = posixpath.join(folder, name)
            if path in snapshot:
                return _channel(snapshot.read(path).decode("utf-8", "replace"))
        if not folder or folder == sources.context:
            return ""
        folder = posixpath.dirname(folder)


def _channel(text: str) -> str:
    try:
        section: Any = parse_toml(text).get("toolchain", {})
    except ValueError:
        return text.strip()
    return ", ".join(f"{key} = {value}" for key, value in section.items()) or text.strip()


def _profile(compiled: Compiled) -> str:
    call = compiled.call
    if call.verb == "install" and not (call.has("debug") or call.values("profile")):
        return "release"
    return call.profile


def _arguments(compiled: Compiled) -> str:
    """Words of the command that reading cannot tell: features by a build argument."""
    words = compiled.call.command.words if compiled.call.opaque else ()
    hidden = [word.written for word in words if "$" in word.written]
    return " ".join(hidden)


def _selection(found: Compilation) -> str:
    """Cargo unifies features over the packages that a call takes; which of their binaries it
    names changes nothing (measured with cargo 1.95)."""
    call = found.compiled.call
    names = sorted(package.name for package in chosen_packages(found))
    verb = "" if call.verb in ("build", "run", "rustc") else f"cargo {call.verb}: "
    through = f"{call.wrapper}: " if call.wrapper else ""
    resolver = found.workspace.resolver
    return f"{through}{verb}features united over {', '.join(names)} (resolver {resolver})"


def _features(found: Compilation) -> list[Aspect]:
    """The features of each selected package that are not its defaults."""
    call = found.compiled.call
    given = call.values("features")
    members = {package.name for package in found.workspace.packages}
    aspects: list[Aspect] = []
    for package in chosen_packages(found):
        own = {f for f in given if "/" not in f and (f in package.features or f == "default")}
        own |= {f.partition("/")[2] for f in given if f.partition("/")[0] == package.name}
        words = sorted(own)
        words += ["all of them"] if call.has("all-features") else []
        words += ["without defaults"] if call.has("no-default-features") else []
        if words:
            aspects.append(Aspect("features", package.name, ", ".join(words)))
    outside = sorted(f for f in given if "/" in f and f.partition("/")[0] not in members)
    return [*aspects, *(Aspect("features", f.partition("/")[0], f) for f in outside)]


def _variables(compiled: Compiled) -> list[Aspect]:
    return [
        Aspect(variable_aspect(name), name, value)
        for name, value in compiled.variables.items()
        if not name.startswith(_SILENT)
    ]


_READ = ("Cargo.toml", "Cargo.lock", ".cargo/config.toml", ".cargo/config", "build.rs")


def _files(sources: Sources, found: Compilation) -> list[Aspect]:
    """The files at the workspace's root that cargo reads, by their contents."""
    snapshot = sources.facts.snapshot
    aspects: list[Aspect] = []
    for name in _READ:
        path = posixpath.join(found.workspace.folder, name)
        if path in snapshot:
            try:
                aspects.append(Aspect("cargo-files", name, f"sha256:{snapshot.digest(path)[:12]}"))
            except SnapshotError as error:
                aspects.append(Aspect("cargo-files", name, error.why))
    return aspects
