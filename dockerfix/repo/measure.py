"""Everything below a folder with its size, as a build would send it.

Unlike the snapshot it looks into `node_modules`, `.git` and build output too, since a builder
is sent what is there. Knows the disk; knows no ignore file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dockerfix.text import Entry, Kind


def measure(root: Path, folder: str) -> Iterator[tuple[str, Entry]]:
    """Every file and symbolic link below `folder`, paths relative to the root.

    A folder that this user may not list is left out, as is what vanishes meanwhile; sockets,
    pipes and devices are no content.
    """
    top = os.fspath(root.resolve())
    waiting = [folder]
    while waiting:
        at = waiting.pop()
        prefix = f"{at}/" if at else ""
        for item in _listed(f"{top}/{at}"):
            path = prefix + item.name
            try:
                if item.is_symlink():
                    link = os.readlink(item.path)  # noqa: PTH115 (a Path would tidy what is written)
                    yield path, Entry(Kind.SYMLINK, 0o777, 0, link)
                elif item.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif item.is_file(follow_symlinks=False):
                    yield path, Entry(Kind.FILE, size=item.stat(follow_symlinks=False).st_size)
            except OSError:
                continue  # it vanished while we walked


def _listed(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []
