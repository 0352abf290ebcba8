"""Cargo commands as written in shell words: what is run, for which selection, with what.

The flags are those of `cargo build --help` and `cargo chef --help` (cargo-chef 0.1.78).
A flag that is not known here makes the call opaque: `CargoCall.opaque` says which.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator

from msgspec import Struct

from dockerfix.facts.cargo.workspace import Binary, Package, Workspace
from dockerfix.syntax.shell import Command, Script, ShellWord
from dockerfix.text import join_path

# Flags that take a value, and those that take none, of `cargo build`, `cargo chef cook` and
# `cargo install --path`.
_VALUED = frozenset(
    {
        "bin", "package", "example", "test", "bench", "exclude", "features", "target", "profile",
        "target-dir", "manifest-path", "jobs", "message-format", "color", "config",
        "recipe-path", "lockfile-path", "artifact-dir", "out-dir", "path", "root",
    }
)  # fmt: skip
_BARE = frozenset(
    {
        "release", "locked", "frozen", "offline", "workspace", "all", "bins", "lib", "examples",
        "tests", "benches", "all-targets", "all-features", "no-default-features", "verbose",
        "quiet", "keep-going", "timings", "ignore-rust-version", "check", "clippy", "zigbuild",
        "no-build", "no-std", "unit-graph", "future-incompat-report", "force", "no-track", "debug",
    }
)  # fmt: skip
_SHORT = {"p": "package", "F": "features", "j": "jobs", "Z": "unstable"}
_SHORT_BARE = {"r": "release", "v": "verbose", "q": "quiet"}
_LEADING = frozenset({"--config", "--color", "-Z", "-C"})
"""Flags before the verb that take the next word."""
_CHEF = ("prepare", "cook")


class CargoFlag(Struct, frozen=True):
    """One flag with its value and the words it takes."""

    name: str
    value: str | None
    words: tuple[ShellWord, ...]


class CargoCall(Struct, frozen=True):
    """A cargo command.

    `verb` is `build`, `run`, `install`, ... or `chef prepare` and `chef cook`. `toolchain` is
    the `+name`, if any. `positional` are words that are no flags. `opaque` names the first
    word that could not be read; the call then must not be changed.
    """

    command: Command
    verb: str
    toolchain: str = ""
    flags: tuple[CargoFlag, ...] = ()
    positional: tuple[str, ...] = ()
    opaque: str = ""
    wrapper: str = ""
    """What cargo runs through: `xx-cargo`, `cross`, or the subcommands `zigbuild` and
    `auditable`, which take the words of `cargo build`. It is part of the compiler's input."""

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a repeated flag, comma and space lists of features split."""
        found: list[str] = []
        for flag in self.flags:
            if flag.name == name and flag.value is not None:
                found += (
                    flag.value.replace(",", " ").split() if name == "features" else [flag.value]
                )
        return tuple(found)

    def has(self, name: str) -> bool:
        """Whether the flag is there."""
        return any(flag.name == name for flag in self.flags)

    @property
    def bins(self) -> tuple[str, ...]:
        """Values of `--bin`."""
        return self.values("bin")

    @property
    def packages(self) -> tuple[str, ...]:
        """Values of `-p`, versions cut off."""
        return tuple(value.split("@")[0] for value in self.values("package"))

    @property
    def profile(self) -> str:
        """`release`, `dev` or the name given."""
        given = self.values("profile")
        installs = self.verb == "install" and not self.has("debug")
        return given[-1] if given else "release" if self.has("release") or installs else "dev"

    @property
    def compiles(self) -> bool:
        """Whether programs of the workspace are made: `cargo build`, `cargo install --path`."""
        return self.verb == "build" or (self.verb == "install" and bool(self.values("path")))

    @property
    def alone(self) -> bool:
        """Whether one package is selected, so that a call for several ones would unify their
        features."""
        return bool(self.packages) or self.verb == "install"

    @property
    def selects_all(self) -> bool:
        """Whether neither binaries nor packages are named."""
        named = self.bins or self.packages or self.values("path")
        return not (named or self.has("workspace") or self.has("all"))

    def setting(self) -> dict[str, str]:
        """What of the call changes the compiler, selection left out; keys are flag names."""
        found = {"profile": self.profile}
        for name in ("target", "features", "config", "unstable"):
            values = self.values(name)
            if values:
                found[name] = " ".join(sorted(values))
        for name in ("all-features", "no-default-features"):
            if self.has(name):
                found[name] = "yes"
        if self.toolchain:
            found["toolchain"] = self.toolchain
        if self.wrapper:
            found["wrapper"] = self.wrapper
        return found


_PROGRAMS = frozenset({"cargo", "cargo-chef", "xx-cargo", "cross"})
_CROSSING = frozenset({"xx-cargo", "cross"})
"""Programs that take cargo's words and choose a platform for it."""


