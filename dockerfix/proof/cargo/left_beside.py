"""Folders that cargo fills with more than programs: what it downloads, and what it compiles of each
crate. An image that copies one whole ships what every build of the stage leaves there.

Follows "Cargo Home" and "Build Cache" of the Cargo book. Knows folders and calls of cargo; knows no
obligation.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator

from dockerfix.proof.cargo.artefact_produced import Shipped, made_in, shipped
from dockerfix.proof.cargo.crates import Compilation, output_folders
from dockerfix.proof.cargo.origins import Built, FromContext, FromOutside, Origins
from dockerfix.proof.cargo.taken_whole import taken_whole
from dockerfix.proof.steps.events import Compiled
from dockerfix.syntax.dockerfile import Stage

_DOWNLOADED = ("registry", "git")
_COMPILED = ("build", "deps", ".fingerprint", "incremental")
_HOME = "/usr/local/cargo"
_OF_ONE = 3
"""How far below `registry` or `git` a path names a single crate (`src/INDEX/CRATE`)."""


def more_beside(before: tuple[Origins, Stage], after: tuple[Origins, Stage]) -> Iterator[str]:
    """Lines that say which copied folders hold other things than before, since other calls of
    cargo fill them."""
    known = {item.path: _calls(before[0], item.stage) for item in shipped(*before)}
    for item in shipped(*after):
        if _calls(after[0], item.stage) == known.get(item.path):
            continue
        for folder, depth in _filled(after[0], item.stage):
            if _brings(item.path, folder, depth):
                yield f"{item.place}: {item.path} takes what others leave in {folder} too"
                break
        origin = after[0].origin(item.stage, item.path)
        if not isinstance(origin, Built | FromContext | FromOutside):
            yield from _by_runs(before, after[0], item)


def _by_runs(before: tuple[Origins, Stage], after: Origins, item: Shipped) -> Iterator[str]:
    """A RUN that takes all programs of a stage of which other ones are compiled than before."""
    old = {name for part in shipped(*before) for name in made_in(before[0], part.stage)}
    other = made_in(after, item.stage) ^ frozenset(old)
    for place in taken_whole(after, item.stage, other) if other else ():
        yield f"{place}: it takes what is compiled for others too, and {item.path} may hold that"


def _compiled(origins: Origins, stage: Stage) -> list[Compiled]:
    events = origins.history(stage).events
    return [event for event in events if isinstance(event, Compiled)]


def _calls(origins: Origins, stage: Stage) -> list[str]:
    """What cargo is asked for in a stage."""
    calls = (event.call.command.words for event in _compiled(origins, stage))
    return [" ".join(word.written for word in words) for words in calls]


def _filled(origins: Origins, stage: Stage) -> Iterator[tuple[str, int]]:
    """The folders that the calls of a stage fill, and how far below them a path is one crate's;
    what a mount holds is gone."""
    events = origins.history(stage).events
    for event in _compiled(origins, stage):
        home = event.variables.get("CARGO_HOME") or _HOME
        folders = [(posixpath.join(event.folder, home, name), _OF_ONE) for name in _DOWNLOADED]
        found = origins.compilation(events, event)
        if isinstance(found, Compilation) and event.call.verb != "install":
            made = output_folders(origins.sources, found)
            folders += [(posixpath.join(path, name), 1) for path in made for name in _COMPILED]
        yield from (held for held in folders if event.frame.mount_over(held[0]) is None)


def _brings(path: str, folder: str, depth: int) -> bool:
    """Whether a copied path, which may be a pattern, takes more of a folder than one crate's."""
    parts, names = _parts(path), _parts(folder)
    if not all(map(fnmatch.fnmatchcase, names, parts)):
        return False
    below = parts[len(names) :]
    return len(below) < depth or "*" in below[:depth]


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]
