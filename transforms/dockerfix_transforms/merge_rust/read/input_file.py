"""One input of a merge, read: its build chain, its images, and what they ship.

A value that merges of every language share; how it is read is the business of `inputs`, or of
the module `read` of another language.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from dockerfix.api import Build, IsFolder, Place, Stage, StageGraph
from dockerfix_transforms.merge_rust.read.steps import Step


class Leaf(Struct, frozen=True):
    """A stage outside of the build chain: a runtime image, a development image, a helper."""

    stage: Stage
    live: bool


class InputFile(Struct, frozen=True):
    """One input.

    `chain` are the stages from the base image to the builder, `steps` their steps in order,
    `planner` the stage that prepares the recipe, `leaves` all other stages. `binary` names
    the file's targets, `shipped` are the programs that its images carry.
    """

    path: str
    graph: StageGraph
    context: str
    builds: tuple[Build, ...]
    chain: tuple[Stage, ...]
    steps: tuple[Step, ...]
    planner: Stage | None
    planner_steps: tuple[Step, ...]
    leaves: tuple[Leaf, ...]
    live_chain: tuple[Stage, ...]
    binary: str
    shipped: tuple[str, ...]
    alone: bool = False
    """Whether its build selects one package, so that several must be built one by one."""
    outputs: tuple[str, ...] = ()
    """The absolute paths in the builder at which its build leaves programs."""
    taken: tuple[str, ...] = ()
    """The absolute paths that its images copy out of the builder."""
    is_folder: IsFolder = bool
    """Whether a path of the build context is a folder."""
    sent: Callable[[str], bool] = bool
    """Whether a path of the build context is a file that the builder gets."""
    compiled: tuple[str, ...] = ("/",)
    """The folders in the builder of the packages that its programs are made of."""
    member: str = ""
    """The package in whose folder it builds, so that its calls select that package."""
    pinned: bool = False
    """Whether a rust-toolchain file chooses the compiler, whatever rustup's default is."""
    fixed: str = ""
    """Why its build keeps a stage of its own, empty where it may be shared."""
    everything: bool = False
    """Whether an image carries more of an unselected build than binaries (a `.so`, an
    example), so that the build cannot be narrowed to binaries."""

    own_defaults: tuple[tuple[str, str], ...] = ()
    """Global ARGs whose defaults its images declare for themselves in the merged file."""

    def end_of(self, stage: Stage) -> int:
        """How many steps of the chain lie in or below a chain stage."""
        return sum(1 for step in self.steps if step.stage.index <= stage.index)

    def in_chain(self, stage: Stage | None) -> bool:
        """Whether a stage belongs to the build chain."""
        return stage is not None and any(stage.index == s.index for s in self.chain)

    @property
    def place(self) -> Place:
        """The place of the file's first instruction."""
        tree = self.graph.tree
        return tree.source.place(tree.instructions[0].code)

    @property
    def live_leaves(self) -> tuple[Leaf, ...]:
        """The leaves that a call site can ask for."""
        return tuple(leaf for leaf in self.leaves if leaf.live)

    @property
    def targets(self) -> tuple[Stage, ...]:
        """Every stage that becomes a target, in file order."""
        stages = [*(leaf.stage for leaf in self.live_leaves), *self.live_chain]
        return tuple(sorted(stages, key=lambda stage: stage.index))


def standing_ends(file: InputFile) -> list[int]:
    """For each live image that stands on the chain, how many steps lie below it."""
    bases = [file.graph.base(leaf.stage) for leaf in file.live_leaves]
    stages = [base for base in bases if base is not None and file.in_chain(base)]
    return [file.end_of(stage) for stage in (*stages, *file.live_chain)]
