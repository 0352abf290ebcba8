"""Where a COPY puts what it takes, and from which folder of the image a package is seen.

Follows the rules of COPY: a folder's contents land in the destination, a file lands below a
destination that ends in a slash or takes several sources, else it gets its name. Knows one
instruction; knows no image.
"""

from __future__ import annotations

import posixpath

from dockerfix.api import Copy, Snapshot


def landing(snapshot: Snapshot, item: Copy, path: str, folder: str) -> str:
    """The path in the image, absolute, of what one source of a COPY takes.

    `path` is the source relative to the root of the repository; of a pattern its last part
    counts. `folder` is the working directory of the instruction.
    """
    destination = item.destination.value if item.destination is not None else "."
    place = posixpath.normpath(posixpath.join(folder, destination))
    below = destination.endswith(("/", "/.")) or destination in (".", "") or len(item.sources) > 1
    is_file = path in snapshot or any(sign in posixpath.basename(path) for sign in "*?[")
    return posixpath.join(place, posixpath.basename(path)) if is_file and below else place


def seen_from(place: str, inner: str) -> str | None:
    """The folder that holds a package when its part `inner` (relative; empty for the whole)
    lands at `place`; None when the part has another name there."""
    if not inner:
        return place
    tail = "/" + inner
    return (place[: -len(tail)] or "/") if place.endswith(tail) else None
