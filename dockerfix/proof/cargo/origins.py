"""Where a path of a stage comes from: a cargo build, the context, another stage, or nowhere.

Asked backwards from the end of the stage: the last command that wrote the path counts. A
cook is no origin, since it leaves empty programs; what a mount held is gone after its RUN.
Knows how events make paths; knows no obligation.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator

from msgspec import Struct

from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.proof.cargo.crates import (
    Compilation,
    Product,
    Sources,
    Unknowable,
    compilation,
    looks_like_cargo,
    output_folders,
    products,
)
from dockerfix.proof.steps.chain import Outside
from dockerfix.proof.steps.events import (
    Carried,
    Compiled,
    Copied,
    Event,
    Frame,
    Opaque,
    Removed,
    Written,
)
from dockerfix.proof.steps.history import History, history_of
from dockerfix.syntax.dockerfile import Stage
from dockerfix.text import Place, join_path

_DEPTH = 24
_BESIDE = (".wasm", ".d", ".rlib", ".rmeta", ".dll", ".dylib", ".pdb", ".dwp")


class Built(Struct, frozen=True):
    """A cargo command makes it; `before` are the events that come before that command."""

    product: Product
    compilation: Compilation
    certain: bool


class FromContext(Struct, frozen=True):
    """A file of the build context, relative to the root of the repository."""

    path: str


class FromOutside(Struct, frozen=True):
    """A file of another image or of a named context."""

    name: str


class FromCommand(Struct, frozen=True):
    """A file that a known command writes, and the place of its RUN."""

    place: Place


class Undecided(Struct, frozen=True):
    """Reading cannot tell; why, and where known the place."""

    why: str
    place: Place | None = None


class NotMade(Struct, frozen=True):
    """Nothing makes it, though it should be made here; why, and the nearest place."""

    why: str
    place: Place | None = None


Origin = Built | FromContext | FromOutside | FromCommand | Undecided | NotMade


class Origins:
    """Answers for all stages of one Dockerfile; histories are made once."""

    def __init__(self, graph: StageGraph, sources: Sources) -> None:
        self.graph = graph
        self.sources = sources
        self._made: dict[int, tuple[Product, ...] | Unknowable] = {}
        self._compilations: dict[int, Compilation | Unknowable] = {}

    def history(self, stage: Stage) -> History:
        """The stage's history."""
        return history_of(self.graph, stage)

    def origin(self, stage: Stage, path: str) -> Origin:
        """Where `path`, absolute, of the finished stage comes from."""
        events = self.history(stage).events
        return _Search(self, events).path(posixpath.normpath(path), len(events), None, 0)

    def matching(self, stage: Stage, pattern: str) -> tuple[Built, ...]:
        """The programs of the finished stage that a pattern with `*`, `?` or `[` matches."""
        folder, name = posixpath.split(posixpath.normpath(pattern))
        found: dict[str, Built] = {}
        for event in self.history(stage).events:
            made = self.made(self.history(stage).events, event)
            for product in made if isinstance(made, tuple) else ():
                fits = posixpath.dirname(product.path) == folder
                if fits and fnmatch.fnmatchcase(posixpath.basename(product.path), name):
                    origin = self.origin(stage, product.path)
                    if isinstance(origin, Built):
                        found[product.name] = origin
        return tuple(found.values())

    def below(self, stage: Stage, folder: str) -> tuple[Built, ...]:
        """The programs of the finished stage that lie somewhere in a folder."""
        events = self.history(stage).events
        prefix = f"{posixpath.normpath(folder).rstrip('/')}/"
        paths = {path for event in events for path in self._left(events, event)}
        found = {
            path: self.origin(stage, path) for path in sorted(paths) if path.startswith(prefix)
        }
        return tuple(origin for origin in found.values() if isinstance(origin, Built))

    def _left(self, events: tuple[Event, ...], event: Event) -> Iterator[str]:
        """The paths at which an event leaves files that may be programs."""
        made = self.made(events, event)
        yield from (product.path for product in (made if isinstance(made, tuple) else ()))
        if isinstance(event, Carried):
            yield event.destination
            for source in event.sources:
                yield posixpath.join(event.destination, posixpath.basename(source))

    def made(self, events: tuple[Event, ...], event: Event) -> tuple[Product, ...] | Unknowable:
        """What a compilation leaves; nothing for other events and for a cook."""
        if not isinstance(event, Compiled) or event.call.verb == "chef cook":
            return ()
        if id(event) not in self._made:
            found = self.compilation(events, event)
            made = found if isinstance(found, Unknowable) else products(self.sources, found)
            self._made[id(event)] = made
        return self._made[id(event)]

    def compilation(self, events: tuple[Event, ...], event: Compiled) -> Compilation | Unknowable:
        """The workspace that a compilation compiles."""
        if id(event) not in self._compilations:
            before = events[: events.index(event)]
            self._compilations[id(event)] = compilation(self.sources, before, event)
        return self._compilations[id(event)]


