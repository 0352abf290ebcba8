"""Documents that tell people to run Compose: which version they need from now on.

Knows Markdown's blocks as far as a place below one; knows nothing of builds.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from dockerfix.api import Edit, Edits, Facts, SnapshotError, Source, Span

COMPOSE_VERSION = "2.37"
"""The oldest Compose that was seen to build `additional_contexts: service:NAME`."""

_COMMANDS = (b"docker compose ", b"docker-compose ")


def compose_notes(facts: Facts, changed: Iterable[str]) -> Edits:
    """A sentence below the first Compose command of each Markdown document that lies beside one
    of the `changed` Compose files."""
    edits: Edits = []
    folders = {posixpath.dirname(path) for path in changed}
    for path in facts.snapshot.paths:
        beside = posixpath.dirname(path) in folders
        if not beside or not path.lower().endswith((".md", ".markdown")):
            continue
        try:
            source = facts.snapshot.source(path)
        except SnapshotError:
            continue
        if f"Compose {COMPOSE_VERSION}".encode() in source.data:
            continue
        at = next(_block_ends(source), None)
        if at is not None:
            newline = source.newline.bytes.decode()
            ended = source.data[at - 1 : at] == b"\n"
            text = f"{newline}This needs Docker Compose {COMPOSE_VERSION} or newer.{newline}"
            edits.append((path, Edit(Span(at, at), (("" if ended else newline) + text).encode())))
    return edits


def _block_ends(source: Source) -> Iterator[int]:
    """Where the code blocks end that run Compose: behind the closing fence, or behind the
    last indented line."""
    fence = b""
    runs = False
    end = 0
    for start in source.line_starts:
        if start >= len(source.data):
            break
        line = source.line_of(start)
        text = source.slice(line)
        stripped = text.strip()
        if fence:
            runs = runs or any(command in text for command in _COMMANDS)
            if stripped.startswith(fence):
                fence = b""
                if runs:
                    yield line.end
                runs = False
        elif stripped.startswith((b"```", b"~~~")):
            fence = stripped[:3]
        elif text.startswith((b"    ", b"\t")) and stripped:
            runs = runs or any(command in text for command in _COMMANDS)
            end = line.end
        elif runs:
            yield end
            runs = False
    if runs and end:
        yield end
