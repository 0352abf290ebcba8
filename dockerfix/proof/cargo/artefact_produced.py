"""Checks *artefact produced*: what an image copies out of a stage is made there.

For cargo to the letter: the program must be among those that a `cargo build` of the stage
selects, at the path where cargo leaves it, and not only in a cache mount. What unknown
commands make cannot be decided and is listed so. Knows which paths an image copies.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from msgspec import Struct

from dockerfix.facts.given import Given, given_facts, with_given
from dockerfix.facts.repository import Facts
from dockerfix.proof.cargo.cooks import failing_cooks
from dockerfix.proof.cargo.crates import Sources, context_of, looks_like_cargo
from dockerfix.proof.cargo.origins import Built, NotMade, Origin, Origins, Undecided
from dockerfix.proof.obligation import Image, Obligation, Verdict
from dockerfix.proof.steps.chain import NoSuchImageError, find_stage
from dockerfix.proof.steps.environment import unknown
from dockerfix.proof.steps.events import Carried, Copied, Event
from dockerfix.syntax.dockerfile import Stage
from dockerfix.text import Place


class Shipped(Struct, frozen=True):
    """A path that the image takes out of a stage, and the place that takes it."""

    path: str
    stage: Stage
    place: Place


class ArtefactProduced(Obligation, frozen=True):
    """Every path that the image copies out of another stage is made there.

    `before` is the image that it stands for, None when there is none: what was not made there
    either is no fault of the patch.
    """

    after: Image
    before: Image | None = None
    given: Given = ()
    """Build arguments with which both are built, where an image is judged value by value."""

    kind: ClassVar[str] = "artefact produced"

    def check(self, before: Facts, after: Facts) -> Verdict:
        """Whether each copied path is made; what cannot be decided is not proved."""
        statement = f"Everything that {self.after} copies from other stages is made there"
        statement += with_given(self.given)
        after = given_facts(after, self.after.dockerfile, self.given)
        if self.before is not None:
            before = given_facts(before, self.before.dockerfile, self.given)
        try:
            found = _products(after, self.after, _old_context(before, self.before))
            known = _products(before, self.before) if self.before is not None else _Products()
        except NoSuchImageError as error:
            return Verdict(statement, (), (str(error),))
        existing = [line for what, line in found.missing.items() if what in known.missing]
        failures = [line for what, line in found.missing.items() if what not in known.missing]
        unproved = [line for what, line in found.undecided.items() if what not in known.undecided]
        return Verdict(
            statement,
            tuple(f"existing: {line}" for line in existing),
            tuple(failures),
            tuple(unproved),
        )

    @property
    def about(self) -> str:
        """The Dockerfile of the image before."""
        return self.before.dockerfile if self.before is not None else ""


@dataclass(slots=True)
class _Products:
    """What an image copies and nothing makes, or nothing can be said of: each path with the
    reason, and the line that says so with its places."""

    missing: dict[tuple[str, str], str] = field(default_factory=dict)
    undecided: dict[tuple[str, str], str] = field(default_factory=dict)


def _old_context(before: Facts, image: Image | None) -> str | None:
    """The context of the image before, for one that no call site builds yet."""
    return context_of(before, image.dockerfile) if image is not None else None


def _products(facts: Facts, image: Image, otherwise: str | None = None) -> _Products:
    graph, stage = find_stage(facts, image)
    found = _Products()
    named = (reference for part in graph.stages for reference in graph.references(part))
    if not any(reference.stage is not None for reference in named):
        return found  # nothing is taken from a stage, and no RUN need be read
    context = context_of(facts, image.dockerfile, otherwise)
    origins = Origins(graph, Sources(facts, context))
    items = list(shipped(origins, stage))
    for builder in {item.stage.index: item.stage for item in items}.values():
        for cook, why in failing_cooks(origins, builder):
            words = " ".join(word.written for word in cook.call.command.words)
            found.missing["cook", why] = f"{cook.place}: `{words}`: {why}"
    for item in items:
        if not item.stage.instructions and graph.base(item.stage) is None:
            continue  # an image under a stage's name: it is made elsewhere
        for origin in _origins(origins, item):
            line = f"{item.place}: {item.path} of {_named(item.stage)}"
            if isinstance(origin, NotMade | Undecided):
                where = f" ({origin.place})" if origin.place is not None else ""
                lines = found.missing if isinstance(origin, NotMade) else found.undecided
                lines[item.path, origin.why] = f"{line}: {origin.why}{where}"
            elif isinstance(origin, Built) and not origin.certain:
                found.undecided[item.path, "branch"] = f"{line}: it is built in a branch"
    return found


def shipped(origins: Origins, stage: Stage) -> Iterator[Shipped]:
    """The paths that a stage's chain copies out of other stages, by COPY or through a
    mount."""
    for event in origins.history(stage).events:
        yield from _shipped_from(event)


def _shipped_from(event: Event) -> Iterator[Shipped]:
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


def programs(
    facts: Facts, image: Image, otherwise: str | None = None
) -> tuple[Origins, tuple[Built, ...], tuple[str, ...]]:
    """The cargo programs that an image ships: copied from other stages, or built in its own
    chain; with the paths about which nothing can be said. `otherwise` is the context where no
    call site says one. Raises `NoSuchImageError`."""
    graph, stage = find_stage(facts, image)
    context = context_of(facts, image.dockerfile, otherwise)
    origins = Origins(graph, Sources(facts, context))
    found: dict[str, Built] = {}
    undecided: list[str] = []
    for item in shipped(origins, stage):
        # A folder that is copied whole brings all programs in it along.
        for origin in origins.below(item.stage, item.path) or _origins(origins, item):
            if isinstance(origin, Built):
                found.setdefault(origin.product.name, origin)
            elif isinstance(origin, Undecided) and _may_be_cargos(origins, item):
                undecided.append(f"{item.place}: {item.path}: {origin.why}")
    events = origins.history(stage).events
    for event in events:
        made = origins.made(events, event)
        for product in made if isinstance(made, tuple) else ():
            origin = origins.origin(stage, product.path)
            if isinstance(origin, Built):
                found.setdefault(origin.product.name, origin)
    return origins, tuple(found.values()), tuple(undecided)


def made_in(origins: Origins, stage: Stage) -> frozenset[str]:
    """The programs that cargo builds in a stage or one that it stands on: not those that are
    copied out of another."""
    events = origins.history(stage).events
    made = (origins.made(events, event) for event in events)
    return frozenset(p.name for found in made if isinstance(found, tuple) for p in found)


def _may_be_cargos(origins: Origins, item: Shipped) -> bool:
    """Whether what is copied stands where cargo leaves programs, or has the name of one that
    cargo builds in its stage."""
    if looks_like_cargo(item.path):
        return True
    return posixpath.basename(item.path) in made_in(origins, item.stage)


def _named(stage: Stage) -> str:
    return f"stage `{stage.name}`" if stage.name else f"stage {stage.index}"
