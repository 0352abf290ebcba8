"""Siblings built inline from the cache that their own job writes: `--via cache`.

The context stays. A sibling's steps move into a stage that is its own Dockerfile to the letter,
the package is copied from there, and the pipeline's builds read the cache of the job that builds
the sibling. Knows the order of the work on one consumer; `inlined` writes the stages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from dockerfix.api import (
    Build,
    Caches,
    Change,
    Facts,
    Image,
    Judge,
    Permit,
    Refused,
    SiteKind,
    Stage,
    Tool,
    Value,
    Wanted,
    classic_rules,
    inner_path,
    is_accepted,
    lacking_platform,
    read_cache,
    relative_path,
    rules_of,
    set_caches,
    unknown_name,
)
from dockerfix_transforms.slim_context.inlined import MAKING, inlined
from dockerfix_transforms.slim_context.part import Idle, Part
from dockerfix_transforms.slim_context.permits import targets_of
from dockerfix_transforms.slim_context.read.consumer import Consumer, read_consumer
from dockerfix_transforms.slim_context.read.inline import Region, regions
from dockerfix_transforms.slim_context.read.safety import check_triggers, is_classic
from dockerfix_transforms.slim_context.read.scope import Built
from dockerfix_transforms.slim_context.refusal import refusal
from dockerfix_transforms.slim_context.rewrite import (
    numeric_edits,
    sibling_edits,
    stage_edits,
    stage_names,
)
from dockerfix_transforms.slim_context.sibling.differences import Differences, lacking
from dockerfix_transforms.slim_context.sibling.origin import From
from dockerfix_transforms.slim_context.sibling.provider import (
    NoProvider,
    Provider,
    files_below,
    missing_steps,
    read_provider,
)
from dockerfix_transforms.slim_context.sibling.publication import job_in, makers

_READING = frozenset({Tool.DOCKER_BUILD, Tool.BUILDX_BUILD})


class Written(Struct, frozen=True):
    """A cache that a job writes of all stages of a sibling's Dockerfile: its build, and the
    value of the option."""

    build: Build
    value: Value

    @property
    def source(self) -> str:
        """The value with which another build reads it."""
        return f"type=registry,ref={read_cache(self.value.text).ref}"


class Sibling(Struct, frozen=True):
    """A sibling whose steps its cache can serve: what it is copied from, and the regions that
    are replaced."""

    origin: From
    provider: Provider
    written: Written
    found: tuple[Region, ...]
    context: str
    """The stage in whose place builds give the sibling's context; empty where none must."""


def by_cache(facts: Facts, part: Part, made: Built) -> Part | Idle:
    """What one Dockerfile comes to with its siblings from caches. Raises `CannotSlimError`."""
    consumer = read_consumer(facts, made, "cache")
    if isinstance(consumer, str):
        return Idle(consumer)
    check_triggers(facts, made.path)
    own = [r for r in regions(consumer, facts.snapshot) if r.steps and not r.split]
    if not own:
        return Idle(f"{made.path} runs no step on a sibling, so that a cache would save nothing")
    siblings = list(_siblings(facts, consumer, own))
    if not siblings:
        return Idle(
            f"no step of {made.path} can come from a cache: none works in the sibling's folder "
            "alone and is run by the sibling's Dockerfile with the same words and variables"
        )
    part.consumer = None
    found = [region for sibling in siblings for region in sibling.found]
    froms = {region.sibling: s.origin for s in siblings for region in s.found}
    edits = [*sibling_edits(consumer, found, froms), *stage_edits(consumer, found, froms)]
    part.edits += [(consumer.path, edit) for edit in (*edits, *numeric_edits(consumer))]
    part.permits += [
        Permit("sibling-stage", str(Image(consumer.path, target)), consumer.path)
        for target in targets_of(consumer)
    ]
    for sibling in siblings:
        _tell(facts, part, consumer, sibling)
    part.permits += [
        Permit("provider-lacks", str(Image(consumer.path, target)), consumer.path, file)
        for target in targets_of(consumer)
        for file in sorted(part.lacking)
    ]
    _read_caches(facts, part, consumer, [s.written for s in siblings])
    _give_contexts(part, consumer, siblings)
    _summarise(part, made, siblings)
    return part


