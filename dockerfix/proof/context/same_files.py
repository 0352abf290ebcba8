"""Checks *same files*: COPY and ADD give an image's stages the same paths from the same sources.

Both builds are simulated over their contexts with their ignore files, once for each way in
which a call site asks for them, and the stages are compared by what stands at each path and
where it came from. Where a stage stands on an image that this repository makes, the files of
that image's own build count. Knows how to compare; asks no transform.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from msgspec.structs import replace

from dockerfix.facts.context.copying import Simulation, local_context
from dockerfix.facts.context.ignore import BadIgnoreError, Judge
from dockerfix.facts.context.makers import find_maker
from dockerfix.facts.context.stage_run import StageFiles
from dockerfix.facts.context.steps import LOCAL, BuildInput, MountStep
from dockerfix.facts.context.tree import (
    Elsewhere,
    Folder,
    FromAddress,
    FromContext,
    ImageRef,
    Inline,
    Leaf,
    LinkFromContext,
    Node,
    Repository,
    StageRef,
    Unknown,
    Unpacked,
    Unwalked,
    leaves,
)
from dockerfix.facts.context.used import read_of
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Image, Obligation, Verdict
from dockerfix.text import Snapshot
from dockerfix.text.units import counted

_MAX_DEPTH = 8
_MAX_SHOWN = 12


class SameFiles(Obligation, frozen=True):
    """COPY and ADD give every stage of the image the same paths from the same sources.

    The contexts are relative to the root, as the two builds pass them. `accepted` are files of
    the repository whose absence the person took; with `siblings` the image of a sibling may
    hold more of its own files than were copied before.
    """

    before: Image
    after: Image
    before_context: str
    after_context: str
    accepted: frozenset[str] = frozenset()
    siblings: bool = False
    sources: bool = False
    """Whether stages that the image copies from may hold more files than before."""
    left_out: bool = False
    """Whether stages that the image copies from may lack files that no command of theirs reads."""

    kind: ClassVar[str] = "same files"
    accepted_rules: ClassVar[Mapping[str, str]] = {
        "provider-lacks": "a file that was copied and that the sibling's image does not hold",
        "left-out": "a file that a build stage held and that its commands do not read",
    }
    assumed_rules: ClassVar[frozenset[str]] = frozenset({"left-out"})

    def check(self, before: Facts, after: Facts) -> Verdict:
        """Whether the files are the same, but for those that the patch creates or deletes.

        A file of the context is known by its path in the repository, so that an edited one is the
        same. A source that the snapshot has not, and that the ignore file lets through, is taken
        for something made before the build. What RUN makes is left to *same runtime*.
        """
        return _judge(self, before, after)

    @property
    def about(self) -> str:
        """The Dockerfile of the image before."""
        return self.before.dockerfile


def _judge(owed: SameFiles, before: Facts, after: Facts) -> Verdict:
    statement = f"{owed.after} copies the same files to the same places as {owed.before} did"
    found = _Findings()
    ways = _ways(owed, before, after)
    for way in ways:
        if _is_open(way) and any(_closes(other, way) for other in ways):
            names = ", ".join(_open_arguments(way))
            found.differences[
                f"where {names} comes from the environment, it must name the "
                "image that other call sites name"
            ] = None
            continue
        old = _simulate(before, owed.before, owed.before_context, way)
        new = _simulate(after, owed.after, owed.after_context, way)
        _Comparison(owed, old, new, found).run()
    if found.unread:
        statement = (
            f"{owed.after} copies to the same places what the commands of {owed.before} read, "
            "and leaves other files out"
        )
    return Verdict(statement, tuple(found.said()), tuple(_cut(found.failures)))


@dataclass(slots=True)
class _Findings:
    """What all comparisons of one obligation found; dicts keep the first of equal lines."""

    differences: dict[str, None] = field(default_factory=dict)
    failures: dict[str, None] = field(default_factory=dict)
    created: dict[str, None] = field(default_factory=dict)
    deleted: dict[str, None] = field(default_factory=dict)
    unread: dict[str, None] = field(default_factory=dict)

    def said(self) -> Iterator[str]:
        """The differences, those that the patch's own files make in one line each."""
        if self.created:
            yield f"also copied, since the patch creates it: {', '.join(sorted(self.created))}"
        if self.deleted:
            yield f"no longer copied, since the patch deletes it: {', '.join(sorted(self.deleted))}"
        if self.unread:
            files = counted(len(self.unread), "file")
            yield f"build stages lack {files} that their commands do not read"
        yield from self.differences


