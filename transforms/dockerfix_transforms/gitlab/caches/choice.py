"""Which caches a build reads and writes, once each branch has caches of its own.

Knows the refs of one pipeline and which of them move; makes no edit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from dockerfix.api import (
    Build,
    Caches,
    CacheSources,
    CacheSpec,
    Facts,
    Pipeline,
    Refused,
    Tool,
    Value,
    only_for_tags,
    only_on_default_branch,
    put_above,
    read_cache,
    tag_of,
)
from dockerfix_transforms.gitlab.caches.shared_stages import share_a_stage
from dockerfix_transforms.gitlab.caches.stores import DEFAULT, SLUG, Store
from dockerfix_transforms.gitlab.caches.written import Role, Unit, of_branch

_OF_EXPORTS = frozenset(
    {
        "mode", "ignore-error", "image-manifest", "oci-mediatypes", "compression",
        "compression-level", "force-compression",
    }
)  # fmt: skip
"""Fields that only an export knows."""


class Item(Struct, frozen=True):
    """One source or export afterwards: which value it is made of, and for which branch; no
    branch means that the value stays."""

    index: int
    export: bool
    part: str = ""
    branch: str = ""


class Wanted(Struct, frozen=True):
    """What one unit gets, and the variable that its question sets."""

    sources: tuple[Item, ...]
    exports: tuple[Item, ...]
    question: str = ""
    variable: str = ""
    dropped: tuple[tuple[str, str], ...] = ()


class CacheChoice:
    """What the units of one pipeline read and write. `moved` are the refs that each branch gets
    for itself, with their writers; it may grow smaller while edits are tried."""

    def __init__(
        self, facts: Facts, pipeline: Pipeline, store: Store, roles: Mapping[int, Role]
    ) -> None:
        self.facts = facts
        self.pipeline = pipeline
        self.store = store
        self.roles = roles
        self.moved: dict[str, list[Unit]] = {}
        self.sources = CacheSources(facts)

    def move(self, units: Sequence[Unit]) -> None:
        """Take every ref as one that moves whose writers do not stay."""
        self.moved = {}
        for unit in units:
            role = self.roles.get(id(unit))
            for _, ref in unit.written() if role is not None and not role.stays else ():
                self.moved.setdefault(ref, []).append(unit)

    def wanted(self, unit: Unit) -> Wanted:
        """What a unit reads and writes afterwards."""
        role = self.roles.get(id(unit)) or self.reader(unit)
        exports = self.exports(unit, role)
        mine = {ref for _, ref in unit.written()}
        own = None if role.stays else self.own(unit, mine)
        if own is None and (role.stays or not role.writes):
            own = next((n for n in self.movable(unit)), None)
        elif own is None:
            own = -1
        if own is None:
            return Wanted(tuple(Item(n, False) for n in _numbers(unit.first.cache_from)), exports)
        return self.reading(unit, role, own, exports)

    def reader(self, unit: Unit) -> Role:
        """The role of a unit that writes nothing: it reads what a writer in its own job has."""
        names = {job.name for job in unit.jobs}
        writers = [
            w for n in self.movable(unit) for ref in self.refs(unit, n) for w in self.moved[ref]
        ]
        beside = (w for w in writers if names <= {job.name for job in w.jobs})
        found = self.roles.get(id(next(beside, None)))
        part = found.part if found is not None and found.writes else ""
        return Role(unit, part=part, stays="it writes nothing")

    def exports(self, unit: Unit, role: Role) -> tuple[Item, ...]:
        """The exports of a unit; a tag's pipeline and a second writer have none."""
        numbers = _numbers(unit.first.cache_to)
        if role.stays:
            return tuple(Item(n, True) for n in numbers)
        if not role.writes:
            return ()
        return tuple(Item(n, True, role.part, SLUG) for n in numbers if n not in unit.copies)

    def own(self, unit: Unit, mine: set[str]) -> int | None:
        """The source that is the unit's own export."""
        return next((n for n in self.movable(unit) if self.refs(unit, n) <= mine), None)

    def movable(self, unit: Unit) -> Iterator[int]:
        """The sources whose refs move, for every build of the unit."""
        for number in _numbers(unit.first.cache_from):
            refs = self.refs(unit, number)
            if refs and refs <= self.moved.keys():
                yield number

    def refs(self, unit: Unit, number: int) -> set[str]:
        """The refs that a source is for the builds of a unit."""
        values = [build.cache_from[number] for build in unit.builds]
        return {self.store_ref(t) for v in values for t in v.possible}

    def store_ref(self, text: str) -> str:
        """The ref that a text reads: one that falls back on the default branch is the
        branch's own."""
        ref = read_cache(text).ref
        return ref.replace(f"-${{{DEFAULT}}}", f"-${{{SLUG}}}") if ref not in self.moved else ref

    def reading(self, unit: Unit, role: Role, own: int, exports: tuple[Item, ...]) -> Wanted:
        """The sources of a unit around its own one; -1 means that it had none of its own."""
        first = next((n for n in _numbers(unit.first.cache_to) if n not in unit.copies), 0)
        base = Item(first, True) if own < 0 else Item(own, False)
        part = role.part
        branches, question, variable = self.branches(unit, base, part)
        mine = [Item(base.index, base.export, part, branch) for branch in branches]
        if role.beside and own >= 0:
            mine.append(Item(own, False, "", SLUG))
        sources = mine if own < 0 else []
        dropped: list[tuple[str, str]] = []
        moving = set(self.movable(unit))
        for number in _numbers(unit.first.cache_from):
            if number == own:
                sources += mine
            elif self.refs(unit, number) == set(map(of_branch, self.refs_of(unit, base))):
                continue
            elif number not in moving and (why := self.empty(unit, number)):
                dropped.append((unit.first.cache_from[number].text, why))
            elif number not in moving:
                sources.append(Item(number, False))
            elif self.refs(unit, number) <= self.refs_of(unit, base):
                continue
            elif why := self.useless(unit, number):
                dropped.append((unit.first.cache_from[number].text, why))
            else:
                sources.append(Item(number, False, "", SLUG))
        unique = tuple(dict.fromkeys(sources))
        return Wanted(unique, exports, question, variable, tuple(dropped))

    def empty(self, unit: Unit, number: int) -> str:
        """Why a source holds no cache; empty when one of the builds may find some."""
        refs = [
            ref
            for b in unit.builds
            for v, ref in self.sources.reads(b)
            if v == b.cache_from[number]
        ]
        if not refs or not all(map(self.sources.is_empty, refs)):
            return ""
        return self.sources.said(refs[0])

    def refs_of(self, unit: Unit, item: Item) -> set[str]:
        """The refs of a source, or those that the unit writes."""
        if item.export:
            return {ref for _, ref in unit.written()}
        return self.refs(unit, item.index)

    def useless(self, unit: Unit, number: int) -> str:
        """Why another image's ref is read no more; empty when it stays."""
        writers = [b for ref in self.refs(unit, number) for w in self.moved[ref] for b in w.builds]
        if not any(share_a_stage(self.facts, unit.first, other) for other in writers):
            return "the Dockerfiles share no stage, so that no step can be found there"
        return "" if self.store.others else "a second source loses hits of the first"

    def branches(self, unit: Unit, base: Item, part: str) -> tuple[list[str], str, str]:
        """The branches whose caches a unit reads, and the question with its variable."""
        if all(only_for_tags(self.pipeline, job) for job in unit.jobs):
            return [DEFAULT], "", ""
        if all(only_on_default_branch(self.pipeline, job) for job in unit.jobs):
            return [SLUG], "", ""
        if not self.store.ask:
            return [SLUG, DEFAULT], "", ""
        spec = _tagged(self.asked_text(unit, base), _value(unit.first, base))
        name = _variable(spec.ref, part)
        line = self.store.question(spec, part, name)
        try:
            for build in sites(unit):
                put_above(self.facts, build, [line])
        except Refused:
            return [SLUG, DEFAULT], "", ""
        return [name], line, name

    def asked_text(self, unit: Unit, base: Item) -> str:
        """The value as the question names it: filled in where the job's own variables do."""
        value = _value(unit.first, base)
        known = all(name.startswith("CI_") for name in value.variables)
        return value.text if len(unit.builds) == 1 and known else value.inside