def _siblings(facts: Facts, consumer: Consumer, own: Sequence[Region]) -> Iterator[Sibling]:
    """The siblings that take part. Raises `CannotSlimError` for one that cannot, though its
    Dockerfile runs the consumer's steps."""
    names = stage_names(consumer, consumer.siblings)
    for name in dict.fromkeys(region.sibling for region in own):
        written = _written(facts, consumer, name)
        found = tuple(region for region in own if region.sibling == name)
        if isinstance(written, str):
            first = found[0].first
            raise refusal(
                consumer.graph, "no-cache", written,
                f"let the job that builds {name} write a cache with `--cache-to type=registry,"
                "ref=IMAGE:TAG,mode=max`", first.code,
            )  # fmt: skip
        provider = read_provider(facts, name, written.build, names[name])
        if isinstance(provider, NoProvider):
            raise refusal(
                consumer.graph, "no-provider", provider.what, provider.action, found[0].first.code
            )
        whole = From(names[name], provider, "")
        gaining = tuple(
            r
            for r in found
            if not _is_own(r.stage, provider) and (w := whole.whole(r)) is not None and w.seen
        )
        if not gaining:
            continue
        _check_same(facts, consumer, written.build, provider)
        stages = inlined(consumer, provider, names[name])
        origin = From(stages.name, provider, "", stages=stages.text)
        yield Sibling(origin, provider, written, gaining, stages.context)


def _is_own(stage: Stage, provider: Provider) -> bool:
    """Whether a stage of the consumer's file does what the sibling's own Dockerfile does."""
    return any(_done(stage) == _done(own) for own in provider.graph.needs(provider.stage))


def _done(stage: Stage) -> list[tuple[str, str]]:
    """What a stage does; of a COPY its place alone, since its sources are written elsewhere."""
    made = [item for item in stage.instructions if item.keyword in MAKING]
    return [(item.keyword, item.text if item.keyword == "RUN" else "") for item in made]


def _written(facts: Facts, consumer: Consumer, sibling: str) -> Written | str:
    """The cache of all steps of a sibling that the pipeline's builds of the consumer can read,
    or why there is none."""
    readers = _readers(consumer)
    if not readers:
        return f"no build of {consumer.path} in a GitLab pipeline can read a cache"
    why = f"no job that was read writes a cache of {sibling} with mode=max"
    for build in makers(facts, sibling):
        if build.site.kind is not SiteKind.GITLAB:
            continue
        for value in build.cache_to:
            spec = read_cache(value.text)
            if not spec.ref or spec.get("mode") != "max" or len(set(value.possible)) != 1:
                continue
            other = next((n for r in readers if (n := unknown_name(facts, build, value, r))), "")
            if other:
                why = f"the builds of {consumer.path} do not surely know {other}, which the cache "
                why += f"of {sibling} is named after"
                continue
            return Written(build, value)
    return why


def _readers(consumer: Consumer) -> list[Build]:
    """The consumer's builds in the pipeline that can read a cache of BuildKit's."""
    return [
        b
        for b in consumer.builds
        if b.site.kind is SiteKind.GITLAB and set(b.tools) <= _READING and not is_classic(b)
    ]


def _check_same(facts: Facts, consumer: Consumer, build: Build, provider: Provider) -> None:
    """What BuildKit would have to find the same beside the instructions: build arguments, the
    platform, and the files that the ignore files let through. Raises `CannotSlimError`."""
    why = ""
    if build.arguments:
        why = f"{build.site} passes build arguments"
    for reader in _readers(consumer):
        platform = lacking_platform(build, reader)
        why = why or (f"its image is not surely made for {platform}" if platform else "")
    names = {n for s in provider.graph.needs(provider.stage) for n in _arguments(s)}
    passed = {a.name for b in consumer.builds for a in b.arguments}
    if names & passed:
        why = f"call sites of {consumer.path} pass {', '.join(sorted(names & passed))}"
    why = why or _other_files(facts, consumer, build, provider)
    if why:
        raise refusal(
            consumer.graph, "cache-misses",
            f"the steps of {provider.graph.tree.path} would not be found in its cache: {why}",
            "make both builds see the same, or pass --via image",
            consumer.graph.stages[0].from_.code,
        )  # fmt: skip


def _arguments(stage: Stage) -> Iterator[str]:
    for item in stage.instructions:
        if item.keyword == "ARG":
            yield from (word.value.partition("=")[0] for word in item.words)


