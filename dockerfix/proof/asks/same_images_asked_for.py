"""Checks *same images asked for*: what was pushed is pushed, from the image that stands for it.

Every ask of the snapshot before is looked for in the one after; asks for images that nothing
stands for must be there unchanged, and no tag may be pushed more often. What an ask is stands
in `asks`, how two are matched in `matching`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from dockerfix.facts.repository import Facts
from dockerfix.proof.asks.beside import beside_the_builds, changed_services, lost_caches
from dockerfix.proof.asks.both_sides import both_sides
from dockerfix.proof.asks.details import Allowed
from dockerfix.proof.asks.matching import Matching
from dockerfix.proof.obligation import Image, Obligation, Verdict
from dockerfix.text.units import all_of, counted


class SameImagesAskedFor(Obligation, frozen=True):
    """Each tag pushed before is pushed after, from the image that stands for the old one,
    with the same build arguments, platforms, secrets, named contexts and labels, and no tag
    is pushed more often. What is built without a push (Compose, documents) is still built.

    `stands_for` pairs each old image with the new one; builds of other images stay as they
    are, and so may those of an old image whose file stays as it was. `arguments_added` are the
    build arguments and named contexts that new builds give in addition, each after its
    Dockerfile; `contexts` are the build contexts that changed: Dockerfile, old and new one.
    """

    stands_for: tuple[tuple[Image, Image], ...] = ()
    arguments_added: frozenset[tuple[str, str]] = frozenset()
    contexts: frozenset[tuple[str, str, str]] = frozenset()
    left: frozenset[tuple[str, str]] = frozenset()
    """Old Dockerfiles with the files that go on asking for them, as the person accepted."""
    joined: frozenset[str] = frozenset()
    """Workflows whose jobs were joined: which step an output comes from is told by the id of
    the step, which differs there; *workflow change* judges it."""

    kind: ClassVar[str] = "same images asked for"
    rules: ClassVar[Mapping[str, str]] = {
        "stands-for": "call sites ask for the new image where they asked for the old one",
        "argument-added": "call sites pass a build argument or a named context in addition",
        "context-moved": "call sites pass another build context; *same files* judges it",
    }

    def check(self, before: Facts, after: Facts) -> Verdict:
        """Whether every ask has its counterpart, and nothing else is asked for."""
        targets = tuple(dict.fromkeys(old.target for old, _ in self.stands_for if old.target))
        asks = both_sides(before, after, targets, self.joined)
        allowed = Allowed(self.stands_for, self.arguments_added, self.contexts, self.left)
        matching = Matching(allowed, before, after)
        matching.match(asks.old, asks.new, asks.unfulfilled)
        broken = (f"{a.site}: {a.dockerfile} has no target `{a.target}`" for a in asks.broken)
        failures = (*broken, *matching.failures, *beside_the_builds(before, after))
        differences = (*matching.differences, *lost_caches(before, after))
        services = (str(b.site.place) for b in changed_services(before, after))
        pushed = len({ask.tag for ask in asks.old if ask.pushed})
        return Verdict(
            _statement(pushed, sum(not ask.pushed for ask in asks.old)),
            tuple(dict.fromkeys(differences)),
            tuple(dict.fromkeys(failures)),
            tuple(matching.unproved),
            about=tuple(matching.about),
            sites=tuple(dict.fromkeys((*matching.sites, *services))),
        )


def _statement(pushed: int, others: int) -> str:
    """What holds, in the words of the report."""
    if not pushed + others:
        return "No call site that was read asks for an image"
    if pushed and others:
        who = f"{all_of(pushed, 'pushed tag')} and {counted(others, 'other build')}"
    else:
        who = all_of(pushed, "pushed tag") if pushed else all_of(others, "build")
    what = "gets the same image" if pushed + others == 1 else "get the same images"
    return f"{who[:1].upper()}{who[1:]} still {what}"
