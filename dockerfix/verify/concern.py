"""Which images a patch concerns: builds before and after, matched by the tags they get.

Knows builds and recipes; knows no engine and no disk.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from msgspec import Struct

from dockerfix.facts.model import Build, SiteKind
from dockerfix.facts.repository import Facts
from dockerfix.verify.recipe import Order, Recipe, Unknown, order_of
from dockerfix.verify.side import Side
from dockerfix.verify.variables import Variables

K = TypeVar("K")
V = TypeVar("V")


class Pair(Struct, frozen=True):
    """One image before and after: its name, how each side builds it, and who asks for it."""

    name: str
    before: Recipe
    after: Recipe
    sites: tuple[str, ...] = ()

    def recipe(self, side: Side) -> Recipe:
        """The recipe of one side."""
        return self.before if side is Side.BEFORE else self.after


class Unmatched(Struct, frozen=True):
    """An image that only one side builds: `site` asked for it on `side`."""

    side: Side
    name: str
    site: str
    recipe: Recipe


class Unread(Struct, frozen=True):
    """A build that the patch concerns and that cannot be made: who asks for it, and why not.

    `needed` is False for one that a document shows to people.
    """

    side: Side
    site: str
    why: str
    needed: bool


class Concern(Struct, frozen=True):
    """What has to be built to judge a patch.

    `orders` are the builds behind the pairs, on each side in the order of the call sites.
    `stood_in` names variables that have a stand-in, `dropped` options that are not passed on.
    """

    pairs: tuple[Pair, ...] = ()
    unmatched: tuple[Unmatched, ...] = ()
    unread: tuple[Unread, ...] = ()
    orders: Mapping[Side, tuple[Order, ...]] = field(default_factory=dict)
    stood_in: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


@dataclass(slots=True)
class Orders:
    """The builds of one tree, filled in; those that others are built from are found by tag."""

    facts: Facts
    variables: Variables
    _tagged: dict[str, Build] = field(default_factory=dict)
    _under_way: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Note who makes which image."""
        for build in self.facts.builds.builds:
            names = [self.variables.fill(tag.text).text for tag in build.tags]
            if build.site.kind is SiteKind.COMPOSE:
                names.append(build.site.name)
            for name in names:
                self._tagged.setdefault(name, build)

    def all(self) -> tuple[Order | Unknown, ...]:
        """Every build of the tree."""
        return tuple(self._order(build) for build in self.facts.builds.builds)

    def _order(self, build: Build) -> Order | Unknown:
        return order_of(build, self.variables, self._provided)

    def _provided(self, name: str) -> Recipe | None:
        build = self._tagged.get(name)
        if build is None or name in self._under_way:
            return None
        self._under_way.append(name)
        try:
            order = self._order(build)
        finally:
            self._under_way.pop()
        return order.recipe if isinstance(order, Order) else None


def concern(
    before: Facts, after: Facts, changed: frozenset[str], variables: Variables | None = None
) -> Concern:
    """The images that a patch concerns.

    `changed` are the paths whose bytes the patch changes. An image is concerned when its
    Dockerfile, ignore file, context, target or arguments changed, or those of an image that
    it is built from.
    """
    found = {side: [] for side in Side}  # type: dict[Side, list[Order | Unknown]]
    for side, facts in ((Side.BEFORE, before), (Side.AFTER, after)):
        found[side] += Orders(facts, variables or Variables()).all()
    known = {s: [o for o in found[s] if isinstance(o, Order)] for s in Side}
    touched = {
        Side.BEFORE: _Touched(before, changed),
        Side.AFTER: _Touched(after, changed),
    }
    matches = list(_matches(known[Side.BEFORE], known[Side.AFTER]))
    concerned = [
        (old, new)
        for old, new in matches
        if _recipes_differ(old, new)
        or (old is not None and touched[Side.BEFORE].touches(old.recipe))
        or (new is not None and touched[Side.AFTER].touches(new.recipe))
    ]
    orders = {
        Side.BEFORE: _unique(old for old, _ in concerned if old is not None),
        Side.AFTER: _unique(new for _, new in concerned if new is not None),
    }
    every = [*orders[Side.BEFORE], *orders[Side.AFTER]]
    return Concern(
        pairs=_pairs(concerned),
        unmatched=tuple(_unmatched(concerned)),
        unread=tuple(_unread(found, changed)),
        orders=orders,
        stood_in=tuple(dict.fromkeys(n for order in every for n in order.stood_in)),
        dropped=tuple(dict.fromkeys(n for order in every for n in order.dropped)),
    )


Match = tuple[Order | None, Order | None]


