"""Names of the merged file and of its targets. Knows paths."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.api import Copy, is_within, join_path
from dockerfix_transforms.merge_rust.read.input_file import InputFile


class Home(Struct, frozen=True):
    """What the files of a merge compile: the folder of it, and the folders of its parts."""

    folder: str
    parts: tuple[str, ...] = ()


def is_plain(path: str) -> bool:
    """Whether a build of the folder without `--file` takes this file."""
    return posixpath.basename(path) in ("Dockerfile", "Containerfile")


def _usual_name(listed: Sequence[str]) -> str:
    """`all.Dockerfile` where all inputs are an `x.Dockerfile`, else `Dockerfile.all`."""
    names = [posixpath.basename(path) for path in listed]
    for end in (".Dockerfile", ".dockerfile"):
        if names and all(name.endswith(end) for name in names):
            return f"all{end}"
    return "Dockerfile.all"


def is_merged(path: str, into: str) -> bool:
    """Whether a Dockerfile is called as a merged file would be; `into` is the name asked for."""
    names = {"Dockerfile.all", "all.Dockerfile", "all.dockerfile", posixpath.basename(into)}
    return not is_plain(path) and posixpath.basename(path) in names


def merged_path(home: Home, listed: Sequence[str], into: str) -> str:
    """Beside the inputs when they stand in one folder, in the folder above theirs when that is
    kept for images, else at the root of what is compiled; without a name of its own, named in the
    manner of the inputs."""
    into = into or _usual_name(listed)
    if "/" in into:
        return join_path("", into) or into
    others = [path for path in listed if posixpath.basename(path) != into]
    folders = {posixpath.dirname(path) for path in others or listed}
    above = posixpath.commonpath(folders) if folders and "" not in folders else ""
    sources = any(is_within(part, above) for part in home.parts)
    alone = len(folders) == 1 or (above and not sources)
    folder = above if alone else home.folder
    return posixpath.join(folder, into)


def told_apart(files: Sequence[InputFile]) -> Iterator[InputFile]:
    """The files with a name of its own for each: of several that ship one binary, the plain
    `Dockerfile` or the one that is called like it keeps the binary's name, and others go by
    what their files are called; so do those of which a build argument chooses what they ship."""
    files = [replace(file, binary=_label(file.path)) if _chooses(file) else file for file in files]
    taken = Counter(name.lower() for file in files for name in _names(file))
    for file in files:
        same = [other for other in files if other.binary == file.binary]
        plain = [f for f in same if is_plain(f.path) and posixpath.dirname(f.path) == f.context]
        called = [other for other in same if _label(other.path) == file.binary]
        if file is next(iter([*plain, *called, *same])):
            yield file
            continue
        label = _label(file.path)
        speaks = bool(_words(label) & _words(file.binary)) and taken[label.lower()] == 1
        begins = label.startswith(f"{file.binary}-")
        yield replace(file, binary=label if begins or speaks else f"{file.binary}-{label}")


def _chooses(file: InputFile) -> bool:
    """Whether an image takes one of several programs, by an argument in a path."""
    copies = (
        item
        for leaf in file.live_leaves
        for item in leaf.stage.instructions
        if isinstance(item, Copy) and item.from_ is not None
    )
    named = any("$" in word.value for item in copies for word in item.sources)
    return named and len(file.shipped) > 1 and not is_plain(file.path)


def _names(file: InputFile) -> set[str]:
    """What a file calls its images, and what it is called."""
    stages = (stage.name for stage in file.graph.stages if stage.name)
    return {file.binary, _label(file.path), *stages}


def _words(name: str) -> set[str]:
    return set(re.split(r"[-_]", name))


def _label(path: str) -> str:
    """What tells a Dockerfile from others: `x` of `Dockerfile.x`, `x.Dockerfile` and
    `x/Dockerfile`."""
    folder, name = posixpath.split(path)
    parts = [
        part
        for part in re.split(r"[._]", name)
        if not re.search(r"(?i)(docker|container)file", part)
    ]
    return "-".join(parts) or posixpath.basename(folder) or "image"
