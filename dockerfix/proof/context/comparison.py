"""Two simulated builds side by side: what stands at each path, and where it came from.

Knows how to compare; what explains a difference stands in `differences`.
"""

from __future__ import annotations

import posixpath

from dockerfix.facts.context.copying import Simulation
from dockerfix.facts.context.stage_run import StageFiles
from dockerfix.facts.context.steps import MountStep
from dockerfix.facts.trees.tree import (
    Elsewhere,
    Folder,
    FromAddress,
    Inline,
    Leaf,
    Node,
    StageRef,
    Unknown,
    Unpacked,
    Unwalked,
    leaves,
)
from dockerfix.proof.context.differences import Differences, Findings, maker_of, said
from dockerfix.proof.context.files_owed import FilesOwed


class Comparison:
    """Two builds side by side."""

    def __init__(self, owed: FilesOwed, old: Simulation, new: Simulation, found: Findings) -> None:
        self.owed = owed
        self.old = old
        self.new = new
        self.differences = Differences(owed, old, new, found)
        self.pairs: list[tuple[StageFiles, StageFiles]] = []
        self.seen: set[tuple[StageRef, StageRef]] = set()

    def run(self) -> None:
        """Compare the targets, and every stage that they copy from or mount."""
        for simulation, image in ((self.old, self.owed.before), (self.new, self.owed.after)):
            if simulation.target is None:
                self.differences.found.failures[f"{image}: there is no such target"] = None
                return
        if self.old.failure is not None:
            self.differences.allow(
                f"not compared, since the build failed before: {self.old.failure}"
            )
            return
        if self.new.failure is not None:
            self.differences.found.failures[str(self.new.failure)] = None
            return
        assert self.old.target is not None
        assert self.new.target is not None
        self.pair(self.old.target, self.new.target)
        while self.pairs:
            old, new = self.differences.at = self.pairs.pop()
            self.folders(old.root, new.root, "/")
            self.mounts(old, new)

    def pair(self, old: StageFiles, new: StageFiles) -> None:
        """Two stages that stand for each other must have the same files."""
        refs = (old.script.ref, new.script.ref)
        if refs not in self.seen:
            self.seen.add(refs)
            self.pairs.append((old, new))

    def folders(self, old: Folder, new: Folder, path: str) -> None:
        """Everything below one path."""
        if old is new:
            return
        self.unknowns(old, new, path)
        for name in sorted({*old.children, *new.children}):
            first, second = old.children.get(name), new.children.get(name)
            self.nodes(first, second, posixpath.join(path, name))

    def nodes(self, old: Node | None, new: Node | None, path: str) -> None:
        """What stands at one path."""
        if isinstance(old, Folder) and isinstance(new, Folder):
            self.folders(old, new, path)
        elif isinstance(old, Folder):
            self.only_old(old, path)
            self.nodes(None, new, path)
        elif isinstance(new, Folder):
            self.nodes(old, None, path)
            self.only_new(new, path)
        elif old is not None and new is not None:
            self.leaf(old, new, path)
        elif old is not None:
            self.differences.lost(old, path)
        elif new is not None:
            self.differences.added(new, path)

    def only_old(self, folder: Folder, path: str) -> None:
        """A folder that the new build has not."""
        for inner, leaf in leaves(folder, path + "/"):
            self.differences.lost(leaf, inner)

    def only_new(self, folder: Folder, path: str) -> None:
        """A folder that the old build had not."""
        for inner, leaf in leaves(folder, path + "/"):
            self.differences.added(leaf, inner)

    def leaf(self, old: Leaf, new: Leaf, path: str) -> None:
        """Two files at one path."""
        if self.same(old, new):
            return
        self.differences.replaced(old, new, path)

    def same(self, old: Leaf | Unknown, new: Leaf | Unknown) -> bool:
        """Whether two things are the same; stages that they come from are then compared."""
        if not isinstance(old, Elsewhere) or not isinstance(new, Elsewhere):
            return _without_name(old) == _without_name(new)
        if old.path != new.path:
            return False
        if isinstance(old.source, StageRef) and isinstance(new.source, StageRef):
            self.pair(self.old.stage(old.source), self.new.stage(new.source))
            return True
        return old.source == new.source

    def unknowns(self, old: Folder, new: Folder, path: str) -> None:
        """What else two folders may hold: archives, repositories, files of other stages."""
        olds = [item for item in old.unknown if isinstance(item, _COMPARED)]
        news = [item for item in new.unknown if isinstance(item, _COMPARED)]
        for item in olds:
            twin = next((other for other in news if self.same(item, other)), None)
            if twin is not None:
                news.remove(twin)
            else:
                self.differences.fail(f"{path} no longer gets {said(item)}")
        for item in news:
            maker = maker_of(item)
            if maker:
                assert isinstance(item, Elsewhere)
                self.differences.allow(
                    f"{path} also gets what RUN leaves in {item.path} of {maker}'s image"
                )
            elif self.owed.stages and isinstance(item, Elsewhere) and _is_of_stage(item):
                self.differences.allow(f"{path} also gets what RUN leaves in {said(item)}")
            elif self.differences.is_siblings(item):
                self.differences.allow(f"the sibling's image also has {said(item)} at {path}")
            else:
                self.differences.fail(f"{path} also gets {said(item)}")

    def mounts(self, old: StageFiles, new: StageFiles) -> None:
        """What RUN instructions are shown; each mount must have its like on the other side."""
        first, second = _mounted(old), _mounted(new)
        for target, node in first:
            if not any(target == other and self.alike(node, twin) for other, twin in second):
                self.differences.fail(f"no RUN mounts at {target} what one mounted there")
        for target, node in second:
            if not any(target == other and self.alike(twin, node) for other, twin in first):
                self.differences.fail(f"a RUN mounts at {target} what none mounted there")

    def alike(self, old: Node, new: Node) -> bool:
        """Whether two mounted nodes are the same, without noting what differs."""
        trial = Comparison(self.owed, self.old, self.new, Findings())
        trial.differences.at = self.differences.at
        trial.seen = self.seen
        trial.nodes(old, new, "/")
        self.pairs += trial.pairs
        return not trial.differences.found.failures


_COMPARED = (Unpacked, Unwalked, FromAddress, Elsewhere)
"""What counts among a folder's unknown contents; base images and RUN are *same runtime*'s."""


def _is_of_stage(item: Elsewhere) -> bool:
    """Whether something comes from a stage of the file itself."""
    return isinstance(item.source, StageRef) and not item.source.image


def _without_name(item: Leaf | Unknown) -> Leaf | Unknown:
    """A heredoc without the name that only its source line sees."""
    return Inline("", item.text) if isinstance(item, Inline) else item


def _mounted(files: StageFiles) -> list[tuple[str, Node]]:
    return [
        (taken.step.target, node)
        for taken in files.taken
        if isinstance(taken.step, MountStep)
        for node in taken.nodes
    ]
