"""A step that only some files have: whether the others' programs may be built behind it.

Knows what a step is there for; the order of steps is the business of `align`.
"""

from __future__ import annotations

import enum
import posixpath

from dockerfix.api import Command, Copy, Placed, only_prints
from dockerfix_transforms.merge_rust.group.stand_ins import unheeded, written
from dockerfix_transforms.merge_rust.read.compiler import environment, is_compiler_variable
from dockerfix_transforms.merge_rust.read.input_file import InputFile, standing_ends
from dockerfix_transforms.merge_rust.read.steps import (
    Role,
    Step,
    commands,
    makes_tools,
    only_installs,
)


class Admission(enum.Enum):
    """What a step of another file is to a file that lacks it."""

    NO = "no"
    PACKAGES = "packages"
    ENVIRONMENT = "environment"
    SOURCES = "sources"
    TOOLS = "tools"
    PRINTS = "prints"
    UNHEEDED = "unheeded"
    """rustup's default, where a rust-toolchain file is stronger."""
    STAND_INS = "stand-ins"
    """It writes sources of which none of the file's programs is made."""
    LATER = "later"
    """It runs when the file's programs are built, and touches none of them."""


_COMPILER_FILES = frozenset(
    {"rust-toolchain", "rust-toolchain.toml", "Cargo.toml", "Cargo.lock", "build.rs", ".cargo"}
)
_FETCHING = frozenset({"curl", "wget", "tar", "unzip", "gpg", "gunzip", "xz"})
_PLACING = frozenset(
    {"install", "mkdir", "chmod", "rm", "mv", "cp", "tee", "echo", "printf", "test", "[", "true",
     "set", "update-ca-certificates", "npm", "pnpm", "pip", "pip3", "corepack", "ldconfig"}
)  # fmt: skip
_LOCAL = frozenset(
    {"cp", "mv", "mkdir", "install", "strip", "objcopy", "upx", "ls", "du", "file", "test", "[",
     "ldd", "echo", "printf", "true", "false", "exit", "chmod", "sccache", "set", "touch"}
)  # fmt: skip
"""Commands that change or show the files that they name, and no others."""


def admitted(step: Step, owner: InputFile, file: InputFile, late: bool, done: int) -> Admission:
    """What the step of `owner` is to `file`, of which `done` steps come before it; `late` says
    that its last build is among them."""
    if only_installs(step):
        return Admission.PACKAGES
    if written(step):
        fits = not late and not standing_ends(file) and unheeded(file, step, done)
        return Admission.STAND_INS if fits else Admission.NO
    if harmless_environment(step):
        return Admission.ENVIRONMENT
    under = any(end >= done for end in standing_ends(file))
    if only_prints(step.item) and not under:
        return Admission.PRINTS
    if late and not under:
        builds = step.role is Role.BUILD or _beside(step, file)
        return Admission.LATER if builds else Admission.NO
    if file.pinned and sets_default(step):
        return Admission.UNHEEDED
    if isinstance(step.item, Copy):
        return Admission.SOURCES if _more_sources(step, file, under) else Admission.NO
    return Admission.TOOLS if not under and is_tool(step, owner) else Admission.NO


def sets_default(step: Step) -> bool:
    """Whether a RUN does nothing but set rustup's default toolchain."""
    found = [[word.value for word in command.words[:2]] for command in commands(step.script)]
    return bool(found) and all(f in (["rustup", "default"], ["rustup", "update"]) for f in found)


def harmless_environment(step: Step) -> bool:
    """Whether an ENV or ARG sets no variable of the compiler."""
    names = [name for name, _ in environment(step.item)]
    return bool(names) and not any(is_compiler_variable(name) for name in names)


def _more_sources(step: Step, file: InputFile, under: bool) -> bool:
    """Whether a COPY brings files that a file's own steps do not write, and that cargo does not
    read by their names."""
    copy = step.copy
    if copy is None or step.role is not Role.OTHER or step.item.flag("from") is not None:
        return False  # another stage would have to be built first, for all of them
    parts = {part for source in copy.sources for part in source.split("/")}
    if parts & _COMPILER_FILES:
        return False
    return not under or any(_brings(other, copy) for other in file.steps)


def _brings(step: Step, copy: Placed) -> bool:
    """Whether a step copies the whole context, and with it all that a copy brings to where it
    brings it."""
    if step.role is not Role.SOURCES or step.copy is None:
        return False
    named = copy.destination.endswith("/")
    return all(
        posixpath.join(step.copy.target, source)
        == (posixpath.join(copy.target, posixpath.basename(source)) if named else copy.target)
        for source in copy.sources
    )


def is_tool(step: Step, owner: InputFile) -> bool:
    """Whether a RUN only puts a program beside the compiler: it fetches or installs something
    before its file brings any source, and changes no setting of cargo or rustup."""
    fit = step.role in (Role.OTHER, Role.PACKAGES) and step.item.keyword == "RUN"
    if not fit or step.script is None:
        return False
    before = owner.steps[: owner.steps.index(step)]
    if any(isinstance(other.item, Copy) and other.copy is not None for other in before):
        return False
    if makes_tools(step):
        return True
    found = tuple(commands(step.script))
    names = {posixpath.basename(command.name) for command in found}
    settings = any(word in step.item.text for word in (".cargo", "CARGO", "RUST", "rustup", "/ld"))
    known = names <= _FETCHING | _PLACING | {"apt-get", "apt", "apk", "dpkg", "lsb_release", "cd"}
    return bool(names & _FETCHING) and known and not settings and not step.script.broken


def _beside(step: Step, file: InputFile) -> bool:
    """Whether a RUN changes or shows only files that no image of `file` takes."""
    if step.item.keyword != "RUN" or step.script is None or step.script.broken:
        return False
    mine = {posixpath.basename(path) for path in (*file.taken, *file.outputs)}
    return all(_is_local(command, mine) for command in commands(step.script))


def _is_local(command: Command, mine: set[str]) -> bool:
    words = [word.value if word.value is not None else word.written for word in command.words]
    if not words:
        return True
    plain = not any(sign in word for word in words[1:] for sign in ("*", "?", "`", "$("))
    named = {posixpath.basename(word.rstrip("/")) for word in words[1:]}
    return posixpath.basename(words[0]) in _LOCAL and plain and not named & mine
