"""The edits that give each branch of a pipeline build caches of its own.

A choice says which caches a build reads and writes; the plan makes the edits and permits of it.
Knows no registry and no bucket by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from dockerfix.api import (
    Build,
    Command,
    Draft,
    Edits,
    Permit,
    Pipeline,
    Place,
    Refused,
    Scalar,
    Tool,
    declare,
    parse_shell,
    put_above,
    set_caches,
    take_above,
)
from dockerfix_transforms.gitlab.caches.choice import (
    CacheChoice,
    Wanted,
    cache_options,
    cache_text,
    sites,
)
from dockerfix_transforms.gitlab.caches.findings import (
    cache_added,
    default_branch_slug,
    keeps_caches,
    readers_elsewhere,
    unit_notes,
)
from dockerfix_transforms.gitlab.caches.names import keep_apart
from dockerfix_transforms.gitlab.caches.stores import DEFAULT, QUESTION_HEIGHT, Store, is_question
from dockerfix_transforms.gitlab.caches.written import (
    QUIET,
    Unit,
    by_stage,
    hold_together,
    roles,
    units_of,
)

_COMMENT = "# Two cache sources lose hits: read the branch's where it exists, else the default's."


class CachePlan:
    """The edits of one pipeline, put into a draft. `changed` are the units that got any."""

    def __init__(
        self, draft: Draft, pipeline: Pipeline, store: Store, added: Sequence[Unit] = ()
    ) -> None:
        self.draft = draft
        self.facts = draft.facts
        self.pipeline = pipeline
        self.store = store
        self.units = by_stage(pipeline, [*units_of(self.facts, pipeline), *added])
        self.roles = roles(pipeline, self.units, store.per_branch)
        self.choice = CacheChoice(self.facts, pipeline, store, self.roles)
        self.asked: dict[Place, tuple[Build, dict[str, None]]] = {}
        self.named: dict[str, str] = {}
        self.declared: dict[str, dict[str, None]] = {}
        self.falls_back = False
        self.changed: list[Unit] = []

    def write(self) -> None:
        """Everything, unit by unit; raises `Refused` where edits contradict one another."""
        self.settle()
        for unit in self.units:
            role = self.roles.get(id(unit))
            if unit.added and (role is None or role.stays):
                continue
            wanted = self.choice.wanted(unit)
            try:
                edits = self.edits(unit, wanted)
            except Refused as refused:
                self.draft.findings.append(keeps_caches(unit, refused.what))
                continue
            if edits:
                self.put(unit, wanted, edits)
        for build, questions in self.asked.values():
            if lines := [text for text in questions if not self.is_answered(build, text)]:
                self.draft.edits += put_above(self.facts, build, lines, _COMMENT)
        for path, names in self.declared.items():
            self.draft.edits += declare(self.facts, path, list(names))
        self.tell()

    def settle(self) -> None:
        """Which refs move: those of which every writer can be rewritten. A unit that cannot
        holds back the others that write its refs, so the rest is tried again."""
        while True:
            self.choice.move(self.units)
            stuck = [unit for unit in self.units if self.is_stuck(unit)]
            if not stuck and not keep_apart(self.choice, self.units):
                return
            hold_together(self.units, self.roles)

    def is_stuck(self, unit: Unit) -> bool:
        """Whether a unit whose refs move cannot be rewritten; its role then says why."""
        role = self.roles.get(id(unit))
        if role is None or role.stays:
            return False
        try:
            self.edits(unit, self.choice.wanted(unit))
        except Refused as refused:
            role.stays = refused.what
        return bool(role.stays)

    def edits(self, unit: Unit, wanted: Wanted) -> Edits:
        """The edits of the command or bake target; raises `Refused`."""
        return set_caches(self.facts, unit.builds, cache_options(self.store, unit, wanted))

    def put(self, unit: Unit, wanted: Wanted, edits: Edits) -> None:
        """Edits, permits and notes of one unit."""
        draft = self.draft
        if unit.added:
            draft.findings.append(cache_added(unit))
        draft.edits += edits
        self.changed.append(unit)
        if not self.store.ask:
            draft.edits += self.unasked(unit)
        for build in unit.builds:
            self.permit(unit, build, wanted)
        self.declare(unit, wanted)
        names = {item.branch for item in (*wanted.sources, *wanted.exports)}
        self.falls_back |= bool(wanted.question) or DEFAULT in names
        for build in sites(unit) if wanted.question else ():
            self.asked.setdefault(build.site.place, (build, {}))[1][wanted.question] = None
            self.named[wanted.question] = wanted.variable
        draft.permits += self.lines(unit)
        draft.findings += unit_notes(unit, self.roles.get(id(unit)), wanted)

    def is_answered(self, build: Build, question: str) -> bool:
        """Whether a command of the same script asks the same before, whatever else happens, and
        no other question of the script sets that variable."""
        place = build.site.place
        scalar = next((s for s in self.scalars() if _holds(s, place)), None)
        if scalar is None:
            return False
        beside = {at: asked for at, (_, asked) in self.asked.items() if _holds(scalar, at)}
        others = {other for asked in beside.values() for other in asked} - {question}
        if self.named[question] in {self.named[other] for other in others}:
            return False
        always = [s.span for s in parse_shell(scalar.mapped).statements if isinstance(s, Command)]
        return any(
            question in asked
            and at.span.start < place.span.start
            and any(span.contains(at.span) for span in always)
            for at, asked in beside.items()
        )

    def scalars(self) -> Iterator[Scalar]:
        """The items of all scripts."""
        for job in self.pipeline.jobs.values():
            yield from (line.scalar for line in job.lines)

    def declare(self, unit: Unit, wanted: Wanted) -> None:
        """Note the variables that a bake file must declare for a unit's caches."""
        if unit.first.tool is not Tool.BAKE or unit.first.definition is None:
            return
        known = self.declared.setdefault(unit.first.definition.path, {})
        caches = cache_options(self.store, unit, wanted)
        for text in (*caches.sources, *caches.exports):
            read = (part.partition("}")[0] for part in text.split("${")[1:])
            known.update(dict.fromkeys(name for name in read if name.isidentifier()))

    def unasked(self, unit: Unit) -> Edits:
        """A question that `cache-refs` put above the build and that nothing needs any more."""
        values = [v for b in unit.builds for v in (*b.cache_from, *b.cache_to)]
        names = [n for v in values for n in v.written_variables if n.endswith("_CACHE")]
        edits: Edits = []
        for build in sites(unit):
            for name in dict.fromkeys((*names, "CACHE_BRANCH")):
                asks = partial(is_question, name=name)
                try:
                    edits += take_above(self.facts, build, asks, QUESTION_HEIGHT, _COMMENT)
                except Refused as refused:
                    what = f"{refused.place}: no build reads {name} any longer; {refused.action}"
                    self.draft.steps.append(what)
        return edits

    def lines(self, unit: Unit) -> Iterator[Permit]:
        """Leave for the script lines of every job that holds the unit's commands."""
        for job in self.pipeline.jobs.values():
            for line in job.lines:
                if any(_holds(line.scalar, build.site.place) for build in unit.builds):
                    yield Permit("build-call", job.name, self.pipeline.path, line.section)

    def permit(self, unit: Unit, build: Build, wanted: Wanted) -> None:
        """Leave for what one build reads and writes otherwise."""
        for name, items, old in (
            ("cache-from", wanted.sources, build.cache_from),
            ("cache-to", wanted.exports, build.cache_to),
        ):
            source = name == "cache-from"
            new = [cache_text(self.store, i, build, written=False, source=source) for i in items]
            before = [value.text for value in old if not unit.added]
            if new != before:
                path = self.pipeline.path
                values = ("; ".join(before), "; ".join(new))
                self.draft.permits.append(Permit("cache-ref", build.site.name, path, name, *values))

    def tell(self) -> None:
        """What stays and why; the assumption; what is left to do."""
        for unit in self.units:
            role = self.roles.get(id(unit))
            if role is not None and role.stays and role.stays not in QUIET:
                self.draft.findings.append(keeps_caches(unit, role.stays))
        if self.draft.edits:
            self.draft.steps += self.store.steps
        self.draft.findings += readers_elsewhere(self.facts, self.choice.moved)
        if self.falls_back:
            place = next(iter(self.choice.moved.values()))[0].place
            self.draft.findings.append(default_branch_slug(place))


def _holds(scalar: Scalar, place: Place) -> bool:
    return scalar.file.source.path == place.path and scalar.span.contains(place.span)
