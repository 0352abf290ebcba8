"""What a build context costs: what each kind of builder is sent, and what of it is used.

BuildKit asks for the paths that COPY, ADD and bind mounts of the needed stages name. The
classic builder, kaniko and remote APIs get everything that the ignore file leaves, and the
Dockerfile and the ignore file always. Knows one build and the sizes that it is given.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from dockerfix.facts.context.copying import Simulation
from dockerfix.facts.context.dormant import DormantFile, dormant_files
from dockerfix.facts.context.steps import (
    BuildInput,
    CopyStep,
    EnterFolder,
    Failure,
    RunStep,
    Step,
    absolute,
)
from dockerfix.facts.repository import Facts
from dockerfix.facts.trees.idle import IdleLine, idle_lines
from dockerfix.facts.trees.ignore import BadIgnoreError, Judge, read_ignore
from dockerfix.facts.trees.sources import select, tree_of
from dockerfix.facts.trees.tree import (
    Folder,
    FromContext,
    LinkFromContext,
    Node,
    folders,
    leaves,
)
from dockerfix.facts.trees.weight import HeavyEntry, Scale, Weight, node_at
from dockerfix.text import Entry, Place, SnapshotError

LARGEST = 10
"""How many of the largest entries are given."""

_CONTENT = (FromContext, LinkFromContext)


class Measured(Struct, frozen=True):
    """A context's folder as it is on the disk: its tree, and sizes in bytes by path."""

    tree: Folder
    sizes: Mapping[str, int]

    @classmethod
    def of(cls, entries: Iterable[tuple[str, Entry]], context: str) -> Measured:
        """What was found below a folder; paths are relative to the root."""
        listed = list(entries)
        sizes = {path: entry.size for path, entry in listed}
        return cls(tree_of(listed, context), sizes)


class Asked(Struct, frozen=True):
    """One instruction that makes BuildKit send something: how much, and whether that is the
    whole context."""

    place: Place
    text: str
    whole: bool
    weight: Weight


class Sent(Struct, frozen=True):
    """What one kind of builder is sent.

    `ignore` is the ignore file that it reads. `unused` is what no needed instruction copies or
    mounts, with its largest entries.
    """

    weight: Weight
    ignore: str | None
    unused: Weight
    unused_largest: tuple[HeavyEntry, ...]


class LargeEntry(Struct, frozen=True):
    """One of the largest entries that the classic builder is sent; of it, what BuildKit is
    sent and what no needed instruction uses."""

    path: str
    weight: Weight
    buildkit: Weight
    unused: Weight


class ContextCost(Struct, frozen=True):
    """Everything that is said of one build.

    `folder` is all that lies in the context's folder. `emptied` are files that BuildKit sends
    without their content, see `Judge.empties`. `failure` is why the build would stop, as far as
    reading can know.
    """

    given: BuildInput
    folder: Weight
    buildkit: Sent
    classic: Sent
    asked: tuple[Asked, ...]
    largest: tuple[LargeEntry, ...]
    idle: tuple[IdleLine, ...]
    dormant: tuple[DormantFile, ...]
    emptied: tuple[str, ...] = ()
    failure: Failure | None = None


def context_cost(
    facts: Facts, given: BuildInput, disk: Measured, read: Iterable[str] = ()
) -> ContextCost:
    """What the context of one build costs, by the sizes of `disk`.

    `read` are the ignore files that other builds read; all others below the context are
    dormant. Raises `SnapshotError` when a file, or a pattern of an ignore file, cannot be read.
    """
    return _Costing(facts, given, disk, read).result()


