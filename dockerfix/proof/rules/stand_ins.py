"""Stand-ins for sources in a build stage: a RUN that writes them may be new, be gone, or write
others, where no program of the image is made of what it writes.

A program is made of the packages that its `cargo build` selects and of their path dependencies.
What stands in for a source of theirs must have given way to the source itself, in both chains,
before anything is compiled. Where one is gone, the sources of its folder must be there before
cargo reads the workspace. Knows two chains of one image, and the workspace before.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from functools import cached_property

from dockerfix.facts.cargo import Workspace
from dockerfix.facts.cargo.commands import CargoCall, selected
from dockerfix.facts.dockerfile.places import IsFolder, joined, sources_of, within
from dockerfix.facts.dockerfile.stand_ins import only_touches, stand_ins
from dockerfix.facts.repository import Facts
from dockerfix.proof.cargo.crates import workspace_at
from dockerfix.proof.steps.chain import Step
from dockerfix.proof.steps.commands import script_of
from dockerfix.proof.steps.reading import ReadChain, from_context
from dockerfix.syntax.dockerfile import Run
from dockerfix.text import UnreadableError

_WIDE = ("workspace", "all", "manifest-path")


class StandIns:
    """Judges stand-ins of two chains of one image; `context` is the build context before."""

    def __init__(self, facts: Facts, context: str, dockerfile: str, is_folder: IsFolder) -> None:
        self.facts = facts
        self.context = context
        self.is_folder = is_folder
        self.sent: Callable[[str], bool] = facts.sends(context, dockerfile)

    @cached_property
    def workspace(self) -> Workspace | None:
        """The workspace of the build context."""
        try:
            return workspace_at(self.facts, self.context)
        except UnreadableError:
            return None

    def may_be_new(self, old: ReadChain, new: ReadChain, step: Step) -> bool:
        """Whether a step of the new chain writes only what no program is made of, or touches
        sources that are there."""
        paths = written(step)
        if only_touches(step.instruction):
            ready = new.steps[: new.steps.index(step)]
            kept = {p for p in paths if self._brought(ready, p) and self._brought(old.steps, p)}
            return bool(paths) and self._unheeded(old, new, paths - kept)
        return bool(paths) and self._unheeded(old, new, paths)

    def may_be_gone(self, old: ReadChain, new: ReadChain, step: Step) -> bool:
        """Whether a step of the old chain wrote only what no program is made of, and what cargo
        finds the sources of, or other stand-ins, instead."""
        paths = written(step)
        return bool(paths) and self._unheeded(old, new, paths) and self._found(new, paths)

    def may_change(self, old: ReadChain, new: ReadChain, first: Step, second: Step) -> bool:
        """Whether a step may write other stand-ins than before."""
        before, after = written(first), written(second)
        known = bool(before and after) and self._unheeded(old, new, before | after)
        return known and self._found(new, before - after)

    def _unheeded(self, old: ReadChain, new: ReadChain, paths: Iterable[str]) -> bool:
        """Whether no program is made of what a stand-in left at one of these paths, in either
        chain: its package is none of the programs', or the source came before anything was
        compiled, behind all that stands in for it."""
        compiled = self._compiled(old)
        mine = [path for path in paths if any(within(path, folder) for folder in compiled)]
        return all(self._replaced(chain, path) for path in mine for chain in (old, new))

    def _replaced(self, chain: ReadChain, path: str) -> bool:
        writers = (n for n, step in enumerate(chain.steps) if path in written(step))
        return self._brought(chain.steps[max(writers, default=0) : _first_compile(chain)], path)

    def _found(self, new: ReadChain, paths: Iterable[str]) -> bool:
        """Whether the folder of each path has its sources, or the same stand-in, before cargo
        reads the workspace in the new chain."""
        ready = new.steps[: _first_reading(new)]
        others = frozenset[str]().union(*map(written, ready))
        return all(
            path in others or self._brought(ready, posixpath.dirname(path), folder=True)
            for path in paths
        )

    def _brought(self, steps: Iterable[Step], path: str, folder: bool = False) -> bool:
        """Whether one of the steps copies a file of the context to a path, or a folder."""
        exists = self.is_folder if folder else self.sent
        return any(
            exists(source)
            for step in steps
            if from_context(step) and step.placed is not None
            for source in sources_of(step.placed, path, self.is_folder)
        )

    def _compiled(self, chain: ReadChain) -> tuple[str, ...]:
        """The folders of the image whose packages the chain's programs are made of; the root
        where that cannot be told."""
        calls = [
            (step, call)
            for step in chain.steps
            for call in chain.cargo(step)
            if call.compiles or call.verb == "chef cook"
        ]
        roots = {step.where for step, _ in calls}
        names = [self._packages(call) for _, call in calls]
        if len(roots) != 1 or None in names or any(_moves(step) for step, _ in calls):
            return ("/",)
        return self._folders(chain, roots.pop(), {name for found in names for name in found or ()})

    def _folders(self, chain: ReadChain, root: str, names: set[str]) -> tuple[str, ...]:
        """Where the packages of these names, and those that they are made of, are in the image
        when the workspace is at `root`; the root of the image where it is not."""
        if self.workspace is None:
            return ("/",)
        top = self.workspace.folder or "."
        manifest = posixpath.join(posixpath.relpath(top, self.context or "."), "Cargo.toml")
        source, place = posixpath.normpath(manifest), joined(root, "Cargo.toml")
        if not any(self._is_copy_of(step, place, source) for step in chain.steps):
            return ("/",)
        reached = self.workspace.reached(names)
        return tuple(joined(root, posixpath.relpath(path or ".", top)) for path in reached)

    def _is_copy_of(self, step: Step, path: str, source: str) -> bool:
        copy = step.placed
        named = sources_of(copy, path, self.is_folder) if copy and from_context(step) else ()
        return source in named

    def _packages(self, call: CargoCall) -> tuple[str, ...] | None:
        """The packages whose programs a call makes; None where it says that by a variable."""
        if self.workspace is None or call.verb != "build" or call.opaque:
            return None
        found = selected(self.workspace, call, self.workspace.folder)
        named = call.bins or call.packages
        if isinstance(found, str) or not named or any(map(call.has, _WIDE)):
            return None
        return (*call.packages, *(binary.package for binary in found)) or None


def written(step: Step) -> frozenset[str]:
    """The stand-ins that a step writes; none when it does anything else."""
    return stand_ins(step.instruction, step.where)


def _first_compile(chain: ReadChain) -> int:
    """The number of the first step that compiles the workspace's crates."""
    return _first(chain, lambda call: call.compiles or call.verb == "chef cook")


def _first_reading(chain: ReadChain) -> int:
    """The number of the first step in which cargo reads the workspace."""
    return _first(chain, lambda call: call.verb != "install" or call.has("path"))


def _first(chain: ReadChain, fits: Callable[[CargoCall], bool]) -> int:
    found = (n for n, step in enumerate(chain.steps) if any(map(fits, chain.cargo(step))))
    return next(found, len(chain.steps))


def _moves(step: Step) -> bool:
    """Whether a RUN goes to a folder by itself."""
    item = step.instruction
    script = script_of(item) if isinstance(item, Run) else None
    return script is None or any(c.name in ("cd", "pushd") for c in script.every_command())
