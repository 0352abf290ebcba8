"""Which Dockerfiles a merge is about: those that build the workspace.

Knows builds and paths; reads no instruction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dockerfix.api import Facts, SnapshotError, is_within, links_to, triggers_of


def candidates(
    facts: Facts,
    folder: str,
    given: Sequence[str],
    folders: Sequence[str] = (),
    mentions: Callable[[Facts, str], bool] | None = None,
) -> list[str]:
    """The Dockerfiles of a call: the given ones, and those that build the workspace at
    `folder`; of these only what lies in `folders` where none of them holds it.

    A Dockerfile builds the workspace when a build passes the workspace (or a folder above it)
    as its context, or when no build uses it and it stands in the workspace, or beside it; and
    when it `mentions` the compiler, which is cargo if nothing is said.
    """
    if given and not folders:
        return list(given)
    mentions = mentions or _mentions_cargo
    used = {b.dockerfile for b in facts.builds.builds if b.dockerfile}
    found = []
    for path in sorted({*facts.dockerfiles, *(p for p in used if p in facts.snapshot)}):
        given_to = (b.context for b in facts.builds.builds if b.dockerfile == path)
        contexts = [context for context in given_to if context is not None]
        inside = path.startswith(f"{folder}/") if folder else True
        known = any(is_within(folder, context) for context in contexts)
        wanted = known if contexts else inside
        if wanted and mentions(facts, path):
            found.append(path)
    parts = [part for part in folders if not is_within(folder, part)]
    if len(parts) == len(folders):
        below = [path for path in found if any(path.startswith(f"{part}/") for part in parts)]
        found = below or ([] if given else found)
    # A link to one of them is no Dockerfile of its own: it weighs as a place that names the file.
    links = {link for link, path in links_to(facts.snapshot, found)}
    found = [path for path in found if path not in links]
    return list(dict.fromkeys([*given, *found]))


def _mentions_cargo(facts: Facts, path: str) -> bool:
    """Whether a file names cargo or its target folder, or ONBUILD of a base image of ours cargo."""
    try:
        data = facts.snapshot.read(path)
        if b"cargo" in data or b"target/" in data:
            return True
        graph = facts.stages(path)
    except SnapshotError:
        return False
    outside = (graph.image(stage) for stage in graph.stages if graph.base(stage) is None)
    return any("cargo" in item.text for image in outside for item in triggers_of(facts, image))