def read_cargo(command: Command) -> CargoCall | None:
    """The cargo command that a simple command is; None when it is none."""
    words = list(command.words)
    program = posixpath.basename(words[0].value or "") if words else ""
    if program not in _PROGRAMS:
        return None
    chef = program == "cargo-chef"
    wrapper = program if program in _CROSSING else ""
    rest = words[1:]
    toolchain = ""
    if rest and (rest[0].value or "").startswith("+"):
        toolchain = (rest[0].value or "")[1:]
        rest = rest[1:]
    leading, rest = _leading(rest)
    if not rest:
        return None
    verb = rest[0].value or ""
    rest = rest[1:]
    if chef or verb == "chef":
        sub = verb if chef else (rest[0].value or "" if rest else "")
        rest = rest if chef else rest[1:]
        if sub not in _CHEF:
            return CargoCall(command, f"chef {sub}", toolchain)
        verb = f"chef {sub}"
    if verb == "auditable" and rest:
        wrapper, verb, rest = f"{wrapper} auditable".strip(), rest[0].value or "", rest[1:]
    elif verb == "zigbuild":
        wrapper, verb = f"{wrapper} zigbuild".strip(), "build"
    verb = {"b": "build", "r": "run", "t": "test", "c": "check"}.get(verb, verb)
    flags, positional, opaque = _flags([*leading, *rest])
    return CargoCall(command, verb, toolchain, tuple(flags), tuple(positional), opaque, wrapper)


def _leading(words: list[ShellWord]) -> tuple[list[ShellWord], list[ShellWord]]:
    """The flags before the verb, and the rest."""
    leading: list[ShellWord] = []
    while words and (words[0].value or "").startswith("-"):
        size = 2 if (words[0].value or "") in _LEADING else 1
        leading += words[:size]
        words = words[size:]
    return leading, words


def cargo_calls(script: Script) -> Iterator[CargoCall]:
    """All cargo commands of a script in order."""
    for command in script.commands():
        call = read_cargo(command)
        if call is not None:
            yield call


def _flags(words: list[ShellWord]) -> tuple[list[CargoFlag], list[str], str]:
    flags: list[CargoFlag] = []
    positional: list[str] = []
    opaque = ""
    at = 0
    while at < len(words):
        word = words[at]
        # A variable inside a value is kept as written; one that may be a flag is opaque.
        text = word.value if word.value is not None else word.written.strip("\"'")
        if text == "--":
            positional += [w.written for w in words[at + 1 :]]
            break
        if not text.startswith("-"):
            if word.value is None and text.startswith("$"):
                opaque = opaque or word.written
            positional.append(text)
            at += 1
            continue
        flag, used = _flag(text, words[at : at + 2])
        if flag is None:
            opaque = opaque or word.written
            at += 1
            continue
        flags.append(flag)
        at += used
    return flags, positional, opaque


