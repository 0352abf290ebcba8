"""Which instructions only put a tool beside the compiler.

Such an instruction may run later, or stay out of a stage that only compiles, without a
change to what is compiled. The list is short on purpose: an unknown command is no tool. Knows
commands by name; compares nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from dockerfix.facts.cargo import read_cargo
from dockerfix.facts.shell import Command
from dockerfix.proof.chain import Step
from dockerfix.proof.commands import script_of
from dockerfix.proof.installs import name_of, read_install
from dockerfix.proof.native import is_compiler_package
from dockerfix.proof.reading import set_by
from dockerfix.syntax import Copy, Run

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
_HARMLESS = frozenset(
    {
        "printf", "echo", "true", ":", "set", "chmod", "mkdir", "command", "curl", "wget", "tar",
        "unzip", "gunzip", "sha256sum", "npm", "pip", "pip3", "corepack",
    }
)  # fmt: skip
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


def is_tool(step: Step, later: Iterable[Step]) -> bool:
    """Whether the step only makes a tool that none of the later steps names.

    A RUN counts when all its commands are known, and everything that it writes lies beside
    the sources; a COPY when it brings single files to a folder of programs.
    """
    if step.instruction.keyword in CONFIGURATION:
        return True
    names = _made(step)
    return names is not None and not any(_named(n, other) for other in later for n in names)


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
    text = script_text(item)
    paths = [path for path in re.findall(_WRITTEN, text) if not path.startswith(("//", "/dev/"))]
    if not all(path.startswith(_BIN) for path in _outside_quotes(paths, text)):
        return None
    names: list[str] = []
    for command in script.commands():
        made = _installed(command)
        if made is None:
            return None
        names += made
    return _programs([*names, *(path for path in paths if path.startswith(_BIN[:5]))])


def script_text(item: Run) -> str:
    """The text that the shell reads; empty in exec form."""
    return item.script.text if item.script is not None else ""


def _outside_quotes(paths: list[str], text: str) -> list[str]:
    """Paths that stand somewhere outside of quotes: what is printed is no file."""
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", " ", text)
    return [path for path in paths if path in bare]


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
    return [] if command.name in _HARMLESS else None


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