def _other_files(facts: Facts, consumer: Consumer, build: Build, provider: Provider) -> str:
    """A file of the sibling that only one of the two contexts lets through."""
    context = build.context or ""
    theirs = Judge(rules_of(facts, context, provider.graph.tree.path))
    named = Judge(classic_rules(facts, context))
    mine = Judge(rules_of(facts, consumer.context, consumer.path))
    for path in files_below(facts, provider.folder):
        inner = inner_path(path, context)
        here = mine.judge_path(inner_path(path, consumer.context)).matched
        if any(judge.judge_path(inner).matched != here for judge in (theirs, named)):
            return f"an ignore file leaves {path} out of one of the two builds"
    return ""


def _tell(facts: Facts, part: Part, consumer: Consumer, sibling: Sibling) -> None:
    """What differs between the steps here and the sibling's own, and what is kept."""
    for region in sibling.found:
        files = lacking(facts, consumer, region, sibling.provider)
        part.lacking |= set(files)
        accepted = is_accepted("provider-lacks", consumer.path, part.accept)
        whole = sibling.origin.whole(region)
        differences = Differences(facts, consumer, region, sibling.provider, whole)
        part.findings += differences.all(files, accepted)
        for step in missing_steps(region, sibling.provider):
            where = sibling.provider.graph.tree.path
            part.summary.append(f"kept, since {where} does not run it: {step.short}")


def _read_caches(facts: Facts, part: Part, consumer: Consumer, caches: Sequence[Written]) -> None:
    """The pipeline's builds read the siblings' caches. A command that serves several builds
    gets them once."""
    commands: dict[object, list[Build]] = {}
    for build in _readers(consumer):
        commands.setdefault(build.site.place, []).append(build)
    for builds in commands.values():
        sources = [c.source for c in caches]
        old = [v.written.strip("\"'") for v in builds[0].cache_from]
        texts = [v.text for v in builds[0].cache_from]
        new = [s for s in sources if s not in texts]
        if not new:
            continue
        exports = tuple(v.written.strip("\"'") for v in builds[0].cache_to)
        try:
            edits = set_caches(facts, builds, Caches((*old, *new), exports))
        except Refused as refused:
            part.steps.append(
                f"{builds[0].site}: add --cache-from {' --cache-from '.join(new)} by hand; "
                f"{refused.what}"
            )
            continue
        part.edits += edits
        for build in builds:
            before = "; ".join(v.text for v in build.cache_from)
            after = "; ".join([*(v.text for v in build.cache_from), *new])
            path = facts.pipeline.path if facts.pipeline is not None else ""
            part.permits.append(
                Permit("cache-ref", build.site.name, path, "cache-from", before, after)
            )
            part.callers.add(build.site.name)
        part.summary.append(f"{builds[0].site.name} reads {', '.join(new)}")
        part.summary += _late(facts, builds, caches)


def _give_contexts(part: Part, consumer: Consumer, siblings: Sequence[Sibling]) -> None:
    """The pipeline's builds give the context of each sibling whose Dockerfile copies all of it."""
    given = [(s.context, s.written.build.context or "") for s in siblings if s.context]
    for build in _readers(consumer) if given else ():
        contexts = tuple((name, relative_path(path, build.folder)) for name, path in given)
        part.changes.append(Change(build, Wanted(consumer.path, named_contexts=contexts)))
    for name, _ in given:
        part.permits.append(Permit("argument-added", consumer.path, consumer.path, name))


def _late(facts: Facts, builds: Sequence[Build], caches: Sequence[Written]) -> Iterator[str]:
    """Where the cache may be one of an earlier pipeline, since its job runs no sooner."""
    pipeline = facts.pipeline
    for build in builds:
        reader = job_in(pipeline, build)
        for cache in caches:
            maker = job_in(pipeline, cache.build)
            if pipeline is None or reader is None or maker is None or maker.name == reader.name:
                continue
            order = {name: number for number, name in enumerate(pipeline.stages)}
            sooner = order.get(maker.stage, 0) < order.get(reader.stage, 0)
            needed = any(need.job == maker.name for need in reader.needs or ())
            if not (needed or (sooner and reader.needs is None)):
                yield (
                    f"  {reader.name} does not wait for {maker.name}: after a change of the "
                    "sibling its steps may run in both"
                )


def _summarise(part: Part, made: Built, siblings: Sequence[Sibling]) -> None:
    files = " and ".join(dict.fromkeys(s.provider.graph.tree.path for s in siblings))
    context = made.context or "the repository's root"
    part.summary.append(
        f"the context of {made.path} stays {context}, and what is sent of it stays as large; on "
        f"a runner without a cache no step of {files} runs again"
    )