def _flag(text: str, words: list[ShellWord]) -> tuple[CargoFlag | None, int]:
    following = None
    if len(words) > 1:
        following = words[1].value if words[1].value is not None else words[1].written.strip('"')
    if text.startswith("--"):
        name, equals, value = text[2:].partition("=")
        if equals:
            return (CargoFlag(name, value, tuple(words[:1])) if name in _VALUED else None), 1
        if name in _BARE:
            return CargoFlag(name, None, tuple(words[:1])), 1
        if name in _VALUED and following is not None:
            return CargoFlag(name, following, tuple(words)), 2
        return None, 1
    letter = text[1:2]
    if letter in _SHORT:
        name = _SHORT[letter]
        if len(text) > 2:
            return CargoFlag(name, text[2:].removeprefix("="), tuple(words[:1])), 1
        if following is not None:
            return CargoFlag(name, following, tuple(words)), 2
        return None, 1
    if text[1:] and all(char in _SHORT_BARE for char in text[1:]):
        return CargoFlag(_SHORT_BARE[letter], None, tuple(words[:1])), 1
    return None, 1


def selected(workspace: Workspace, call: CargoCall, folder: str) -> tuple[Binary, ...] | str:
    """The binaries that `cargo build` makes when it runs in `folder` of the repository.

    A text instead of a tuple is cargo's reason to fail. The rules were measured with cargo
    1.95: `--bin` looks in the default members at a virtual root, and only in the packages
    named by `-p` when there are any; a binary whose required features are not given is an
    error when it is named and left out when it is not.
    """
    packages = _packages(workspace, call, folder)
    if isinstance(packages, str):
        return packages
    available = [(package, binary) for package in packages for binary in package.binaries]
    if call.bins:
        return _named(call, available)
    others = any(call.has(name) for name in _OTHER_TARGETS)
    if others and not any(call.has(name) for name in ("bins", "all-targets")):
        return ()
    return tuple(b for package, b in available if not _missing(call, package, b))


_OTHER_TARGETS = ("lib", "example", "examples", "test", "tests", "bench", "benches")


def _packages(workspace: Workspace, call: CargoCall, folder: str) -> tuple[Package, ...] | str:
    """The packages that a call selects, or why cargo refuses it."""
    if call.has("workspace") or call.has("all"):
        excluded = call.values("exclude")
        return tuple(p for p in workspace.packages if not _is_named(p.name, excluded))
    if call.packages:
        for name in call.packages:
            if not any(_is_named(p.name, (name,)) for p in workspace.packages):
                return f"package `{name}` is not a member of the workspace"
        return tuple(p for p in workspace.packages if _is_named(p.name, call.packages))
    for manifest in call.values("manifest-path"):
        joined = join_path(folder, posixpath.dirname(manifest))
        if joined is None:
            return f"the manifest {manifest} lies outside of the repository"
        folder = joined
    return workspace.members_at(folder)


def _is_named(name: str, patterns: tuple[str, ...]) -> bool:
    """Cargo takes globs for packages and binaries."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _named(call: CargoCall, available: list[tuple[Package, Binary]]) -> tuple[Binary, ...] | str:
    """The binaries that `--bin` names."""
    found: dict[tuple[str, str], Binary] = {}
    for name in call.bins:
        matching = [(p, b) for p, b in available if _is_named(b.name, (name,))]
        if not matching:
            return f"no binary `{name}` in the packages that are selected"
        for package, binary in matching:
            missing = _missing(call, package, binary)
            if missing:
                return f"binary `{binary.name}` needs the features {', '.join(missing)}"
            found[package.name, binary.name] = binary
    return tuple(found.values())


def _missing(call: CargoCall, package: Package, binary: Binary) -> list[str]:
    """Required features of a binary that the call does not switch on."""
    if call.has("all-features"):
        return []
    on = package.enabled(call.values("features"), not call.has("no-default-features"))
    return sorted(set(binary.required_features) - on)
