"""Checks *same images asked for*: what was pushed is pushed, from the image that stands for it.

Every ask of the snapshot before is looked for in the one after; asks for images that nothing
stands for must be there unchanged, and no tag may be pushed more often. Knows how asks are
matched; what an ask is stands in `asks`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

from msgspec.structs import replace

from dockerfix.facts.model import Build, SiteKind
from dockerfix.facts.repository import Facts
from dockerfix.proof.asks.asks import Ask, Sent, asks_of, cache_writers, sent_of, values_for
from dockerfix.proof.obligation import Image, Obligation, Verdict
from dockerfix.syntax.yaml.tree import to_data
from dockerfix.text import Place, SnapshotError

_OUTPUT = re.compile(r"(?<=[{_])steps_\w+?_outputs_")
"""The step that an output comes from, in a variable that stands for the output."""
Key = tuple[str, int | str]
"""A Dockerfile and the number of a stage in it (or a target that it does not have)."""


class SameImagesAskedFor(Obligation, frozen=True):
    """Each tag pushed before is pushed after, from the image that stands for the old one,
    with the same build arguments, platforms, secrets, named contexts and labels, and no tag
    more often. What is built without a push (Compose, documents) is built after as well.

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
        "stands-for": "call sites ask for the image after where they asked for the one before",
        "argument-added": "call sites pass a build argument or a named context in addition",
        "context-moved": "call sites pass another build context; *same files* judges it",
    }

    def check(self, before: Facts, after: Facts) -> Verdict:
        """Whether every ask has its counterpart, and nothing else is asked for."""
        return _judge(self, before, after)


def _judge(owed: SameImagesAskedFor, before: Facts, after: Facts) -> Verdict:
    comparison = _Comparison(owed, before, after)
    old, new, unfulfilled = comparison.asks()
    comparison.match(old, new, unfulfilled)
    comparison.sent()
    comparison.commands()
    comparison.caches()
    comparison.compose()
    comparison.blind()
    pushed = len({ask.tag for ask in old if ask.pushed})
    return Verdict(
        _statement(pushed, sum(not ask.pushed for ask in old)),
        tuple(comparison.differences),
        tuple(comparison.failures),
    )


def _statement(pushed: int, others: int) -> str:
    """What holds, in the words of the report."""
    tags = f"{pushed} pushed {'tag' if pushed == 1 else 'tags'}" if pushed else ""
    builds = f"{others} other {'build' if others == 1 else 'builds'}" if others and pushed else ""
    if others and not pushed:
        builds = f"{others} {'build' if others == 1 else 'builds'}"
    every = "The" if pushed + others == 1 else "All"
    gets, image = ("gets", "image") if pushed + others == 1 else ("get", "images")
    return f"{every} {' and '.join(filter(None, (tags, builds)))} still {gets} the same {image}"


