"""Which files of a build images copy out, and which cargo call makes them.

Knows targets of cargo packages and COPY; knows no call site.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from dockerfix.api import (
    CargoCall,
    Copy,
    Stage,
    StageGraph,
    Workspace,
    join_path,
    selected,
)
from dockerfix_transforms.merge_rust.read.checks import (
    UnreadableError,
)
from dockerfix_transforms.merge_rust.read.steps import Role, Step, commands, written_paths


def shipped_binaries(
    workspace: Workspace,
    graph: StageGraph,
    chain: tuple[Stage, ...],
    steps: tuple[Step, ...],
    folder: str,
) -> tuple[str, ...]:
    """The binaries that leave the chain, the one of the file's last stage first; all that are
    built where a build argument chooses one."""
    built = _built(workspace, steps, folder)
    names = set(built)
    found: list[str] = []
    chosen = False
    inside = {stage.index for stage in chain}
    for stage in reversed(graph.stages):
        if stage.index in inside:
            continue
        for item in stage.instructions:
            if isinstance(item, Copy):
                found += _copied(workspace, graph, stage, item, names, inside)
                paths = [word.value for word in item.sources if item.from_ is not None]
                chosen = chosen or any("$" in posixpath.basename(path) for path in paths)
    found = found or list(built if chosen else built[:1])
    if not found:
        raise UnreadableError(
            "nothing-shipped", "no binary of the workspace is built here", "nothing to merge",
            "leave this file out", steps[-1].item.code,
        )  # fmt: skip
    return tuple(dict.fromkeys(found))


def carries_more(workspace: Workspace, graph: StageGraph, chain: tuple[Stage, ...]) -> bool:
    """Whether something of cargo's target folder is copied out that is no binary's name."""
    inside = {stage.index for stage in chain}
    names = {binary.name for binary in workspace.binaries}
    for stage in graph.stages:
        for item in stage.instructions if stage.index not in inside else ():
            if not isinstance(item, Copy) or item.from_ is None:
                continue
            source = graph.find(item.from_.value or "", stage.index)
            if source is None or source.index not in inside:
                continue
            for word in item.sources:
                if "/target/" in word.value and posixpath.basename(word.value) not in names:
                    return True
    return False


def artefact_paths(steps: tuple[Step, ...], shipped: Sequence[str]) -> Iterator[str]:
    """Where the build leaves the shipped programs, and where its step copies files to."""
    where = "/"
    for step in steps:
        if step.item.keyword == "WORKDIR" and step.item.words:
            where = posixpath.normpath(posixpath.join(where, step.item.words[0].value))
        for call in step.calls if step.role is Role.BUILD else ():
            profile = "debug" if call.profile == "dev" else call.profile
            folder = posixpath.join(where, "target", *call.values("target")[:1], profile)
            yield from (posixpath.join(folder, name) for name in shipped)
        if step.role is Role.BUILD:
            for command in commands(step.script):
                yield from (posixpath.join(where, path) for path in written_paths(command))


def copied_out(graph: StageGraph, chain: tuple[Stage, ...]) -> Iterator[str]:
    """What stages beside the chain copy out of it."""
    inside = {stage.index for stage in chain}
    for stage in graph.stages:
        for item in stage.instructions if stage.index not in inside else ():
            source = (
                graph.find(item.from_.value or "", stage.index)
                if isinstance(item, Copy) and item.from_ is not None
                else None
            )
            if isinstance(item, Copy) and source is not None and source.index in inside:
                paths = (f"/{word.value.lstrip('/')}" for word in item.sources)
                yield from (posixpath.normpath(path) for path in paths)


def _built(workspace: Workspace, steps: tuple[Step, ...], folder: str) -> tuple[str, ...]:
    """The binaries that the chain's cargo builds select, named ones first."""
    names: dict[str, None] = {}
    for step in steps:
        for call in step.calls if step.role is Role.BUILD else ():
            hidden = next((n for n in (*call.bins, *call.packages) if "$" in n), "")
            hidden = hidden or ("" if call.bins or call.packages else call.opaque)
            if hidden:
                raise UnreadableError(
                    "cargo-call", f"cargo build is written with {hidden}, which cannot be "
                    "read", "the binaries that it makes are not known",
                    "write the selection out; `dockerfix build-once` does where call sites give "
                    "the values of a build argument", step.item.code,
                )  # fmt: skip
            made = selected(workspace, call, _selecting_folder(workspace, call, folder))
            if isinstance(made, str) and len({s.where for s in steps if s.role is Role.BUILD}) > 1:
                raise UnreadableError(
                    "cargo-call", "cargo build runs in several folders here",
                    "what each of them selects is not followed",
                    "call cargo in one folder, with -p for the package", step.item.code,
                )  # fmt: skip
            if isinstance(made, str):
                raise UnreadableError(
                    "cargo-selection", f"cargo build would fail here: {made}",
                    "nothing can be compiled", _instead(workspace, call), step.item.code,
                )  # fmt: skip
            names |= dict.fromkeys([*call.bins, *sorted(binary.name for binary in made)])
    return tuple(names)


def _instead(workspace: Workspace, call: CargoCall) -> str:
    """What to select in place of a package's name that stands where a binary's should."""
    for package in workspace.packages:
        made = " or ".join(f"`{binary.name}`" for binary in package.binaries)
        if package.name in call.bins and made:
            return f"the package {package.name} makes {made}: correct the selection"
    return "correct the selection"


def _selecting_folder(workspace: Workspace, call: CargoCall, folder: str) -> str:
    """The folder whose packages a call selects: `--path` of an installation, else the one it
    runs in."""
    for path in call.values("path"):
        return join_path(workspace.folder, path) or workspace.folder
    return folder


def _copied(
    workspace: Workspace,
    graph: StageGraph,
    stage: Stage,
    item: Copy,
    names: set[str],
    inside: set[int],
) -> Iterator[str]:
    source = graph.find(item.from_.value or "", stage.index) if item.from_ is not None else None
    if source is None or source.index not in inside:
        return
    known = {binary.name for binary in workspace.binaries}
    for word in item.sources:
        name = posixpath.basename(word.value)
        if name not in known:
            continue
        if name not in names and "/target/" in word.value:
            raise UnreadableError(
                "not-built", f"{word.value} is copied, but no cargo build here selects {name}",
                "a cook leaves an empty program of that name, and what another command makes is "
                "not seen here",
                f"add --bin {name} to the build, or leave the file out", item.code,
            )  # fmt: skip
        yield name