class _Search:
    """One question, asked backwards through the events of a stage."""

    def __init__(self, origins: Origins, events: tuple[Event, ...]) -> None:
        self.origins = origins
        self.events = events

    def path(self, path: str, end: int, frame: Frame | None, depth: int) -> Origin:
        """The origin of `path` before event `end`, seen from inside `frame` if any."""
        if depth > _DEPTH:
            return Undecided("too many copies of copies")
        hidden: Compiled | None = None
        for at in range(end - 1, -1, -1):
            event = self.events[at]
            mine = event.frame is frame and frame is not None
            if frame is not None and not mine and frame.mount_over(path) is not None:
                return self.mounted(path, frame, at + 1, depth)
            if not mine and event.frame is not None and event.frame.mount_over(path) is not None:
                if isinstance(event, Compiled) and self.makes(event, path) is not None:
                    hidden = hidden or event
                continue
            found = self.event(event, at, path, depth)
            if found is not None:
                return found
        if frame is not None and frame.mount_over(path) is not None:
            return self.mounted(path, frame, 0, depth)
        return self.nowhere(path, end, hidden)

    def event(self, event: Event, at: int, path: str, depth: int) -> Origin | None:
        """What one event says of the path; None when it does not touch it."""
        if isinstance(event, Compiled):
            return self.makes(event, path)
        if isinstance(event, Carried):
            return self.carried(event, at, path, depth)
        if isinstance(event, Copied):
            return self.copied(event, path, depth)
        if isinstance(event, Written):
            return FromCommand(event.frame.step.place) if event.path == path else None
        if isinstance(event, Removed):
            gone = any(path == p or path.startswith(f"{p.rstrip('/')}/") for p in event.paths)
            place = event.frame.step.place
            return NotMade("it is removed again", place) if gone else None
        return None

    def makes(self, event: Compiled, path: str) -> Origin | None:
        """The product of a compilation at that path."""
        made = self.origins.made(self.events, event)
        if isinstance(made, Unknowable):
            if not looks_like_cargo(path):
                return None
            kind = NotMade if made.fails else Undecided
            return kind(made.why, event.place)
        found = self.origins.compilation(self.events, event)
        for product in made:
            if _is_at(product.path, path) and isinstance(found, Compilation):
                return Built(product, found, event.certain)
            if f"{product.path}.d" == path:
                return FromCommand(event.place)  # what it was made from, for make
        return None

    def carried(self, event: Carried, at: int, path: str, depth: int) -> Origin | None:
        """`cp a b`: the origin of the source, before the command and inside its RUN."""
        moved = event.moves and any(path == source for source in event.sources)
        if moved:
            return NotMade("it is moved away", event.frame.step.place)
        best: Origin | None = None
        for source in _before_copy(path, event.sources, event.destination, event.folder_named):
            if self.in_a_program(source, event, at, depth):
                continue
            origin = self.path(source, at, event.frame, depth + 1)
            if isinstance(origin, Built):
                certain = origin.certain and event.certain
                return Built(origin.product, origin.compilation, certain)
            best = best if isinstance(best, NotMade) else origin
        if best is not None and not event.certain:
            return Undecided("it is copied in a branch", event.frame.step.place)
        return best

    def in_a_program(self, path: str, event: Carried, at: int, depth: int) -> bool:
        """Whether the path would lie below what is copied, which is a program and no folder."""
        above = [source for source in event.sources if path.startswith(f"{source}/")]
        return any(
            isinstance(self.path(source, at, event.frame, depth + 1), Built) for source in above
        )

    def copied(self, event: Copied, path: str, depth: int) -> Origin | None:
        """COPY: another stage's path, or a file of the context if there is one."""
        named = event.destination.endswith("/")
        place = event.step.place
        for source in _before_copy(path, event.sources, event.destination.rstrip("/"), named):
            if isinstance(event.source, Outside):
                return FromOutside(event.source.name)
            if isinstance(event.source, Stage):
                events = self.origins.history(event.source).events
                origin = _Search(self.origins, events).path(
                    _rooted(source), len(events), None, depth + 1
                )
                if not isinstance(origin, Undecided):
                    return origin
                return Undecided(origin.why, origin.place or place)
            where = join_path(self.origins.sources.context, source.lstrip("/") or ".")
            if where is not None and where in self.origins.sources.facts.snapshot:
                return FromContext(where)
        return None

    def mounted(self, path: str, frame: Frame, end: int, depth: int) -> Origin:
        """A path under a mount that nothing in this RUN has written."""
        mount = frame.mount_over(path)
        assert mount is not None  # the caller asked
        if mount.kind in ("cache", "tmpfs"):
            why = f"it is only in a {mount.kind} mount, filled by another RUN or by none"
            return NotMade(why, frame.step.place)
        rest = path[len(mount.target) :].lstrip("/")
        inside = posixpath.normpath(posixpath.join("/", mount.path.lstrip("/"), rest))
        if isinstance(mount.source, Outside):
            return FromOutside(mount.source.name)
        if mount.source is not None:
            events = self.origins.history(mount.source).events
            return _Search(self.origins, events).path(inside, len(events), None, depth + 1)
        where = join_path(self.origins.sources.context, inside.lstrip("/") or ".")
        if where is not None and where in self.origins.sources.facts.snapshot:
            return FromContext(where)
        return Undecided("it comes from a mount of the context", frame.step.place)

    def nowhere(self, path: str, end: int, hidden: Compiled | None) -> Origin:
        """No event makes it: a cargo path is a fault, any other may be the base image's."""
        if hidden is not None:
            why = "it is made in a cache mount, which is not in the image: copy it in the same RUN"
            return NotMade(why, hidden.place)
        if path.endswith(_BESIDE):
            return Undecided("what cargo leaves beside programs is not followed")
        events = self.events[:end]
        compiled = [event for event in events if isinstance(event, Compiled)]
        if not (
            looks_like_cargo(path) or path in set(_cooked(self.origins, self.events, compiled))
        ):
            return Undecided("it is made by commands that reading does not follow, or by the base")
        opaque = [event for event in events if isinstance(event, Opaque)]
        if opaque:
            return Undecided(f"`{opaque[-1].text}` may make it", opaque[-1].place)
        for event in reversed(compiled):
            if event.call.verb != "chef cook":
                words = " ".join(word.written for word in event.call.command.words)
                return NotMade(f"`{words}` does not select it", event.place)
        if compiled:
            why = "only a cook runs here, and a cook leaves an empty program in its place"
            return NotMade(why, compiled[-1].place)
        return NotMade("no cargo build runs in its stage")