class _Comparison:
    """Gathers over both snapshots; dicts keep the first of equal lines."""

    def __init__(self, owed: SameImagesAskedFor, before: Facts, after: Facts) -> None:
        self.owed = owed
        self.before = before
        self.after = after
        self.differences: dict[str, None] = {}
        self.failures: dict[str, None] = {}

    def asks(self) -> tuple[list[Ask], list[Ask], list[Ask]]:
        """The asks of both sides, for the same values of the same variables, and those of the
        new side that name a target which is not there.

        A value without such a target was no use before and is left out; values that the patch
        adds must have one.
        """
        old_values = self.with_targets(values_for(self.before))
        added = self.with_targets(values_for(self.after))
        new_values = {
            name: tuple(dict.fromkeys((*old_values.get(name, ()), *values)))
            for name, values in (old_values | added).items()
        }
        olds = self.nameless(asks_of(self.before.builds, old_values))
        old = [ask for ask in olds if self.exists(self.before, ask)]
        new = self.nameless(asks_of(self.after.builds, new_values))
        unfulfilled = [ask for ask in new if not self.exists(self.after, ask)]
        known = set(self.nameless(asks_of(self.after.builds, old_values)))
        for ask in unfulfilled:
            if ask not in known:
                self.failures[f"{ask.site}: {ask.dockerfile} has no target `{ask.target}`"] = None
        return old, [ask for ask in new if ask not in unfulfilled], unfulfilled

    def nameless(self, asks: Iterable[Ask]) -> list[Ask]:
        """The asks; in a workflow whose jobs were joined, outputs without their step's id."""
        return [
            replace(
                ask,
                tag=_OUTPUT.sub("outputs_", ask.tag),
                written=_OUTPUT.sub("outputs_", ask.written),
                details=tuple((n, _OUTPUT.sub("outputs_", v)) for n, v in ask.details),
            )
            if ask.site.place.path in self.owed.joined
            else ask
            for ask in asks
        ]

    def with_targets(self, values: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        """The values; a variable of a target that gets none takes every old target."""
        found = dict(values)
        targets = tuple(dict.fromkeys(old.target for old, _ in self.owed.stands_for if old.target))
        for facts in (self.before, self.after):
            for build in facts.builds.builds:
                for name in build.target.variables if build.target is not None else ():
                    if not found.get(name):
                        found[name] = targets
        return found

    def exists(self, facts: Facts, ask: Ask) -> bool:
        """Whether the ask can be fulfilled: its Dockerfile has its target."""
        if ask.dockerfile is None or "${" in ask.target:
            return True
        return isinstance(self.key(facts, ask.dockerfile, ask.target)[1], int)

    def key(self, facts: Facts, dockerfile: str, target: str) -> Key:
        """The stage that a target means; a stage that adds nothing is the one below it."""
        if dockerfile not in facts.snapshot:
            return dockerfile, target
        try:
            graph = facts.stages(dockerfile)
        except SnapshotError:
            return dockerfile, target
        stage = graph.target(target)
        while stage is not None and not stage.instructions and graph.base(stage) is not None:
            stage = graph.base(stage)
        return dockerfile, stage.index if stage is not None else target

    def match(self, old: list[Ask], new: list[Ask], unfulfilled: list[Ask]) -> None:
        """Find each old ask among the new ones, then say what became of the others."""
        standing = {
            self.key(self.before, first.dockerfile, first.target): second
            for first, second in self.owed.stands_for
        }
        files = {first.dockerfile for first, _ in self.owed.stands_for}
        rest: dict[_Call, list[Ask]] = {}
        for ask in new:
            rest.setdefault(_call(ask), []).append(ask)
        missing: list[tuple[Ask, Key]] = []
        for ask in old:
            wanted = self.wanted(ask, standing, files)
            if wanted is None:
                continue
            others = rest.get(_call(ask), [])
            found = next((other for other in others if self.fits(ask, other, wanted)), None)
            if found is not None:
                others.remove(found)
            else:
                missing.append((ask, wanted))
        for ask, wanted in missing:
            others = rest.get(_call(ask), [])
            vain = (other for other in unfulfilled if _call(other) == _call(ask))
            near = others.pop(0) if others else next(vain, None)
            self.missing(ask, near, wanted)
        counts = Counter(ask.tag for ask in old if ask.pushed)
        for ask in (ask for others in rest.values() for ask in others):
            self.extra(ask, counts)

    def wanted(self, ask: Ask, standing: Mapping[Key, Image], files: set[str]) -> Key | None:
        """The image that an ask must get now: the successor's, or its own."""
        if ask.dockerfile is None:
            return "", ask.written
        key = self.key(self.before, ask.dockerfile, ask.target)
        image = standing.get(key)
        if image is not None:
            return self.key(self.after, image.dockerfile, image.target)
        if ask.dockerfile in files and ask.dockerfile not in self.after.snapshot:
            self.failures[
                f"{ask.site}: no image replaces {Image(ask.dockerfile, ask.target)}, "
                "whose file is gone"
            ] = None
            return None
        return self.key(self.after, ask.dockerfile, ask.target)

    def fits(self, old: Ask, new: Ask, wanted: Key) -> bool:
        """Whether a new ask gives the same tag to the wanted image, with all else the same."""
        image = self.image(new)
        return (image == wanted or self.left(old, image)) and not self.other(old, new)

    def left(self, old: Ask, image: Key) -> bool:
        """Whether a call site was left on the old image, whose file stays as it was."""
        if old.dockerfile is None or image != self.key(self.before, old.dockerfile, old.target):
            return False
        before, after = self.before.snapshot, self.after.snapshot
        return old.dockerfile in after and before.read(old.dockerfile) == after.read(old.dockerfile)

    def image(self, ask: Ask) -> Key:
        """What a new ask builds."""
        if ask.dockerfile is None:
            return "", ask.written
        return self.key(self.after, ask.dockerfile, ask.target)

    def other(self, old: Ask, new: Ask) -> list[str]:
        """What differs beside the image: contexts, arguments, platforms, secrets, labels."""
        found: list[str] = []
        moved = (old.dockerfile, old.context, new.context) in self.owed.contexts
        if old.context != new.context and not moved:
            found.append(f"the context is `{_shown(new.context)}`, it was `{_shown(old.context)}`")
        added = {name for file, name in self.owed.arguments_added if file == new.dockerfile}
        found += self.overridden(old, new, added)
        details = [d for d in new.details if d[0].rsplit(" ", 1)[-1] not in added]
        kept = [d for d in old.details if d[0].rsplit(" ", 1)[-1] not in added]
        found += [f"{n} is gone (`{v}`)" for n, v in _less(kept, details)]
        found += [f"{n} is new (`{v}`)" for n, v in _less(details, kept)]
        return found

    def overridden(self, old: Ask, new: Ask, added: AbstractSet[str]) -> Iterator[str]:
        """A named context takes the place of a stage of its name: it must do so on both sides
        or on none."""
        for name, given in new.details:
            context = name.removeprefix("named context ")
            if context == name or context in added:
                continue
            before, after = (
                ask.dockerfile is not None
                and ask.dockerfile in facts.snapshot
                and facts.stages(ask.dockerfile).find(context) is not None
                for facts, ask in ((self.before, old), (self.after, new))
            )
            if before != after:
                verb = "replaces a stage now" if after else "no longer replaces a stage"
                yield f"the named context {context} (`{given}`) {verb}"

    def missing(self, ask: Ask, near: Ask | None, wanted: Key) -> None:
        """An old ask without a counterpart: what is nearest, or that there is none."""
        if (ask.dockerfile, ask.site.place.path) in self.owed.left:
            self.differences[f"left-behind: {ask.site} asks for {_where(ask)}"] = None
            return
        verb = "pushed" if ask.pushed else "built"
        tag = f"`{ask.tag}`" if ask.tag else f"the image of {_where(ask)}"
        if near is None:
            self.failures[f"{ask.site}: {tag} is no longer {verb}"] = None
            return
        if self.image(near) != wanted:
            name = self.stage_name(wanted)
            self.failures[
                f"{near.site}: {tag} is {verb} from {_where(near)}, it must be {name}"
            ] = None
        for what in self.other(ask, near):
            self.failures[f"{near.site}: {tag}: {what}; it was asked for at {ask.site}"] = None

    def stage_name(self, key: Key) -> str:
        """A key for a person."""
        dockerfile, stage = key
        if isinstance(stage, int) and dockerfile in self.after.snapshot:
            name = self.after.stages(dockerfile).stages[stage].name
            return str(Image(dockerfile, name or str(stage)))
        return str(Image(dockerfile, str(stage)))

    def extra(self, ask: Ask, counts: Counter[str]) -> None:
        """A new ask without a predecessor."""
        if ask.pushed:
            more = "more often than before" if counts[ask.tag] else "and was not before"
            self.failures[f"{ask.site}: `{ask.tag}` is pushed {more}"] = None
        elif ask.site.kind is SiteKind.DOCUMENT:
            self.differences[f"document: {ask.site} names a build that it did not name"] = None
        else:
            self.failures[f"{ask.site}: {_where(ask)} is built and was not before"] = None

    def sent(self) -> None:
        """Pushes of images from elsewhere (pull, tag, push) are the same."""
        old, new = sent_of(self.before.builds), sent_of(self.after.builds)
        for item in _fewer(old, new):
            self.failures[f"{item.site}: `{item.tag}` is no longer pushed"] = None
        for item in _fewer(new, old):
            self.failures[f"{item.site}: `{item.tag}` is pushed and was not before"] = None

    def commands(self) -> None:
        """One build command builds one target: the last `--target` wins for every tag."""
        known = {_repeated(build) for build in self.before.builds.builds}
        for build in self.after.builds.builds:
            repeated = _repeated(build)
            if repeated and repeated not in known:
                self.failures[
                    f"{build.site}: several --target ({', '.join(repeated)}): the last one wins, "
                    "and every tag gets its image; use one bake call, or one command each"
                ] = None

    def caches(self) -> None:
        """A cache ref keeps its writer and gets no further one: an export replaces it."""
        old = Counter(ref for ref, _ in cache_writers(self.before.builds))
        sites = dict(cache_writers(self.after.builds))
        new = Counter(ref for ref, _ in cache_writers(self.after.builds))
        for ref, count in new.items():
            if count > max(old[ref], 1):
                what = f"the cache `{ref}` gets {count} writers, it had {old[ref]}"
                self.failures[f"{sites[ref]}: {what}: the last one wins"] = None
        for ref in old:
            if ref not in new:
                self.differences[f"cache: nothing writes `{ref}` any longer"] = None

    def compose(self) -> None:
        """Compose services are the same but for what decides which image is built."""
        old, new = _services(self.before), _services(self.after)
        for name in dict.fromkeys((*old, *new)):
            if old.get(name) != new.get(name):
                self.failures[f"{name} differs in more than its build"] = None

    def blind(self) -> None:
        """The patch adds nothing that cannot be followed.

        What stood there before, and was followed then, is no addition: a template whose jobs
        run something else now is followed no more.
        """
        old = Counter((b.place.path, b.what, b.why) for b in self.before.builds.blind)
        for spot in self.after.builds.blind:
            key = (spot.place.path, spot.what, spot.why)
            old[key] -= 1
            if old[key] < 0 and not self.stood(spot.place):
                self.failures[f"{spot.place}: {spot.what} cannot be followed: {spot.why}"] = None

    def stood(self, place: Place) -> bool:
        """Whether the text at a place of the new snapshot is a text of the old file."""
        if place.path not in self.before.snapshot:
            return False
        text = self.after.snapshot.source(place.path).slice(place.span).strip()
        return bool(text) and text in self.before.snapshot.read(place.path)


_Call = tuple[bool, str, str]


def _call(ask: Ask) -> _Call:
    """What an ask is looked for by."""
    return ask.pushed, ask.owner, ask.tag


def _shown(path: str | None) -> str:
    return "unknown" if path is None else path or "."


def _where(ask: Ask) -> str:
    if ask.dockerfile is None:
        return f"a Dockerfile that is not known ({ask.written.strip()})"
    return str(Image(ask.dockerfile, ask.target))


def _less(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    yield from (Counter(first) - Counter(second)).elements()


def _fewer(first: tuple[Sent, ...], second: tuple[Sent, ...]) -> Iterator[Sent]:
    """Items of the first that the second has fewer of, by tag and source."""
    counts = Counter((item.tag, item.source) for item in second)
    for item in first:
        counts[item.tag, item.source] -= 1
        if counts[item.tag, item.source] < 0:
            yield item


def _repeated(build: Build) -> tuple[str, ...]:
    values = [o.value.text for o in build.options if o.name == "target" and o.value is not None]
    return tuple(values) if len(set(values)) > 1 else ()


_DECIDING = frozenset({"context", "dockerfile", "target", "args", "additional_contexts"})


def _services(facts: Facts) -> dict[str, Any]:
    """All of the Compose files but for what decides which image is built, by service."""
    found: dict[str, Any] = {}
    for file in facts.builds.compose.files:
        data = to_data(file.root)
        if not isinstance(data, dict):
            continue
        services = data.pop("services", None)
        found[f"{file.source.path}: what is beside the services"] = data
        for name, service in (services if isinstance(services, dict) else {}).items():
            if isinstance(service, dict) and "build" in service:
                build = service.pop("build")
                rest = build if isinstance(build, dict) else {}
                kept = {key: value for key, value in rest.items() if key not in _DECIDING}
                service["build"] = kept
            found[f"{file.source.path}: the service {name}"] = service
    return found