def _cut(failures: Mapping[str, None]) -> Iterator[str]:
    for number, failure in enumerate(failures):
        if number == _MAX_SHOWN:
            yield f"and {len(failures) - number} more"
            return
        yield failure


def _ways(owed: SameFiles, before: Facts, after: Facts) -> list[BuildInput]:
    """The different ways in which call sites ask for the image: those of the patch, and those
    of before where the image had another name or context.

    Arguments and named contexts count alone: an argument that only one side knows means
    nothing to the other.
    """
    found = _asked(after, owed.after.dockerfile, owed.after_context)
    if not found or owed.before.dockerfile != owed.after.dockerfile:
        found += _asked(before, owed.before.dockerfile, owed.before_context)
    ways: list[BuildInput] = []
    for way in found:
        if not any(_same_way(way, other) for other in ways):
            ways.append(way)
    return ways or [BuildInput(owed.after.dockerfile, owed.after_context)]


def _open_arguments(way: BuildInput) -> list[str]:
    """Build arguments that take their value from the environment of who builds."""
    return [name for name, text in way.arguments.items() if text.startswith("${" + name)]


def _is_open(way: BuildInput) -> bool:
    return bool(_open_arguments(way))


def _closes(way: BuildInput, other: BuildInput) -> bool:
    """Whether one way gives every argument that another takes from the environment."""
    return not _is_open(way) and way.arguments.keys() >= set(_open_arguments(other))


def _same_way(way: BuildInput, other: BuildInput) -> bool:
    return way.arguments == other.arguments and way.named_contexts == other.named_contexts


def _asked(facts: Facts, dockerfile: str, context: str) -> list[BuildInput]:
    given = [BuildInput.of(build) for build in facts.builds.builds]
    return [w for w in given if w and (w.dockerfile, w.context) == (dockerfile, context)]


def _simulate(facts: Facts, image: Image, context: str, way: BuildInput) -> Simulation:
    given = replace(way, dockerfile=image.dockerfile, context=context, target=image.target)
    return _Makers(facts).simulation(given, 0)


