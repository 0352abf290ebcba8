"""Where the instructions of a stage run, and what COPY brings where, by absolute paths.

`/w` and `/w/` are one folder, and `COPY a b`, `COPY ./a ./b` and `COPY /a /w/b` are one copy:
two texts that differ in spelling alone mean the same. Follows WORKDIR through the stages below;
a folder that only the base image knows stays relative. Knows paths; knows no file's contents.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.facts.trees.globs import BadPatternError, has_wildcard, match
from dockerfix.syntax.dockerfile import Copy, Instruction, Stage

IsFolder = Callable[[str], bool]
"""Whether a path, relative to the build context, is a folder of it, or a pattern that matches
one."""


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
        _meet(a.split("/"), b.split("/"))
        for a in _written(one, is_folder)
        for b in _written(other, is_folder)
    )


def _written(copy: Placed, is_folder: IsFolder) -> list[str]:
    """The paths that a copy may write, with the wildcards of their names: the files named in
    the destination where all sources are single files, else all of the destination."""
    files = copy.keyword == "COPY" and not any(
        is_folder(source) or "$" in source or has_wildcard(posixpath.dirname(source))
        for source in copy.sources
    )
    if copy.destination.endswith("/") and files:
        return [posixpath.join(copy.target, posixpath.basename(s)) for s in copy.sources]
    return [copy.target]


def sources_of(copy: Placed, path: str, is_folder: IsFolder) -> Iterator[str]:
    """The paths of the context from which a COPY may bring the absolute `path`, as far as it
    says so: nothing for one with wildcards, or with a flag that leaves files out."""
    if copy.keyword != "COPY" or {"exclude", "parents"} & {name for name, _ in copy.flags}:
        return
    for source in copy.sources:
        if any(sign in source for sign in "*?[$"):
            continue
        if source == "." or is_folder(source):
            if within(path, copy.target):
                yield joined(source, path[len(copy.target) :].lstrip("/")).removeprefix("./")
        elif path == (
            joined(copy.target, posixpath.basename(source))
            if copy.destination.endswith("/")
            else copy.target
        ):
            yield source


def _meet(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two paths, in parts of which each may be a pattern, may be the same, or one of
    them the folder of the other."""
    return all(_alike(first, second) for first, second in zip(one, other, strict=False))


def _alike(one: str, other: str) -> bool:
    """Whether two names may be the same; two patterns may always be."""
    if has_wildcard(one) == has_wildcard(other):
        return one == other or has_wildcard(one)
    pattern, name = (one, other) if has_wildcard(one) else (other, one)
    try:
        return match(pattern, name)
    except BadPatternError:
        return True


def within(path: str, folder: str) -> bool:
    """Whether a path is the folder, or lies in it."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
