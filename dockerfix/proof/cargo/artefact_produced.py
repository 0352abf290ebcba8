"""Checks *artefact produced*: what an image copies out of a stage is made there.

For cargo to the letter: the program must be among those that a `cargo build` of the stage
selects, at the path where cargo leaves it, and not only in a cache mount. What unknown
commands make cannot be decided and is listed so. Knows which paths an image copies.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from msgspec import Struct

from dockerfix.facts.repository import Facts
from dockerfix.proof.cargo.crates import Sources, context_of, looks_like_cargo
from dockerfix.proof.claims import ArtefactProduced, Image, Verdict
from dockerfix.proof.image.chain import NoSuchImageError, find_stage
from dockerfix.proof.image.environment import unknown
from dockerfix.proof.image.history import Carried, Copied, Event
from dockerfix.proof.image.origins import Built, NotMade, Origin, Origins, Undecided
from dockerfix.syntax.dockerfile import Stage
from dockerfix.text import Place


class Shipped(Struct, frozen=True):
    """A path that the image takes out of a stage, and the place that takes it."""

    path: str
    stage: Stage
    place: Place


def check(claim: ArtefactProduced, before: Facts, after: Facts) -> Verdict:
    """Whether each copied path is made; what cannot be decided is a difference."""
    statement = f"what {claim.after} copies from other stages is made there"
    try:
        graph, stage = find_stage(after, claim.after)
    except NoSuchImageError as error:
        return Verdict(statement, (), (str(error),))
    origins = Origins(graph, Sources(after, context_of(after, claim.after.dockerfile)))
    differences: list[str] = []
    failures: list[str] = []
    for item in shipped(origins, stage):
        for origin in _origins(origins, item):
            line = f"{item.place}: {item.path} of {_named(item.stage)}"
            if isinstance(origin, NotMade):
                where = f" ({origin.place})" if origin.place is not None else ""
                failures.append(f"{line}: {origin.why}{where}")
            elif isinstance(origin, Undecided):
                where = f" ({origin.place})" if origin.place is not None else ""
                differences.append(f"not-decided: {line}: {origin.why}{where}")
            elif isinstance(origin, Built) and not origin.certain:
                differences.append(f"not-decided: {line}: it is built in a branch")
    return Verdict(statement, tuple(dict.fromkeys(differences)), tuple(dict.fromkeys(failures)))


def shipped(origins: Origins, stage: Stage) -> Iterator[Shipped]:
    """The paths that a stage's chain copies out of other stages, by COPY or through a
    mount."""
    for event in origins.history(stage).events:
        yield from _taken(event)


def _taken(event: Event) -> Iterator[Shipped]:
    if isinstance(event, Copied) and isinstance(event.source, Stage):
        for path in event.sources:
            absolute = posixpath.normpath(f"/{path.lstrip('/')}")
            yield Shipped(absolute, event.source, event.step.place)
    elif isinstance(event, Carried):
        for path in event.sources:
            mount = event.frame.mount_over(path)
            if mount is not None and isinstance(mount.source, Stage):
                inside = posixpath.join("/", mount.path.lstrip("/"))
                rest = path[len(mount.target) :].lstrip("/")
                place = event.frame.step.place
                yield Shipped(posixpath.normpath(posixpath.join(inside, rest)), mount.source, place)


def _origins(origins: Origins, item: Shipped) -> tuple[Origin, ...]:
    if unknown(item.path):
        return (Undecided("the path holds a variable"),)
    if any(char in posixpath.basename(item.path) for char in "*?["):
        found = origins.matching(item.stage, item.path)
        if found:
            return found
        if looks_like_cargo(item.path):
            return (NotMade("no program that is built matches the pattern"),)
        return (Undecided("a pattern"),)
    return (origins.origin(item.stage, item.path),)


def programs(facts: Facts, image: Image) -> tuple[Origins, tuple[Built, ...], tuple[str, ...]]:
    """The cargo programs that an image ships: copied from other stages, or built in its own
    chain; with the paths about which nothing can be said. Raises `NoSuchImageError`."""
    graph, stage = find_stage(facts, image)
    origins = Origins(graph, Sources(facts, context_of(facts, image.dockerfile)))
    found: dict[str, Built] = {}
    undecided: list[str] = []
    for item in shipped(origins, stage):
        # A folder that is copied whole brings all programs in it along.
        for origin in origins.below(item.stage, item.path) or _origins(origins, item):
            if isinstance(origin, Built):
                found.setdefault(origin.product.name, origin)
            elif isinstance(origin, Undecided) and looks_like_cargo(item.path):
                undecided.append(f"{item.place}: {item.path}: {origin.why}")
    events = origins.history(stage).events
    for event in events:
        made = origins.made(events, event)
        for product in made if isinstance(made, tuple) else ():
            origin = origins.origin(stage, product.path)
            if isinstance(origin, Built):
                found.setdefault(origin.product.name, origin)
    return origins, tuple(found.values()), tuple(undecided)


def _named(stage: Stage) -> str:
    return f"stage `{stage.name}`" if stage.name else f"stage {stage.index}"
