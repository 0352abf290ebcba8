"""What every build of a pipeline reads and writes, once each branch has caches of its own.

A store says how a cache is named; the plan says which caches a build reads and writes, and makes
the edits, permits and findings of it. Knows no registry and no bucket by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from msgspec import Struct

from dockerfix.api import (
    Build,
    Caches,
    CacheSpec,
    Draft,
    Edits,
    Finding,
    Permit,
    Pipeline,
    Place,
    Refused,
    Severity,
    SiteKind,
    Tool,
    Value,
    declare,
    only_for_tags,
    only_on_default_branch,
    put_above,
    read_cache,
    set_caches,
    tag_of,
    take_above,
)
from dockerfix_transforms.gitlab.caches import (
    QUIET,
    Role,
    Unit,
    hold_together,
    roles,
    units_of,
)
from dockerfix_transforms.gitlab.shared_stages import share_a_stage

SLUG, DEFAULT = "CI_COMMIT_REF_SLUG", "CI_DEFAULT_BRANCH"
_OF_EXPORTS = frozenset(
    {
        "mode", "ignore-error", "image-manifest", "oci-mediatypes", "compression",
        "compression-level", "force-compression",
    }
)  # fmt: skip
"""Fields that only an export knows."""
_COMMENT = "# Two cache sources lose hits: read the branch's where it exists, else the default's."


class Store(Protocol):
    """Where caches are kept."""

    @property
    def ask(self) -> bool:
        """Whether a line above a build finds out which of two caches exists."""

    @property
    def per_branch(self) -> bool:
        """Whether refs that differ between branches already are left alone."""

    @property
    def others(self) -> bool:
        """Whether other images' caches stay among the sources where a step could be found."""

    @property
    def steps(self) -> tuple[str, ...]:
        """What is left to do by hand."""

    def at(self, spec: CacheSpec, part: str, branch: str) -> CacheSpec:
        """The cache of a branch in the place of one that all branches share."""

    def question(self, spec: CacheSpec, part: str, name: str) -> str:
        """The line that sets a variable to the branch whose cache is there."""


class RegistryRefs(Struct, frozen=True):
    """Refs in the registry of the images: `NAME:buildcache-BRANCH`."""

    ask: bool = True
    per_branch: bool = True

    @property
    def others(self) -> bool:
        """They stay where several sources were asked for."""
        return not self.ask

    @property
    def steps(self) -> tuple[str, ...]:
        """A ref is left by every branch, and by every tag whose pipeline writes one."""
        return (
            "add the cache tags of old branches to the registry's clean-up rule",
            "expect the first pipeline of the default branch to find no cache",
        )

    def at(self, spec: CacheSpec, part: str, branch: str) -> CacheSpec:
        """The ref with the branch behind its tag."""
        return spec.with_(ref=f"{spec.ref}{part}-{branch}")

    def question(self, spec: CacheSpec, part: str, name: str) -> str:
        """A request for the manifest; nothing is fetched."""
        ref = f"{spec.ref}{part}-${SLUG}"
        return (
            f'if docker buildx imagetools inspect "{ref}" > /dev/null 2>&1; '
            f"then export {name}=${SLUG}; else export {name}=${DEFAULT}; fi"
        )


class _Item(Struct, frozen=True):
    """One source or export afterwards: which value it is made of, and for which branch; no
    branch means that the value stays."""

    index: int
    export: bool
    part: str = ""
    branch: str = ""


class _Wanted(Struct, frozen=True):
    """What one unit gets, and the variable that its question sets."""

    sources: tuple[_Item, ...]
    exports: tuple[_Item, ...]
    question: str = ""
    variable: str = ""
    dropped: tuple[tuple[str, str], ...] = ()