class _Costing:
    """One answer in the making."""

    def __init__(
        self, facts: Facts, given: BuildInput, disk: Measured, read: Iterable[str]
    ) -> None:
        self.facts = facts
        self.given = given
        self.disk = disk
        self.build = Simulation(facts, given, whole=disk.tree)
        self.check_patterns()
        self.read = {*read, *([self.build.ignore.path] if self.build.ignore else [])}
        self.scale = Scale(disk.sizes)
        self.used = self.used_paths()

    def result(self) -> ContextCost:
        """Put everything together."""
        ignore = self.build.ignore
        reads = any(files.script.reads_context for files in self.build.needed)
        buildkit = self.build.context if reads else Folder()
        classic_ignore = self.classic_ignore()
        classic = self.sent_to_classic(classic_ignore)
        unused = self.unused(classic) or Folder()
        return ContextCost(
            self.given,
            self.scale.weigh(self.disk.tree),
            self.sent(buildkit, ignore.path if ignore else None),
            self.sent(classic, classic_ignore),
            tuple(self.asked()) if reads else (),
            tuple(self.largest(classic, buildkit, unused)),
            idle_lines(self.disk.tree, ignore) if ignore else (),
            tuple(dormant_files(self.facts, self.given.context, self.read, self.used)),
            self.emptied(buildkit),
            self.build.failure,
        )

    def check_patterns(self) -> None:
        """Refuse an ignore file that no builder would take, at the line."""
        for path in {self.classic_ignore(), self.build.ignore and self.build.ignore.path}:
            if not path:
                continue
            file = self.facts.snapshot.derive(path, read_ignore)
            try:
                Judge(file.rules)
            except BadIgnoreError as error:
                place = file.place(file.lines[error.index])
                raise SnapshotError(str(place), str(error), "correct the pattern") from None

    def used_paths(self) -> set[str]:
        """The files of the context that needed instructions copy or mount."""
        found: set[str] = set()
        for files in self.build.needed:
            for taken in files.taken:
                for node in taken.nodes if taken.step.source is None else ():
                    _gather(node, found)
        return found

    def classic_ignore(self) -> str | None:
        """The ignore file of the classic builder, which knows no file beside the Dockerfile."""
        path = posixpath.join(self.given.context, ".dockerignore")
        return path if path in self.facts.snapshot else None

    def sent_to_classic(self, ignore: str | None) -> Folder:
        """Everything that the ignore file leaves; the client takes back what the builder needs
        (docker/cli's `TrimBuildFilesFromExcludes`)."""
        if ignore is None:
            return self.disk.tree
        rules = self.facts.snapshot.derive(ignore, read_ignore).rules
        judge = Judge(rules)
        if self.build.ignore is not None and ignore == self.build.ignore.path:
            left = self.build.left
        else:
            left = select(self.disk.tree, exclude=judge)
        needed = [path for path in self.needed_by_builder() if judge.judge_path(path).matched]
        if not needed:
            return left
        return select(self.disk.tree, exclude=Judge([*rules, *("!" + path for path in needed)]))

    def needed_by_builder(self) -> Iterator[str]:
        """The ignore file and the Dockerfile, relative to the context, where they lie in it."""
        yield ".dockerignore"
        prefix = f"{self.given.context}/" if self.given.context else ""
        if self.given.dockerfile.startswith(prefix):
            yield self.given.dockerfile[len(prefix) :]

    def sent(self, tree: Folder, ignore: str | None) -> Sent:
        """The answer for one kind of builder."""
        unused = self.unused(tree) or Folder()
        largest = self.scale.largest(unused, LARGEST)
        return Sent(self.scale.weigh(tree), ignore, self.scale.weigh(unused), largest)

    def unused(self, tree: Folder) -> Folder | None:
        """What of a tree no instruction uses; None for nothing."""
        needed = {posixpath.join(self.given.context, path) for path in self.needed_by_builder()}
        return _without(tree, self.used | needed)

    def emptied(self, tree: Folder) -> tuple[str, ...]:
        """Files that arrive at BuildKit without their content."""
        judge = self.build.judge
        if judge is None:
            return ()
        found: dict[str, None] = {}
        for path, folder in folders(tree):
            if judge.may_empty_below(path):
                inside = (f"{path}/{name}" for name, _ in leaves(folder))
                found |= dict.fromkeys(file for file in inside if judge.empties(file))
        return tuple(found)

    def asked(self) -> Iterator[Asked]:
        """What each instruction asks BuildKit for."""
        for files in self.build.needed:
            for step in files.script.steps:
                paths = list(_asked(step))
                if not paths:
                    continue
                tree = self.build.sent_for(paths)
                item = step.instruction
                place, text = item.source.place(item.code), " ".join(item.line.split())
                yield Asked(place, text, tree is self.build.left, self.scale.weigh(tree))

    def largest(self, classic: Folder, buildkit: Folder, unused: Folder) -> Iterator[LargeEntry]:
        """The largest entries that the classic builder is sent."""
        for entry in self.scale.largest(classic, LARGEST):
            sent, idle = (node_at(tree, entry.path) for tree in (buildkit, unused))
            yield LargeEntry(
                entry.path,
                entry.weight,
                self.scale.weigh(sent) if sent is not None else Weight(),
                self.scale.weigh(idle) if idle is not None else Weight(),
            )


def _asked(step: Step) -> Iterator[str]:
    """The absolute paths of the context that one step asks for."""
    if isinstance(step, CopyStep):
        if step.source is None:
            yield from (absolute("/", path) for path in step.local)
    elif isinstance(step, RunStep):
        yield from (mount.path for mount in step.mounts if mount.source is None)
        # BuildKit takes a tmpfs for a reader of the context, from its root on.
        tmpfs = any(m.kind == "tmpfs" and m.option("from") is None for m in step.instruction.mounts)
        yield from ["/"] * tmpfs
    else:
        assert isinstance(step, EnterFolder)


def _gather(node: Node, paths: set[str]) -> None:
    """Add the paths of all files of a tree."""
    if not isinstance(node, Folder):
        if isinstance(node, _CONTENT):
            paths.add(node.path)
        return
    for below in node.children.values():
        if isinstance(below, FromContext):  # most are
            paths.add(below.path)
        else:
            _gather(below, paths)


def _without(folder: Folder, paths: set[str]) -> Folder | None:
    """The files of a tree whose paths are not among some; None when none is left."""
    kept = Folder()
    for name, node in folder.children.items():
        if isinstance(node, Folder):
            inner = _without(node, paths)
            if inner is not None:
                kept.children[name] = inner
        elif isinstance(node, _CONTENT) and node.path not in paths:
            kept.children[name] = node
    return kept if kept.children else None
