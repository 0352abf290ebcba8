"""In which folder of the repository cargo runs, by what COPY brings where, and where the
packages are that it compiles.

Knows build contexts, working folders and members; knows nothing of what a COPY leaves out.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from dockerfix.api import (
    Copy,
    Facts,
    Workspace,
    join_path,
    read_cargo,
)
from dockerfix_transforms.merge_rust.read.steps import Role, Step, commands


def cargo_folder(facts: Facts, context: str, steps: tuple[Step, ...]) -> str:
    """The folder of the repository in which the last `cargo build` runs.

    Follows WORKDIR, `cd` and `--manifest-path` through what COPY put where; the context where
    nothing tells.
    """
    where, found = "/", context
    copied: dict[str, str] = {}
    for step in steps:
        item = step.item
        if item.keyword == "WORKDIR" and item.words:
            where = posixpath.normpath(posixpath.join(where, item.words[0].value))
        elif isinstance(item, Copy) and item.from_ is None and item.destination is not None:
            place = posixpath.normpath(posixpath.join(where, item.destination.value))
            for word in item.sources:
                path = join_path(context, word.value.lstrip("/") or ".")
                if path is not None and facts.snapshot.is_folder(path):
                    copied[place] = path
                elif path is not None and posixpath.basename(path) == "Cargo.toml":
                    copied.setdefault(
                        place if item.words[-1].value.endswith(("/", ".")) or len(item.words) > 2
                        else posixpath.dirname(place),
                        posixpath.dirname(path),
                    )  # fmt: skip
        elif step.role is Role.BUILD:
            found = _repository_folder(_running_folder(step, where), copied, context)
    return found


_WIDE = ("workspace", "all", "manifest-path")


def made_of(
    workspace: Workspace, steps: Sequence[Step], member: str, folder: str
) -> tuple[str, ...]:
    """The folders of the image in which the packages are that a chain's programs are made of;
    the root where that cannot be told."""
    builds = [step for step in steps if step.role is Role.BUILD]
    calls = [call for step in builds for call in step.calls]
    roots = {step.where for step in builds}
    apart = any(c.opaque or not (c.bins or c.packages or member) for c in calls)
    moved = any(c.name in ("cd", "pushd") for step in builds for c in commands(step.script))
    apart = apart or any(c.has(flag) for c in calls for flag in _WIDE)
    if apart or moved or len(roots) != 1 or not (member or folder == workspace.folder):
        return ("/",)
    named = {member, *(name for call in calls for name in call.packages)}
    bins = {name for call in calls for name in call.bins}
    named |= {binary.package for binary in workspace.binaries if binary.name in bins}
    top, root = workspace.folder or ".", roots.pop()
    reached = (posixpath.relpath(path or ".", top) for path in workspace.reached(named))
    return tuple(posixpath.normpath(posixpath.join(root, path)) for path in reached)


def _running_folder(step: Step, where: str) -> str:
    """The folder of the image in which the step's cargo runs."""
    for command in commands(step.script):
        if command.name in ("cd", "pushd") and len(command.words) > 1:
            where = posixpath.normpath(posixpath.join(where, command.words[1].value or "."))
        call = read_cargo(command)
        if call is not None and call.compiles:
            manifests = call.values("manifest-path")
            return posixpath.join(where, posixpath.dirname(manifests[-1])) if manifests else where
    return where


def _repository_folder(where: str, copied: dict[str, str], context: str) -> str:
    """What stands at a folder of the image, by the longest copied folder above it."""
    place = posixpath.normpath(where)
    above = place
    while above not in copied:
        if above == "/":
            return context
        above = posixpath.dirname(above)
    rest = posixpath.relpath(place, above)
    return join_path(copied[above], rest) or ""


def lies_inside(path: str, folder: str) -> bool:
    """Whether a path lies below a folder; the root holds all."""
    return path.startswith(f"{folder}/") if folder else True