def cache_options(store: Store, unit: Unit, wanted: Wanted) -> Caches:
    """The values of a unit's options as they are to be written; raises `Refused`."""
    sources = [_written(store, item, unit, source=True) for item in wanted.sources]
    exports = [_written(store, item, unit, source=False) for item in wanted.exports]
    return Caches(tuple(sources), tuple(exports))


def _written(store: Store, item: Item, unit: Unit, *, source: bool) -> str:
    """A value as it is written. A store that takes a ref apart must see what a variable holds;
    one whose registry stands in a variable with several values cannot be taken apart."""
    build = unit.first
    values = [_value(each, item) for each in unit.builds]
    open_ones = set(values[0].written_variables) <= set(values[0].variables)
    if open_ones or not (store.renames and item.branch):
        return cache_text(store, item, build, written=True, source=source)
    if len({value.text for value in values}) == 1:
        return cache_text(store, item, build, written=False, source=source)
    head = read_cache(values[0].inside).ref.partition("/")[0]
    if "$" in head and "CI_" not in head:
        what = "the registry of its cache comes out of a variable"
        raise Refused(build.site.place, what, "write the registry in the command")
    return cache_text(store, item, build, written=True, source=source)


def cache_text(store: Store, item: Item, build: Build, *, written: bool, source: bool) -> str:
    """The text of a source or export, as it is written or as it reads for one build."""
    value = _value(build, item)
    if not item.branch:
        return value.inside if written else value.text
    spec = _tagged(value.inside if written else value.text, value)
    braces = not written or "${" in value.inside or build.tool is Tool.BAKE
    branch = f"${{{item.branch}}}" if braces else f"${item.branch}"
    if source:
        kept = CacheSpec(tuple(f for f in spec.fields if f[0] not in _OF_EXPORTS))
        return str(store.at(kept, item.part, branch))
    export = store.at(spec, item.part, branch)
    export = export if export.get("mode") else export.with_(mode="max")
    return str(export.with_(ignore_error="true"))