def _cooked(origins: Origins, events: tuple[Event, ...], compiled: list[Compiled]) -> Iterator[str]:
    """The paths at which the cooks and builds would leave the workspace's programs."""
    for event in compiled:
        found = origins.compilation(events, event)
        if isinstance(found, Compilation):
            for folder in output_folders(origins.sources, found):
                for binary in found.workspace.binaries:
                    yield posixpath.join(folder, binary.name)


def _is_at(made: str, path: str) -> bool:
    """Whether a path names what is made, by its own path or with patterns for its folders, as
    in `target/*/release/api`."""
    if made == path or "*" not in posixpath.dirname(path):
        return made == path
    parts, patterns = made.split("/"), path.split("/")
    return len(parts) == len(patterns) and all(map(fnmatch.fnmatchcase, parts, patterns))


def _rooted(path: str) -> str:
    """`--from` counts from the root of the other stage, with or without a slash."""
    return posixpath.normpath("/" + path.lstrip("/"))


def _before_copy(
    path: str, sources: tuple[str, ...], destination: str, folder_named: bool
) -> Iterator[str]:
    """The paths that become `path` when the sources are copied to the destination."""
    destination = destination or "/"
    for source in sources:
        name = posixpath.basename(source.rstrip("/"))
        globbed = any(char in name for char in "*?[")
        if path == destination and not folder_named and not globbed:
            yield source
        inside = destination.rstrip("/") + "/"
        if not path.startswith(inside):
            continue
        rest = path[len(inside) :]
        first, _, deeper = rest.partition("/")
        if globbed:
            if fnmatch.fnmatchcase(first, name):
                yield posixpath.join(posixpath.dirname(source), rest)
            continue
        if first == name:
            yield posixpath.join(source, deeper) if deeper else source
        yield posixpath.join(source, rest)
