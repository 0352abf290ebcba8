"""Which instructions only put a tool beside the compiler.

Such an instruction may run later, or stay out of a stage that only compiles, without a
change to what is compiled. The list is short on purpose: an unknown command is no tool. Knows
commands by name; compares nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from itertools import pairwise

from dockerfix.facts.cargo import read_cargo
from dockerfix.facts.cargo.native import is_compiler_package
from dockerfix.proof.steps.chain import Step
from dockerfix.proof.steps.commands import script_of
from dockerfix.proof.steps.installs import name_of, read_install
from dockerfix.proof.steps.reading import set_by
from dockerfix.syntax.dockerfile import Copy, Run
from dockerfix.syntax.shell import Command

COMPILER_FILES = ("rust-toolchain", "rust-toolchain.toml", "Cargo.toml", "Cargo.lock", "build.rs")
_COMPILER_STARTS = (
    "RUST", "CARGO_", "CC_", "CXX", "CFLAGS", "CPPFLAGS", "LDFLAGS", "AR_", "HOST_", "TARGET_",
    "PKG_CONFIG", "LIB",
)  # fmt: skip
_COMPILER_ENDS = (
    "_CFLAGS", "_CXXFLAGS", "_STATIC", "_LIB_DIR", "_INCLUDE_DIR", "_NO_VENDOR", "_LINKER",
    "_SYSROOT",
)  # fmt: skip
_COMPILER_NAMES = frozenset({"CC", "AR", "LD", "PATH"})
"""Variables that cargo, rustc, the cc crate or build scripts of -sys crates read."""
_QUIET = frozenset({"RUST_LOG", "RUST_BACKTRACE", "CARGO_TERM_COLOR", "CARGO_TERM_PROGRESS_WHEN"})
_COMPILERS = frozenset(
    {
        "cc", "gcc", "g++", "c++", "clang", "clang++", "ld", "lld", "mold", "ar", "as", "rustc",
        "cargo", "rustup", "cmake", "protoc", "pkg-config", "pkgconf", "llvm-config", "sccache",
    }
)  # fmt: skip
_SILENT = frozenset({"printf", "echo", "true", ":", "set", "command", "sha256sum", "corepack"})
_ON_PATHS = frozenset({"chmod", "mkdir"})
_WRITTEN = r"(?<![\w./-])/[\w./+-]+"
"""An absolute path in a script."""
_BIN = ("/usr/local/bin/", "/usr/bin/", "/bin/", "/usr/local/sbin/", "/opt/", "/etc/", "/tmp/")
CONFIGURATION = frozenset(
    {"LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "HEALTHCHECK", "STOPSIGNAL", "MAINTAINER"}
)


def is_compiler_variable(name: str) -> bool:
    """Whether the compiler or a build script is known to read the variable."""
    if name in _QUIET:
        return False
    known = name in _COMPILER_NAMES
    return known or name.startswith(_COMPILER_STARTS) or name.endswith(_COMPILER_ENDS)


def variable_aspect(name: str) -> str:
    """The aspect of the compiler's input that a variable belongs to."""
    if name.endswith("LINKER"):
        return "linker"
    return "flags" if is_compiler_variable(name) else "environment"


def only_toolchain(old: str, new: str) -> bool:
    """Whether two images are the same but for the version of Rust in their tags:
    `rust:1.90-alpine3.22` and `rust:1.91-alpine3.22`."""
    (first, _, old_tag), (second, _, new_tag) = old.partition(":"), new.partition(":")
    same = first == second and posixpath.basename(first) == "rust"
    version = r"^(\d+(\.\d+)*|stable|beta|nightly|latest)(?=-|$)"
    return same and re.sub(version, "", old_tag) == re.sub(version, "", new_tag)


def movable(step: Step) -> bool:
    """Whether an instruction may trade places with the cooking of dependencies.

    What sets the folder, the user, the shell or a variable of the compiler may not: the cook
    would run differently. Nor may a file that cargo reads.
    """
    keyword = step.instruction.keyword
    if keyword in ("WORKDIR", "USER", "SHELL", "FROM", "ONBUILD", "ONBUILD runs"):
        return False
    if any(is_compiler_variable(name) for name in set_by(step)):
        return False
    item = step.instruction
    if isinstance(item, Copy):
        return not any(_compiler_file(word.value) for word in item.words)
    return True


def _compiler_file(path: str) -> bool:
    return posixpath.basename(path) in COMPILER_FILES or "/.cargo" in f"/{path}"


def is_tool(step: Step, later: Iterable[Step], taken: Iterable[str] = ()) -> bool:
    """Whether the step only makes a tool that none of the later steps names.

    A RUN counts when all its commands are known, and everything that it writes lies beside
    the sources; a COPY when it brings single files to a folder of programs. `taken` are the
    paths that other stages copy: none may be the tool, or a folder that could hold it.
    """
    if step.instruction.keyword in CONFIGURATION:
        return True
    names = _made(step)
    if names is None or any(_named(name, other) for other in later for name in names):
        return False
    return bool(set_by(step)) or not any(_may_hold(path, names) for path in taken)


