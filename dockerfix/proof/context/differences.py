"""Files that are copied on one side only: what explains them, and how they are named for a person.

Knows what the patch itself creates and deletes, what a sibling's image brings along, and what no
command reads.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from dockerfix.facts.context.copying import Simulation
from dockerfix.facts.context.stage_run import StageFiles
from dockerfix.facts.context.steps import LOCAL
from dockerfix.facts.context.used import read_of
from dockerfix.facts.trees.ignore import Judge
from dockerfix.facts.trees.tree import (
    Elsewhere,
    FromAddress,
    FromContext,
    ImageRef,
    Inline,
    Leaf,
    LinkFromContext,
    Repository,
    StageRef,
    Unknown,
    Unpacked,
    Unwalked,
)
from dockerfix.proof.cargo.picked_up import NAMES, picked_up
from dockerfix.proof.context.files_owed import FilesOwed
from dockerfix.text import Snapshot
from dockerfix.text.units import counted


@dataclass(slots=True)
class Findings:
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


class Differences:
    """What differs between two builds; `at` are the stages that are compared."""

    def __init__(self, owed: FilesOwed, old: Simulation, new: Simulation, found: Findings) -> None:
        self.owed = owed
        self.old = old
        self.new = new
        self.found = found
        self.at: tuple[StageFiles, StageFiles] | None = None

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

    def lost(self, old: Leaf, path: str) -> None:
        """A file that the new build does not copy."""
        if self.is_touched(old, self.new.facts.snapshot):
            self.found.deleted[said(old)] = None
        elif isinstance(old, FromContext) and old.path in self.owed.accepted:
            self.allow(f"{said(old)} is no longer copied, as was accepted")
        elif self.owed.left_out and self.beside() and self.is_unread(old):
            self.found.unread[said(old)] = None
        else:
            self.fail(f"{path} is missing, it came from {said(old)}")

    def added(self, new: Leaf, path: str) -> None:
        """A file that the old build did not copy."""
        if self.is_touched(new, self.old.facts.snapshot):
            self.found.created[said(new)] = None
        elif self.owed.sources and self.beside() and self.is_picked_up(new):
            self.fail(f"{path} is new, and cargo takes it by itself")
        elif self.owed.sources and self.beside():
            self.allow(f"a build stage also holds {said(new)}")
        elif self.is_siblings(new):
            self.allow(f"the sibling's image also has {said(new)} at {path}")
        else:
            self.fail(f"{path} is new, it comes from {said(new)}")

    def replaced(self, old: Leaf, new: Leaf, path: str) -> None:
        """Another file at the same path."""
        gone = self.is_touched(old, self.new.facts.snapshot)
        if gone and self.is_touched(new, self.old.facts.snapshot):
            self.allow(f"{path} comes from {said(new)}, which replaces {said(old)}")
        else:
            self.fail(f"{path} comes from {said(new)}, it came from {said(old)}")

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

    def is_picked_up(self, leaf: Leaf) -> bool:
        """Whether the compiler of the image's programs takes a file that is there, unasked."""
        if not isinstance(leaf, FromContext | LinkFromContext):
            return False
        return posixpath.basename(leaf.path) in NAMES and leaf.path in self.picked_up

    @cached_property
    def picked_up(self) -> frozenset[str]:
        """The files that cargo takes by itself, be they there or not."""
        return picked_up(self.old.facts, self.owed.before, self.owed.before_context)

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


def said(item: Leaf | Unknown) -> str:
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


def maker_of(item: Leaf | Unknown) -> str:
    """The Dockerfile of the image that something comes from; empty when there is none."""
    if isinstance(item, Elsewhere) and isinstance(item.source, StageRef) and item.source.image:
        return item.source.dockerfile
    return ""