class CachePlan:
    """The edits of one pipeline, put into a draft."""

    def __init__(self, draft: Draft, pipeline: Pipeline, store: Store) -> None:
        self.draft = draft
        self.facts = draft.facts
        self.pipeline = pipeline
        self.store = store
        self.units = units_of(self.facts, pipeline)
        self.roles = roles(pipeline, self.units, store.per_branch)
        self.asked: dict[Place, tuple[Build, dict[str, None]]] = {}
        self.declared: dict[str, dict[str, None]] = {}
        self.moved: dict[str, list[Unit]] = {}
        self.falls_back = False
        self.changed: list[Unit] = []

    def write(self) -> None:
        """Everything, unit by unit; raises `Refused` where edits contradict one another."""
        self.settle()
        for unit in self.units:
            wanted = self.wanted(unit)
            try:
                edits = self.edits(unit, wanted)
            except Refused as refused:
                self.left(unit, refused.what)
                continue
            if edits:
                self.put(unit, wanted, edits)
        for build, lines in self.asked.values():
            self.draft.edits += put_above(self.facts, build, list(lines), _COMMENT)
        for path, names in self.declared.items():
            self.draft.edits += declare(self.facts, path, list(names))
        self.tell()

    def settle(self) -> None:
        """Which refs move: those of which every writer can be rewritten."""
        while True:
            self.moved = {}
            for unit in self.units:
                role = self.roles.get(id(unit))
                if role is not None and not role.stays:
                    for _, ref in unit.written():
                        self.moved.setdefault(ref, []).append(unit)
            failed = False
            for unit in self.units:
                role = self.roles.get(id(unit))
                if role is None or role.stays:
                    continue
                try:
                    self.edits(unit, self.wanted(unit))
                except Refused as refused:
                    role.stays = refused.what
                    failed = True
            if not failed:
                return
            hold_together(self.units, self.roles)

    # One unit.

    def wanted(self, unit: Unit) -> _Wanted:
        """What a unit reads and writes afterwards."""
        role = self.roles.get(id(unit)) or Role(unit, stays="it writes nothing")
        exports = self.exports(unit, role)
        mine = {ref for _, ref in unit.written()}
        own = None if role.stays else self.own(unit, mine)
        if own is None and (role.stays or not role.writes):
            own = next((n for n in self.movable(unit)), None)
        elif own is None:
            own = -1
        if own is None:
            return _Wanted(tuple(_Item(n, False) for n in _numbers(unit.first.cache_from)), exports)
        return self.reading(unit, role, own, exports)

    def exports(self, unit: Unit, role: Role) -> tuple[_Item, ...]:
        """The exports of a unit; a tag's pipeline and a second writer have none."""
        numbers = _numbers(unit.first.cache_to)
        if role.stays:
            return tuple(_Item(n, True) for n in numbers)
        if not role.writes:
            return ()
        return tuple(_Item(n, True, role.part, SLUG) for n in numbers)

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

    def reading(self, unit: Unit, role: Role, own: int, exports: tuple[_Item, ...]) -> _Wanted:
        """The sources of a unit around its own one; -1 means that it had none of its own."""
        base = _Item(0, True) if own < 0 else _Item(own, False)
        part = role.part
        branches, question, variable = self.branches(unit, base, part)
        mine = [_Item(base.index, base.export, part, branch) for branch in branches]
        if role.beside and own >= 0:
            mine.append(_Item(own, False, "", SLUG))
        sources = mine if own < 0 else []
        dropped: list[tuple[str, str]] = []
        moving = set(self.movable(unit))
        for number in _numbers(unit.first.cache_from):
            if number == own:
                sources += mine
            elif number not in moving:
                sources.append(_Item(number, False))
            elif self.refs(unit, number) <= self.refs_of(unit, base):
                continue
            elif why := self.useless(unit, number):
                dropped.append((unit.first.cache_from[number].text, why))
            else:
                sources.append(_Item(number, False, "", SLUG))
        unique = tuple(dict.fromkeys(sources))
        return _Wanted(unique, exports, question, variable, tuple(dropped))

    def refs_of(self, unit: Unit, item: _Item) -> set[str]:
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

    def branches(self, unit: Unit, base: _Item, part: str) -> tuple[list[str], str, str]:
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
            for build in _sites(unit):
                put_above(self.facts, build, [line])
        except Refused:
            return [SLUG, DEFAULT], "", ""
        return [name], line, name

    def asked_text(self, unit: Unit, base: _Item) -> str:
        """The value as the question names it: filled in where the job's own variables do."""
        value = _value(unit.first, base)
        known = all(name.startswith("CI_") for name in value.variables)
        return value.text if len(unit.builds) == 1 and known else value.inside

    def edits(self, unit: Unit, wanted: _Wanted) -> Edits:
        """The edits of the command or bake target; raises `Refused`."""
        return set_caches(self.facts, unit.builds, self.caches(unit, wanted))

    def caches(self, unit: Unit, wanted: _Wanted) -> Caches:
        """The values of a unit's options as they are to be written."""
        first = unit.first
        sources = [self.text(item, first, written=True, source=True) for item in wanted.sources]
        exports = [self.text(item, first, written=True, source=False) for item in wanted.exports]
        return Caches(tuple(sources), tuple(exports))

    def text(self, item: _Item, build: Build, *, written: bool, source: bool) -> str:
        """The text of a source or export, as it is written or as it reads for one build."""
        value = _value(build, item)
        if not item.branch:
            return value.inside if written else value.text
        spec = _tagged(value.inside if written else value.text, value)
        braces = not written or "${" in value.inside or build.tool is Tool.BAKE
        branch = f"${{{item.branch}}}" if braces else f"${item.branch}"
        if source:
            kept = CacheSpec(tuple(f for f in spec.fields if f[0] not in _OF_EXPORTS))
            return str(self.store.at(kept, item.part, branch))
        export = self.store.at(spec, item.part, branch)
        export = export if export.get("mode") else export.with_(mode="max")
        return str(export.with_(ignore_error="true"))

    def put(self, unit: Unit, wanted: _Wanted, edits: Edits) -> None:
        """Edits, permits and notes of one unit."""
        draft = self.draft
        draft.edits += edits
        self.changed.append(unit)
        if not self.store.ask:
            draft.edits += self.unasked(unit)
        for build in unit.builds:
            self.permit(build, wanted)
        names = {item.branch for item in (*wanted.sources, *wanted.exports) if item.branch}
        if unit.first.tool is Tool.BAKE and unit.first.definition is not None:
            known = self.declared.setdefault(unit.first.definition.path, {})
            caches = self.caches(unit, wanted)
            for text in (*caches.sources, *caches.exports):
                read = (part.partition("}")[0] for part in text.split("${")[1:])
                known.update(dict.fromkeys(name for name in read if name.isidentifier()))
        self.falls_back |= bool(wanted.question) or DEFAULT in names
        for build in _sites(unit) if wanted.question else ():
            self.asked.setdefault(build.site.place, (build, {}))[1][wanted.question] = None
        draft.permits += self.lines(unit)
        for text, why in wanted.dropped:
            self.note(unit, "source-dropped", f"{unit.name} no longer reads {text}", why)
        role = self.roles.get(id(unit))
        for why in role.reasons if role is not None and not role.stays else ():
            what = "takes a ref of its own" if role is not None and role.writes else "only reads"
            self.note(unit, "cache-writer", f"{unit.name} {what}", why)
        both = sum(bool(item.branch) for item in wanted.sources) > 1
        if both:
            why = "with two sources all steps were found in none of 14 runs, with one in all 14"
            self.note(unit, "two-sources", f"{unit.name} reads two caches", why)

    def unasked(self, unit: Unit) -> Edits:
        """A question that `cache-refs` put above the build and that nothing needs any more."""
        values = [v for b in unit.builds for v in (*b.cache_from, *b.cache_to)]
        names = [n for v in values for n in v.written_variables if n.endswith("_CACHE")]
        return [
            edit
            for build in _sites(unit)
            for name in dict.fromkeys((*names, "CACHE_BRANCH"))
            for edit in take_above(self.facts, build, f"then export {name}=${SLUG}; else", _COMMENT)
        ]

    def lines(self, unit: Unit) -> Iterator[Permit]:
        """Leave for the script lines of every job that holds the unit's commands."""
        for job in self.pipeline.jobs.values():
            for line in job.lines:
                span, path = line.scalar.span, line.scalar.file.source.path
                places = (build.site.place for build in unit.builds)
                if any(p.path == path and span.contains(p.span) for p in places):
                    yield Permit("build-call", job.name, self.pipeline.path, line.section)

    def permit(self, build: Build, wanted: _Wanted) -> None:
        """Leave for what one build reads and writes otherwise."""
        for name, items, old in (
            ("cache-from", wanted.sources, build.cache_from),
            ("cache-to", wanted.exports, build.cache_to),
        ):
            source = name == "cache-from"
            new = [self.text(item, build, written=False, source=source) for item in items]
            before = [value.text for value in old]
            if new != before:
                path = self.pipeline.path
                values = ("; ".join(before), "; ".join(new))
                self.draft.permits.append(Permit("cache-ref", build.site.name, path, name, *values))

    # What the person is told.

    def note(self, unit: Unit, name: str, what: str, why: str, do: str = "") -> None:
        """A note at a unit's command."""
        note = Severity.NOTE
        self.draft.findings.append(
            Finding.at(
                unit.place, name=name, severity=note, subject=unit.name, what=what, why=why, do=do
            )
        )

    def left(self, unit: Unit, why: str) -> None:
        """A unit that keeps what it has."""
        do = f"give each writer a ref of its own, and end it with -${SLUG}"
        self.note(unit, "cache-stays", f"{unit.name} keeps its cache options", why, do)

    def tell(self) -> None:
        """What stays and why; the assumption; what is left to do."""
        for unit in self.units:
            role = self.roles.get(id(unit))
            if role is not None and role.stays and role.stays not in QUIET:
                self.left(unit, role.stays)
        if self.draft.edits:
            self.draft.steps += self.store.steps
        for text, build in self.readers_elsewhere():
            site = build.site
            what = f"{site.kind.value} {site.name} still reads {text}"
            why = "no job writes that ref any more"
            self.draft.findings.append(
                Finding.at(site.place, name="reads-old-ref", severity=Severity.NOTE,
                           subject=site.name, what=what, why=why,
                           do=f"write the default branch's: {text}-main, for example")
            )  # fmt: skip
        if self.falls_back:
            place = next(iter(self.moved.values()))[0].place
            self.draft.findings.append(
                Finding.at(
                    place,
                    name="default-branch-slug",
                    severity=Severity.ASSUME,
                    subject=DEFAULT,
                    what="the default branch's name is taken as its own slug",
                    why="a name with capitals, slashes or dots has another slug; new branches"
                    " would then find no cache",
                    do=f"write the slug of the default branch where the script says ${DEFAULT}",
                )
            )

    def readers_elsewhere(self) -> Iterator[tuple[str, Build]]:
        """Builds outside of the pipeline's commands that read a ref which moves."""
        for build in self.facts.builds.builds:
            if build.site.kind is SiteKind.GITLAB:
                continue
            for value in build.cache_from:
                if read_cache(value.text).ref in self.moved:
                    yield read_cache(value.text).ref, build


def _numbers(values: Sequence[Value]) -> range:
    return range(len(values))


def _value(build: Build, item: _Item) -> Value:
    return (build.cache_to if item.export else build.cache_from)[item.index]


def _tagged(text: str, value: Value) -> CacheSpec:
    """A cache with a tag; `text` is the value as written or filled in."""
    spec, whole = read_cache(text), read_cache(value.text)
    return spec if tag_of(whole.ref) or not spec.ref else spec.with_(ref=f"{spec.ref}:buildcache")


def _sites(unit: Unit) -> list[Build]:
    """One build for each command that leads to a unit."""
    return list({build.site.place: build for build in unit.builds}.values())


def _variable(ref: str, part: str) -> str:
    """The variable that a question sets: the image's name, where it is written out."""
    name, _, tag = ref.rpartition("/")[2].partition(":")
    words = f"{name}{part}" if tag.startswith("buildcache") or not tag else f"{name}_{tag}{part}"
    if "$" in words or not words:
        return "CACHE_BRANCH"
    kept = "".join(char if char.isalnum() else "_" for char in words.upper())
    return f"{kept}_CACHE" if not kept[0].isdigit() else f"CACHE_{kept}"
