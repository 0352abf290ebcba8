"""A file system in memory: what COPY reads from and writes to.

Folders hold leaves; a leaf says where its bytes come from and never holds them. A folder may
also hold things that reading cannot know (what a base image brings, what a RUN makes): they
are named, so that "is not there" and "may be there" stay two answers. Knows paths and links;
knows no Dockerfile.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec import Struct

from dockerfix.facts.trees import globs

_MAX_LINKS = 255


class FromContext(Struct, frozen=True):
    """A file of a build context; `path` is relative to the root of the repository."""

    path: str


class LinkFromContext(Struct, frozen=True):
    """A symbolic link of a build context and what it points to, as written."""

    path: str
    target: str


class Inline(Struct, frozen=True):
    """A heredoc's text, variables expanded where the heredoc is."""

    name: str
    text: str


class FromAddress(Struct, frozen=True):
    """What ADD fetches: a file of a web address, or the contents of a Git repository."""

    address: str


class Unpacked(Struct, frozen=True):
    """The contents of an archive of the context that ADD unpacks."""

    path: str


class Unwalked(Struct, frozen=True):
    """What lies in a folder of the repository that the snapshot did not walk."""

    path: str


class StageRef(Struct, frozen=True):
    """A stage of a Dockerfile, by its index from 0; in the build of an image, with its name."""

    dockerfile: str
    index: int
    image: str = ""


class ImageRef(Struct, frozen=True):
    """An image, or a named context, by the text that names it."""

    name: str


class Repository(Struct, frozen=True):
    """The repository itself, where a folder was not walked."""


class Elsewhere(Struct, frozen=True):
    """What another stage or an image has at a path, as far as reading cannot know it.

    Stands for a file or a folder; in a folder's `unknown` for what else that folder has.
    """

    source: StageRef | ImageRef | Repository
    path: str


class MadeByRun(Struct, frozen=True):
    """What the RUN instructions of a stage leave anywhere in it."""

    stage: StageRef


Leaf = FromContext | LinkFromContext | Inline | FromAddress | Elsewhere
Unknown = Unpacked | Unwalked | FromAddress | Elsewhere | MadeByRun | ImageRef


class Folder:
    """Named children, and what else it may hold.

    Folders are shared between trees and copied when a `Layer` that does not own them writes
    to them; nothing else changes one.
    """

    __slots__ = ("children", "owner", "unknown")

    def __init__(
        self,
        children: dict[str, Node] | None = None,
        unknown: tuple[Unknown, ...] = (),
        owner: object = None,
    ) -> None:
        self.children: dict[str, Node] = {} if children is None else children
        self.unknown = unknown
        self.owner = owner

    def owned(self, owner: object) -> Folder:
        """This folder when `owner` made it, else a copy that belongs to `owner`."""
        if self.owner is owner:
            return self
        return Folder(dict(self.children), self.unknown, owner)

    def also(self, unknown: Iterable[Unknown]) -> None:
        """Add to what the folder may hold, each thing once."""
        self.unknown = tuple(dict.fromkeys((*self.unknown, *unknown)))


Node = Folder | Leaf


class Found(NamedTuple):
    """The outcome of a look-up.

    `path` is absolute and free of links. `node` is None when nothing is known to be there;
    `certain` then says whether that means absence, or only that it cannot be known.
    """

    path: str
    node: Node | None
    certain: bool


class TooManyLinksError(Exception):
    """Symbolic links that lead round in a circle, or more than 255 of them."""


def look_up(root: Folder, path: str) -> Found:
    """The node at a path, every symbolic link followed and kept inside of `root`.

    A path that does not exist comes back as far as its links lead, as in continuity's
    `fs.RootPath`. Raises `TooManyLinksError`.
    """
    waiting = path.split("/")[::-1]
    trail: list[tuple[str, Node | None]] = [("", root)]
    certain, links = not root.unknown, 0
    while waiting:
        name = waiting.pop()
        if name in ("", "."):
            continue
        if name == "..":
            trail = trail[:-1] or trail
            continue
        node = child(trail[-1][1], name)
        if isinstance(node, LinkFromContext):
            links += 1
            if links > _MAX_LINKS:
                raise TooManyLinksError(path)
            waiting += node.target.split("/")[::-1]
            trail = trail[:1] if node.target.startswith("/") else trail
            continue
        trail.append((name, node))
    for _, node in trail:
        if isinstance(node, Elsewhere) or (isinstance(node, Folder) and node.unknown):
            certain = False
    return Found("/" + "/".join(name for name, _ in trail[1:]), trail[-1][1], certain)


def child(node: Node | None, name: str) -> Node | None:
    """The child of a folder; None for anything else."""
    return node.children.get(name) if isinstance(node, Folder) else None


class NoSuchPathError(Exception):
    """A path that must be there and is not."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def expand(root: Folder, pattern: str) -> tuple[list[str], bool]:
    """The paths that a COPY source with wildcards stands for, in BuildKit's order, and whether
    these are certainly all.

    The part before the first wildcard is followed through links; below it links are entries
    like any other and are not entered. Raises `NoSuchPathError` when that first part does not
    exist, `BadPatternError`, `TooManyLinksError`. Follows fsutil's `ResolveWildcards`.
    """
    parts = posixpath.normpath("/" + pattern.lstrip("/")).lstrip("/").split("/")
    first = next((n for n, part in enumerate(parts) if globs.has_wildcard(part)), len(parts))
    start = look_up(root, "/".join(parts[:first]))
    rest = "/".join(parts[first:])
    globs.match(rest, "")  # malformed patterns are errors even where nothing is tried
    if start.node is None and start.certain:
        raise NoSuchPathError(start.path)
    if not isinstance(start.node, Folder):
        return [], start.certain
    found = [posixpath.join(start.path, path) for path in _matches(start.node, rest)]
    return found, start.certain


def _matches(folder: Folder, pattern: str) -> Iterator[str]:
    if "[" in pattern or "\\" in pattern:  # a bracket may match a slash: try every path
        yield from _walk_matches(folder, pattern, "")
        return
    head, slash, tail = pattern.partition("/")
    for name in sorted(folder.children):
        if not globs.match(head, name):
            continue
        node = folder.children[name]
        if not slash:
            yield name
        elif isinstance(node, Folder):
            yield from (f"{name}/{path}" for path in _matches(node, tail))


def _walk_matches(folder: Folder, pattern: str, prefix: str) -> Iterator[str]:
    for name in sorted(folder.children):
        node = folder.children[name]
        if globs.match(pattern, prefix + name):
            yield prefix + name
        elif isinstance(node, Folder):
            yield from _walk_matches(node, pattern, f"{prefix}{name}/")


def leaves(folder: Folder, prefix: str = "") -> Iterator[tuple[str, Leaf]]:
    """All leaves below a folder with their paths, in the order of their names."""
    for name in sorted(folder.children):
        node = folder.children[name]
        if isinstance(node, Folder):
            yield from leaves(node, f"{prefix}{name}/")
        else:
            yield prefix + name, node


def folders(folder: Folder, prefix: str = "") -> Iterator[tuple[str, Folder]]:
    """All folders below a folder with their paths, in the order of their names."""
    for name in sorted(folder.children):
        node = folder.children[name]
        if isinstance(node, Folder):
            yield prefix + name, node
            yield from folders(node, f"{prefix}{name}/")