class _Makers:
    """Finds what an image holds by simulating the build that makes it."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.known: dict[str, Simulation | Folder | None] = {}

    def simulation(self, given: BuildInput, depth: int) -> Simulation:
        """A build whose images are looked up in turn."""
        return Simulation(
            self.facts, given, images=lambda ref: self.image(ref, depth + 1), generated=True
        )

    def image(self, ref: ImageRef, depth: int) -> Simulation | Folder | None:
        """What an image or a named context holds; None when nothing here tells."""
        if ref.name not in self.known:
            self.known[ref.name] = None  # an image that is made from itself is not known
            self.known[ref.name] = self.made(ref.name, depth)
        return self.known[ref.name]

    def made(self, name: str, depth: int) -> Simulation | Folder | None:
        """The tree of a folder, or the build that makes an image."""
        if name.startswith(LOCAL):
            try:
                return local_context(self.facts, name.removeprefix(LOCAL))
            except BadIgnoreError:
                return None
        maker = find_maker(self.facts.builds.builds, name) if depth < _MAX_DEPTH else None
        given = BuildInput.of(maker) if maker is not None else None
        if given is None or given.dockerfile not in self.facts.snapshot:
            return None
        build = self.simulation(replace(given, image=name), depth)
        return build if build.script.target is not None else None


class _Comparison:
    """Two builds side by side."""

    def __init__(self, owed: SameFiles, old: Simulation, new: Simulation, found: _Findings) -> None:
        self.owed = owed
        self.old = old
        self.new = new
        self.found = found
        self.pairs: list[tuple[StageFiles, StageFiles]] = []
        self.seen: set[tuple[StageRef, StageRef]] = set()
        self.at: tuple[StageFiles, StageFiles] | None = None

    def run(self) -> None:
        """Compare the targets, and every stage that they copy from or mount."""
        for simulation, image in ((self.old, self.owed.before), (self.new, self.owed.after)):
            if simulation.target is None:
                self.found.failures[f"{image}: there is no such target"] = None
                return
        if self.old.failure is not None:
            self.allow(f"not compared, since the build failed before: {self.old.failure}")
            return
        if self.new.failure is not None:
            self.found.failures[str(self.new.failure)] = None
            return
        assert self.old.target is not None
        assert self.new.target is not None
        self.pair(self.old.target, self.new.target)
        while self.pairs:
            self.at = self.pairs.pop()
            old, new = self.at
            self.folders(old.root, new.root, "/")
            self.mounts(old, new)

    def pair(self, old: StageFiles, new: StageFiles) -> None:
        """Two stages that stand for each other must have the same files."""
        refs = (old.script.ref, new.script.ref)
        if refs not in self.seen:
            self.seen.add(refs)
            self.pairs.append((old, new))

    def fail(self, what: str) -> None:
        """Note what is not the same, at the new stage."""
        assert self.at is not None
        new = self.at[1].script.stage
        place = new.from_.source.place(new.from_.code)
        name = new.name or str(new.index)
        self.found.failures[f"{place}: in stage {name}, {what}"] = None

    def beside(self) -> bool:
        """Whether the stages at hand are not the image itself."""
        return self.at is not None and self.at[1] is not self.new.target

    def allow(self, what: str) -> None:
        """Note a difference that the patch explains."""
        self.found.differences[what] = None

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
            self.lost(old, path)
        elif new is not None:
            self.added(new, path)

    def only_old(self, folder: Folder, path: str) -> None:
        """A folder that the new build has not."""
        for inner, leaf in leaves(folder, path + "/"):
            self.lost(leaf, inner)

    def only_new(self, folder: Folder, path: str) -> None:
        """A folder that the old build had not."""
        for inner, leaf in leaves(folder, path + "/"):
            self.added(leaf, inner)

    def leaf(self, old: Leaf, new: Leaf, path: str) -> None:
        """Two files at one path."""
        if self.same(old, new):
            return
        if self.is_touched(old, self.new.facts.snapshot) and self.is_touched(
            new, self.old.facts.snapshot
        ):
            self.allow(f"{path} comes from {_named(new)}, which replaces {_named(old)}")
        else:
            self.fail(f"{path} comes from {_named(new)}, it came from {_named(old)}")

    def lost(self, old: Leaf, path: str) -> None:
        """A file that the new build does not copy."""
        if self.is_touched(old, self.new.facts.snapshot):
            self.found.deleted[_named(old)] = None
        elif isinstance(old, FromContext) and old.path in self.owed.accepted:
            self.allow(f"{_named(old)} is no longer copied, as was accepted")
        elif self.owed.left_out and self.beside() and self.is_unread(old):
            self.found.unread[_named(old)] = None
        else:
            self.fail(f"{path} is missing, it came from {_named(old)}")

    def added(self, new: Leaf, path: str) -> None:
        """A file that the old build did not copy."""
        if self.is_touched(new, self.old.facts.snapshot):
            self.found.created[_named(new)] = None
        elif self.owed.sources and self.beside():
            self.allow(f"a build stage also holds {_named(new)}")
        elif self.is_siblings(new):
            self.allow(f"the sibling's image also has {_named(new)} at {path}")
        else:
            self.fail(f"{path} is new, it comes from {_named(new)}")

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
                self.fail(f"{path} no longer gets {_named(item)}")
        for item in news:
            maker = _maker(item)
            if maker:
                assert isinstance(item, Elsewhere)
                self.allow(f"{path} also gets what RUN leaves in {item.path} of {maker}'s image")
            elif self.is_siblings(item):
                self.allow(f"the sibling's image also has {_named(item)} at {path}")
            else:
                self.fail(f"{path} also gets {_named(item)}")

    def mounts(self, old: StageFiles, new: StageFiles) -> None:
        """What RUN instructions are shown; each mount must have its like on the other side."""
        first, second = _mounted(old), _mounted(new)
        for target, node in first:
            if not any(target == other and self.alike(node, twin) for other, twin in second):
                self.fail(f"no RUN mounts at {target} what one mounted there")
        for target, node in second:
            if not any(target == other and self.alike(twin, node) for other, twin in first):
                self.fail(f"a RUN mounts at {target} what none mounted there")

    def alike(self, old: Node, new: Node) -> bool:
        """Whether two mounted nodes are the same, without noting what differs."""
        trial = _Comparison(self.owed, self.old, self.new, _Findings())
        trial.at = self.at
        trial.seen = self.seen
        trial.nodes(old, new, "/")
        self.pairs += trial.pairs
        return not trial.found.failures

    def is_touched(self, leaf: Leaf, other: Snapshot) -> bool:
        """Whether the patch creates or deletes the file: the other side has none."""
        return isinstance(leaf, FromContext | LinkFromContext) and leaf.path not in other

    def is_unread(self, leaf: Leaf) -> bool:
        """Whether a file of the context is none that the commands behind a COPY of all of it
        read, nor one that is copied by its name."""
        if not isinstance(leaf, FromContext | LinkFromContext) or self.read is None:
            return False
        context = self.owed.before_context
        return not self.read.judge_path(leaf.path[len(context) :].lstrip("/")).matched

    @cached_property
    def read(self) -> Judge | None:
        """What is read of the context of before; None where that may be all."""
        old, owed = self.old.facts, self.owed
        use = read_of(old, owed.before.dockerfile, owed.before_context, projects=True)
        return Judge(use.paths) if use is not None else None

    def is_siblings(self, item: Leaf | Unknown) -> bool:
        """Whether something came with an image that this repository makes: it is of the
        repository, and not of the new context."""
        context = self.owed.after_context
        if not self.owed.siblings:
            return False
        match item:
            case FromContext(path) | LinkFromContext(path) | Unwalked(path) | Unpacked(path):
                pass
            case Elsewhere(Repository(), path):
                pass
            case _:
                return False
        if any(
            self.is_named_context(path, text) for text in self.new.given.named_contexts.values()
        ):
            return False  # it has the folder as it lies there: nothing may come along
        return bool(context) and not path.startswith(context + "/")

    def is_named_context(self, path: str, text: str) -> bool:
        """Whether a path lies in the folder that a named context shows."""
        folder = text.removeprefix(LOCAL)
        return folder != text and (not folder or path.startswith(f"{folder}/"))


_COMPARED = (Unpacked, Unwalked, FromAddress, Elsewhere)
"""What counts among a folder's unknown contents; base images and RUN are *same runtime*'s."""


def _without_name(item: Leaf | Unknown) -> Leaf | Unknown:
    """A heredoc without the name that only its source line sees."""
    return Inline("", item.text) if isinstance(item, Inline) else item


def _maker(item: Leaf | Unknown) -> str:
    """The Dockerfile of the image that something comes from; empty when there is none."""
    if isinstance(item, Elsewhere) and isinstance(item.source, StageRef) and item.source.image:
        return item.source.dockerfile
    return ""


def _mounted(files: StageFiles) -> list[tuple[str, Node]]:
    return [
        (taken.step.target, node)
        for taken in files.taken
        if isinstance(taken.step, MountStep)
        for node in taken.nodes
    ]


def _named(item: Leaf | Unknown) -> str:
    """A file for a person."""
    match item:
        case FromContext(path) | LinkFromContext(path):
            return path
        case Unpacked(path):
            return f"the archive {path}"
        case Unwalked(path):
            return f"the contents of {path}"
        case Inline(name):
            return f"the heredoc {name}"
        case FromAddress(address):
            return address
        case Elsewhere(Repository(), path):
            return f"{path} (not in the repository)"
        case Elsewhere(StageRef(dockerfile, index, _), path):
            return f"{path} of stage {index} of {dockerfile}"
        case Elsewhere(ImageRef(name), path):
            return f"{path} of the image {name}"
        case _:
            return str(item)
