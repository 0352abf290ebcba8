"""Where the instructions of a stage run, and what COPY brings where, by absolute paths.

`/w` and `/w/` are one folder, and `COPY a b`, `COPY ./a ./b` and `COPY /a /w/b` are one copy:
two texts that differ in spelling alone mean the same. Follows WORKDIR through the stages below;
a folder that only the base image knows stays relative. Knows paths; knows no file's contents.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping

from msgspec import Struct

from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.syntax.dockerfile import Copy, Instruction, Stage

IsFolder = Callable[[str], bool]
"""Whether a path, relative to the build context, is a folder of it."""


class Placed(Struct, frozen=True):
    """A COPY or ADD: its keyword, flags but for `--from`, the sources without `./` and slashes
    around them, and the absolute destination.

    `destination` ends with a slash when it is a folder into which single files go.
    """

    keyword: str
    flags: tuple[tuple[str, str | None], ...]
    sources: tuple[str, ...]
    destination: str

    @property
    def target(self) -> str:
        """The destination without its slash."""
        return self.destination.rstrip("/") or "/"


def joined(folder: str, path: str) -> str:
    """`path` seen from `folder`; relative when neither is absolute."""
    return posixpath.normpath(posixpath.join(folder, path)).replace("//", "/")


def folders(graph: StageGraph, stage: Stage) -> Mapping[int, str]:
    """The folder in which each instruction of a stage runs, by its number in the stage, and
    under `len(stage.instructions)` the one that the stage ends in."""
    where = ""
    for lower in graph.chain(stage)[:-1]:
        for item in lower.instructions:
            where = _after(item, where)
    found = {}
    for number, item in enumerate(stage.instructions):
        found[number] = where
        where = _after(item, where)
    found[len(stage.instructions)] = where
    return found


def _after(item: Instruction, where: str) -> str:
    if item.keyword == "WORKDIR" and item.words:
        return joined(where, item.words[0].value)
    return where


def placed(item: Copy, where: str, is_folder: IsFolder | None = None) -> Placed | None:
    """A COPY or ADD that runs in the folder `where`; None when it brings a heredoc, or has no
    destination."""
    destination = item.destination
    if item.heredocs or destination is None or not item.sources:
        return None
    sources = tuple(joined("/", word.value).lstrip("/") or "." for word in item.sources)
    flags = ((flag.name, flag.value) for flag in item.flags if flag.name != "from")
    end = joined(where, destination.value)
    written = destination.value
    named = len(sources) > 1 or written.endswith("/") or written in (".", "..", "/")
    one = sources[0] == "." or item.sources[0].value.endswith("/")
    local = item.from_ is None and is_folder is not None and is_folder(sources[0])
    if len(sources) == 1 and (one or local):
        named = False  # a folder's contents go to the destination, with a slash or without
    return Placed(
        item.keyword,
        tuple(sorted(flags, key=lambda pair: pair[0])),
        sources,
        f"{end.rstrip('/')}/" if named else end,
    )


def apart(one: Placed, other: Placed, is_folder: IsFolder) -> bool:
    """Whether two copies write to places of which neither lies in the other, so that their
    order does not matter."""
    return not any(
        within(a, b) or within(b, a)
        for a in _written(one, is_folder)
        for b in _written(other, is_folder)
    )


def _written(copy: Placed, is_folder: IsFolder) -> list[str]:
    """The paths that a copy may write: the files named in the destination where all sources
    are single files, else all of the destination."""
    files = copy.keyword == "COPY" and not any(
        is_folder(source) or any(sign in source for sign in "*?[$") for source in copy.sources
    )
    if copy.destination.endswith("/") and files:
        return [posixpath.join(copy.target, posixpath.basename(s)) for s in copy.sources]
    return [copy.target]


def within(path: str, folder: str) -> bool:
    """Whether a path is the folder, or lies in it."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