def _numbers(values: Sequence[Value]) -> range:
    return range(len(values))


def _value(build: Build, item: Item) -> Value:
    return (build.cache_to if item.export else build.cache_from)[item.index]


def _tagged(text: str, value: Value) -> CacheSpec:
    """A cache with a tag; `text` is the value as written or filled in."""
    spec, whole = read_cache(text), read_cache(value.text)
    return spec if tag_of(whole.ref) or not spec.ref else spec.with_(ref=f"{spec.ref}:buildcache")


def sites(unit: Unit) -> list[Build]:
    """One build for each command that leads to a unit."""
    return list({build.site.place: build for build in unit.builds}.values())


def _variable(ref: str, part: str) -> str:
    """The variable that a question sets: the image's name, where it is written out."""
    name, _, tag = ref.rpartition("/")[2].partition(":")
    words = f"{name}{part}" if tag.startswith("buildcache") or not tag else f"{name}_{tag}{part}"
    if "$" in words or not words:
        return "CACHE_BRANCH"
    kept = "".join(char if char.isalnum() else "_" for char in words.upper())
    kept = kept.removesuffix("_CACHE")
    if kept == "CACHE":
        return "CACHE_BRANCH"
    return f"{kept}_CACHE" if not kept[0].isdigit() else f"CACHE_{kept}"
