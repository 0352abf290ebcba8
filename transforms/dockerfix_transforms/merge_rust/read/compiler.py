"""What the compiler of a file's binaries gets: the components that decide builder groups.

Two files whose components are equal may be compiled by one `cargo build`. Knows one file.
"""

from __future__ import annotations

import re

from msgspec import Struct

from dockerfix.api import Arg, Env, Instruction
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.read.steps import Role, Step, commands

_ENVIRONMENT = re.compile(
    r"^(RUSTFLAGS|RUSTDOCFLAGS|CARGO_(?!TERM_|NET_|HTTP_|HOME$|INCREMENTAL$|REGISTRIES_|REGISTRY_).*"
    r"|RUSTC.*|RUSTUP_TOOLCHAIN|CC|CXX|LD|AR|(HOST_|TARGET_)?(CC|CXX|AR|CFLAGS|CXXFLAGS)(_.*)?"
    r"|CPPFLAGS|LDFLAGS|PKG_CONFIG_ALLOW_CROSS|LIBCLANG_PATH)$"
)


_SELECTING = frozenset(
    {
        "all", "all-targets", "artifact-dir", "bench", "benches", "bins", "example", "examples",
        "exclude", "lib", "manifest-path", "out-dir", "target-dir", "test", "tests", "workspace",
    }
)  # fmt: skip
"""Flags of cargo that say what is made, or where, in ways that `--bin` cannot be joined with."""


class Component(Struct, frozen=True):
    """One part of the compiler's input: its value for comparison, and the step that sets it."""

    name: str
    value: str
    step: Step | None


def components(file: InputFile) -> dict[str, Component]:
    """All components of a file by name; `toolchain` covers image, rustup and `+name`."""
    found: dict[str, list[tuple[str, Step | None]]] = {}
    found["toolchain"] = [(image, None) for image in base_images(file)]
    for step in file.steps:
        for name, value in _of_step(step, file.pinned):
            found.setdefault(name, []).append((value, step))
    return {
        name: Component(
            name,
            "; ".join(dict.fromkeys(value for value, _ in values)),
            next((step for _, step in values if step is not None), None),
        )
        for name, values in found.items()
    }


def base_images(file: InputFile) -> list[str]:
    """The image that the chain stands on, with the platform. An image that an argument names
    is not the same as one that is written out: the argument may come from elsewhere. What call
    sites give for it is theirs: the same text with the same value is the same image."""
    first = file.chain[0].from_
    platform = first.platform.value if first.platform is not None else ""
    image = first.image.value if first.image is not None else ""
    through = f" by {image}" if "$" in image else ""
    return [f"{file.graph.expand(image)}{through} {platform or ''}".strip()]


def sets_component(step: Step, name: str) -> bool:
    """Whether a step sets the component of that name by an instruction of its own."""
    return step.role is Role.OTHER and any(key == name for key, _ in _of_step(step))


def is_compiler_variable(name: str) -> bool:
    """Whether an environment variable changes what rustc, cc or a linker does."""
    return _ENVIRONMENT.match(name) is not None


def _of_step(step: Step, pinned: bool = False) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in environment(step.item):
        if is_compiler_variable(name):
            found.append((name, value))
    for command in commands(step.script):
        words = [word.value or word.written for word in command.words]
        weak = words[1:2] in (["default"], ["update"]) and pinned
        kept = words[1:2] not in (["component"], ["show"])
        if words[:1] == ["rustup"] and kept and not weak:
            found.append(("toolchain", " ".join(words)))
        found += [
            (assignment.name, assignment.value.written)
            for assignment in command.assignments
            if is_compiler_variable(assignment.name) and assignment.value is not None
        ]
    if step.role is Role.CHEF:
        found.append(("cargo-chef", step.item.arguments))
    for call in step.calls if step.role is Role.BUILD else ():
        found += [("installation", "cargo install")] if call.verb == "install" else []
        unusual = [flag for flag in call.flags if flag.name in _SELECTING]
        found += [("selection", " ".join(w.written for f in unusual for w in f.words))] * bool(
            unusual
        )
        if call.opaque:
            found.append(
                ("arguments", " ".join(w.written for w in call.command.words if "$" in w.written))
            )
        found += [
            ("toolchain", f"+{value}") if name == "toolchain" else (name, value)
            for name, value in call.setting().items()
        ]
    if step.item.keyword == "SHELL":
        found.append(("shell", step.item.arguments))
    return found


def environment(item: Instruction) -> list[tuple[str, str]]:
    """Variables that an ENV or ARG sets, with their values."""
    if isinstance(item, Env) and item.keyword == "ENV":
        return list(item.pairs)
    if isinstance(item, Arg):
        return [(name, default or "") for name, default in item.entries]
    return []
