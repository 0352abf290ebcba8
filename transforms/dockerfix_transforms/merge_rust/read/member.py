"""A build that runs in a member's folder, said from the workspace's root.

`cargo build` in a member's folder selects that member, as `-p member` does at the root, and
leaves its programs in the root's `target/` (the Cargo Book, "Package Selection"; the same bytes
with cargo 1.95). Knows the steps of one chain.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from msgspec.structs import replace

from dockerfix.api import Facts, Workspace, read_cargo
from dockerfix_transforms.merge_rust.read.steps import Role, Step, commands, flat_list

_SETTINGS = (".cargo/config.toml", ".cargo/config", "rust-toolchain", "rust-toolchain.toml")
"""What cargo and rustup read in the folder in which they run."""


def changes_folder(step: Step) -> bool:
    """Whether a RUN goes to a folder by itself."""
    return any(command.name in ("cd", "pushd") for command in commands(step.script))


def at_root(
    facts: Facts, workspace: Workspace, steps: Sequence[Step], folder: str
) -> tuple[tuple[Step, ...], str] | None:
    """The steps with the builds at the workspace's root, and the member whose folder they ran
    in; None when that would not be the same."""
    package = next((p for p in workspace.packages if p.folder == folder), None)
    entries = [n for n, step in enumerate(steps) if step.item.keyword == "WORKDIR"]
    if package is None or not entries or _has_settings(facts, folder):
        return None
    entry, tail = steps[entries[-1]], steps[entries[-1] + 1 :]
    if not tail or not all(_only_builds(step) for step in tail):
        return None
    up = posixpath.relpath(workspace.folder or ".", folder)
    root = posixpath.normpath(posixpath.join(tail[0].where, up))
    if not root.startswith("/") or posixpath.join(root, posixpath.relpath(
        folder, workspace.folder or ".")) != tail[0].where:  # fmt: skip
        return None
    kept = list(steps[: entries[-1]])
    if entry.where != root:
        kept.append(replace(entry, key=f"WORKDIR {root}", instead=root))
    kept += [
        replace(step, where=root, key=f"{step.key.removesuffix(f' in {step.where}')} in {root}")
        for step in tail
    ]
    return tuple(kept), package.name


def _has_settings(facts: Facts, folder: str) -> bool:
    return any(posixpath.join(folder, name) in facts.snapshot for name in _SETTINGS)


def _only_builds(step: Step) -> bool:
    """Whether a RUN is nothing but builds of what the folder selects, or of packages by name,
    which are the workspace's wherever cargo runs."""
    if step.role is not Role.BUILD or any(sign in step.item.text for sign in "<>|"):
        return False
    found = [read_cargo(command) for command in flat_list(step.script) or ()]
    return bool(found) and all(
        call is not None
        and call.verb == "build"
        and not (call.has("manifest-path") or call.has("target-dir"))
        for call in found
    )