_HOMES = (*_BIN, "/usr/local/cargo/bin/", "/root/.cargo/bin/", "/usr/local/lib/", "/usr/lib/")


def _may_hold(path: str, names: tuple[str, ...]) -> bool:
    folder = "/" + path.strip("/") + "/" if path.strip("/") else "/"
    held = any(home.startswith(folder) for home in _HOMES)
    named = folder.startswith(_HOMES) and posixpath.basename(path.rstrip("/")) in names
    return held or named or "*" in path


def _named(name: str, other: Step) -> bool:
    text = other.instruction.text
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None


def _made(step: Step) -> tuple[str, ...] | None:
    """The names of the tools or variables that a step makes; None when it is not known."""
    item = step.instruction
    variables = set_by(step)
    if variables:
        return None if any(is_compiler_variable(name) for name in variables) else variables
    if isinstance(item, Copy):
        target = item.destination.value if item.destination is not None else ""
        if not movable(step) or not target.startswith(_BIN):
            return None
        return _programs([target, *(word.value for word in item.sources)])
    if isinstance(item, Run):
        return _made_by_run(item)
    return None


def _made_by_run(item: Run) -> tuple[str, ...] | None:
    script = script_of(item)
    if script is None or script.broken or script.functions:
        return None
    # What stands in quotes is printed or passed on; it is no path that is written to.
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "QUOTED", script_text(item))
    paths = [path for path in re.findall(_WRITTEN, bare) if not path.startswith(("//", "/dev/"))]
    targets = re.findall(r">>?\s*(?!&)([^\s;&|)]*)", bare)
    if not all(_among_programs(path) or path.startswith("/dev/") for path in (*paths, *targets)):
        return None
    names: list[str] = []
    for command in script.commands():
        made = _installed(command)
        if made is None:
            return None
        names += made
    return _programs([*names, *paths])


def script_text(item: Run) -> str:
    """The text that the shell reads; empty in exec form."""
    return item.script.text if item.script is not None else ""


def _installed(command: Command) -> list[str] | None:
    """What a command makes, by name; None for a command that is not known."""
    call = read_cargo(command)
    if call is not None:
        local = call.has("path") or "--path" in command_words(command)
        return _crates(call.positional) if call.verb == "install" and not local else None
    if command.name == "rustup":
        words = command_words(command)
        return [] if words[1:3] == ["component", "add"] else None
    install = read_install(command)
    if install is not None:
        needed = any(is_compiler_package(name_of(package)) for package in install.packages)
        return None if needed else []
    return [] if command.name in _SILENT or _beside_sources(command) else None


def _beside_sources(command: Command) -> bool:
    """Whether a command that writes files is told to write them to a folder of programs."""
    words = command_words(command)[1:]
    operands = [word for word in words if not word.startswith("-")]
    if command.name in _ON_PATHS:
        modes = 1 if command.name == "chmod" else 0
        return all(_among_programs(word) for word in operands[modes:])
    if command.name in ("npm", "pip", "pip3"):
        everywhere = command.name != "npm" or "-g" in words or "--global" in words
        return everywhere and not any(w.startswith((".", "-t", "--target", "-e")) for w in words)
    given = [b for a, b in pairwise(words) if re.fullmatch(r"-\w*[oOCd]|--output|--directory", a)]
    attached = (re.fullmatch(r"-[a-zA-Z]*[oO](/.+|-)", word) for word in words)
    given += [match[1] for match in attached if match is not None]
    if command.name == "curl":
        return all(path == "-" or _among_programs(path) for path in given) and "-O" not in words
    writes = command.name in ("wget", "tar", "unzip")
    return writes and bool(given) and all(path == "-" or _among_programs(path) for path in given)


def _among_programs(path: str) -> bool:
    """Whether a path is a folder of programs, or lies in one."""
    return f"{path}/".startswith(_BIN)


def _crates(names: tuple[str, ...]) -> list[str]:
    """Installed crates by their names; `cargo-x` is also called as `cargo x`."""
    crates = [name.split("@")[0] for name in names if not name[:1].isdigit()]
    return [*crates, *(f"cargo {n[6:]}" for n in crates if n.startswith("cargo-"))]


def command_words(command: Command) -> list[str]:
    """The words of a command, those with variables as written."""
    return [word.value if word.value is not None else word.written for word in command.words]


def _programs(paths: list[str]) -> tuple[str, ...] | None:
    names = [posixpath.basename(path.rstrip("/")) for path in paths]
    return None if any(name in _COMPILERS for name in names) else tuple(filter(None, names))
