"""Values that a snapshot assigns to variables, wherever: what `${TARGET}` can be.

Knows where assignments stand; knows nothing of what reads them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from dockerfix.facts.gitlab.pipeline import Pipeline
from dockerfix.facts.model import MAX_BYTES, Build
from dockerfix.facts.shell.words import default_values
from dockerfix.text import Place, Snapshot, SnapshotError, Source, Span


class Assigned(Struct, frozen=True):
    """A value that the snapshot assigns to a variable, and where."""

    text: str
    place: Place


def assigned_values(
    snapshot: Snapshot,
    pipeline: Pipeline | None,
    builds: Iterable[Build],
    scripts: Mapping[str, Mapping[str, Place]],
) -> dict[str, tuple[Assigned, ...]]:
    """By variable: what the pipeline, `${NAME:-default}` in builds, scripts and `.env` files
    give it."""
    found: dict[str, list[Assigned]] = {}
    for name, assigned in (
        *_pipeline(pipeline), *_defaults(builds), *_scripts(scripts), *_environments(snapshot),
    ):  # fmt: skip
        found.setdefault(name, []).append(assigned)
    return {name: tuple(values) for name, values in found.items()}


def _pipeline(pipeline: Pipeline | None) -> Iterator[tuple[str, Assigned]]:
    if pipeline is None:
        return
    for name, scalar in pipeline.assigned():
        yield name, Assigned(scalar.text, scalar.file.source.place(scalar.span))


def _defaults(builds: Iterable[Build]) -> Iterator[tuple[str, Assigned]]:
    for build in builds:
        for value in (build.target, build.dockerfile_written, build.context_written):
            if value is not None and value.place is not None:
                texts = dict.fromkeys((value.text, value.written))
                for name, default in (pair for text in texts for pair in default_values(text)):
                    yield name, Assigned(default, value.place)


def _scripts(scripts: Mapping[str, Mapping[str, Place]]) -> Iterator[tuple[str, Assigned]]:
    for name, values in scripts.items():
        for text, place in values.items():
            yield name, Assigned(text, place)


def _environments(snapshot: Snapshot) -> Iterator[tuple[str, Assigned]]:
    for path in snapshot.paths:
        if ".env" not in path:
            continue
        name = posixpath.basename(path)
        if (name.startswith(".env") and name != ".envrc") or name.endswith(".env"):
            yield from _environment(snapshot, path)


def environment_beside(snapshot: Snapshot, folder: str) -> dict[str, str]:
    """What the `.env` of a folder sets."""
    path = posixpath.join(folder, ".env")
    found = _environment(snapshot, path) if path in snapshot else ()
    return {name: assigned.text for name, assigned in found}


def _environment(snapshot: Snapshot, path: str) -> Iterator[tuple[str, Assigned]]:
    try:
        if snapshot.entries[path].size > MAX_BYTES:
            return
        source = Source(path, snapshot.peek(path))
    except SnapshotError:
        return
    for start in source.line_starts:
        line = source.line_of(start) if start < len(source.data) else Span(start, start)
        name, equals, value = source.text(line).strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            yield name.strip(), Assigned(value.strip().strip("\"'"), source.place(line))