def _matches(before: list[Order], after: list[Order]) -> Iterator[Match]:
    """Every build with its counterpart: first by call site's file and tag, then by tag."""
    left = _grouped((key, order) for order in before for key in _keys(order))
    right = _grouped((key, order) for order in after for key in _keys(order))
    loose = _grouped((key[-1], order) for key, orders in right.items() for order in orders)
    met: set[int] = set()
    for key, olds in left.items():
        news = right.get(key) or loose.get(key[-1], [])
        met.update(id(new) for new in news)
        yield from _aligned(_distinct(olds), _distinct(news))
    for orders in right.values():
        yield from ((None, new) for new in orders if id(new) not in met)


def _aligned(olds: list[Order], news: list[Order]) -> Iterator[Match]:
    """Builds of one tag in their order; a single one stands for all of the other side."""
    if not news:
        yield from ((old, None) for old in olds)
        return
    size = max(len(olds), len(news))
    for at in range(size):
        yield olds[min(at, len(olds) - 1)], news[min(at, len(news) - 1)]


def _keys(order: Order) -> list[tuple[str, ...]]:
    """Under which names a build's counterpart is looked for; the last part is enough alone."""
    site = order.build.site
    if not order.tags:
        return [(site.kind.value, site.place.path, site.name)]
    return [(site.kind.value, site.place.path, tag) for tag in order.tags]


def _recipes_differ(old: Order | None, new: Order | None) -> bool:
    return old is None or new is None or old.recipe != new.recipe


class _Touched(Struct, frozen=True):
    """Whether the patch changes the files that say how an image is built."""

    facts: Facts
    changed: frozenset[str]

    def touches(self, recipe: Recipe) -> bool:
        """Whether the Dockerfile or the ignore file changed, here or further down."""
        ignore = self.facts.ignore_path(recipe.context, recipe.dockerfile)
        own = recipe.dockerfile in self.changed or ignore in self.changed
        return own or any(self.touches(provider) for provider in recipe.providers)


def _pairs(concerned: Iterable[Match]) -> tuple[Pair, ...]:
    """The matches as pairs, each once, with every call site that asks for it."""
    sites: dict[tuple[Recipe, Recipe], list[str]] = {}
    names: dict[tuple[Recipe, Recipe], str] = {}
    for old, new in concerned:
        if old is None or new is None:
            continue
        key = (old.recipe, new.recipe)
        sites.setdefault(key, []).append(str(old.build.site))
        names.setdefault(key, _name(old))
    found = []
    taken: dict[str, int] = {}
    for key, name in names.items():
        taken[name] = taken.get(name, 0) + 1
        shown = name if taken[name] == 1 else f"{name} #{taken[name]}"
        found.append(Pair(shown, *key, tuple(dict.fromkeys(sites[key]))))
    return tuple(found)


def _name(order: Order) -> str:
    """What a person calls the image: the last part of its name, and its target."""
    tag = order.tags[0] if order.tags else order.build.site.name
    image = posixpath.basename(tag).partition(":")[0] or tag
    return f"{image} ({order.recipe.target})" if order.recipe.target else image


def _unmatched(concerned: Iterable[Match]) -> Iterator[Unmatched]:
    for old, new in concerned:
        order, side = (old, Side.BEFORE) if new is None else (new, Side.AFTER)
        if order is not None and (old is None or new is None):
            yield Unmatched(side, _name(order), str(order.build.site), order.recipe)


def _unread(
    found: Mapping[Side, list[Order | Unknown]], changed: frozenset[str]
) -> Iterator[Unread]:
    """Builds that cannot be made and are not the same on both sides."""
    signatures = {
        side: {_signature(o.build) for o in found[side] if isinstance(o, Unknown)} for side in Side
    }
    for side, other in ((Side.BEFORE, Side.AFTER), (Side.AFTER, Side.BEFORE)):
        for order in found[side]:
            if not isinstance(order, Unknown):
                continue
            same = _signature(order.build) in signatures[other]
            if not same or order.build.dockerfile in changed:
                site = order.build.site
                needed = site.kind is not SiteKind.DOCUMENT
                yield Unread(side, str(site), order.why, needed)


def _signature(build: Build) -> tuple[object, ...]:
    """What a build says, wherever it stands in its file."""
    return (
        build.site.kind,
        build.site.place.path,
        build.site.name,
        build.dockerfile_written.text if build.dockerfile_written else None,
        build.context_written.text if build.context_written else None,
        build.target.text if build.target else None,
        tuple((a.name, a.value.text if a.value else None) for a in build.arguments),
        tuple(tag.text for tag in build.tags),
    )


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _distinct(orders: Iterable[Order]) -> list[Order]:
    """The first order of each recipe."""
    found: dict[Recipe, Order] = {}
    for order in orders:
        found.setdefault(order.recipe, order)
    return list(found.values())


def _unique(orders: Iterable[Order]) -> tuple[Order, ...]:
    """Each order once, in order."""
    return tuple({id(order): order for order in orders}.values())
