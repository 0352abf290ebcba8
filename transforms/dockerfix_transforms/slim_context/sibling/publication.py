"""Which call sites make a sibling's image, under which tag others can read it, and in time.

Knows builds, pushes and jobs; knows no Dockerfile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from dockerfix.api import (
    OPAQUE,
    AlwaysThere,
    Build,
    Facts,
    Job,
    Pipeline,
    SiteKind,
    Tool,
    Value,
    implies,
    lacking_platform,
    runs_without,
    sometimes_pushed,
    unknown_name,
    without_tag,
)

_PIPELINES = (SiteKind.GITLAB, SiteKind.GITHUB)
_CONTEXTS = frozenset({"github", "vars", "secrets", "inputs"})
"""Contexts of workflow expressions that every job of a workflow sees."""


class Publication(Struct, frozen=True):
    """A build that pushes a sibling's image under `tag`. `image` is the reference as other
    commands of the same pipeline must write it."""

    build: Build
    image: str
    tag: Value

    @property
    def text(self) -> str:
        """The reference with variables as `${NAME}`."""
        return self.tag.text

    def seen_by(self, consumer: Build) -> str:
        """The reference as a consumer must write it: what a shell knows, or an expression."""
        in_shell = consumer.tool is not Tool.ACTION and "${GITHUB_" in self.text
        return self.text if in_shell else self.image

    @property
    def shared(self) -> bool:
        """Whether all branches push the same tag: nothing in it varies."""
        return "$" not in self.text[len(without_tag(self.text)) :]


def makers(facts: Facts, folder: str) -> list[Build]:
    """The builds of a sibling's own Dockerfile, those with its folder as context first."""
    made = [b for b in facts.builds.builds if b.dockerfile in facts.snapshot]
    own = [b for b in made if b.context == folder]
    wide = [b for b in made if b not in own and (b.dockerfile or "").startswith(f"{folder}/")]
    return own or [b for b in wide if b.context is not None]


def publications(facts: Facts, builds: Sequence[Build]) -> list[Publication]:
    """Where pipelines push the image, the most telling tags of each build first."""
    found: list[Publication] = []
    for build in builds:
        if build.site.kind not in _PIPELINES or build.tool is Tool.COMPOSE:
            continue
        named = [(tag, text) for tag in _pushed(facts, build) if (text := _portable(build, tag))]
        named.sort(key=lambda pair: _vagueness(pair[0].text))
        found += [Publication(build, text, tag) for tag, text in named]
    return found


def _pushed(facts: Facts, build: Build) -> Iterator[Value]:
    """The tags that the build pushes, or a later command of its script does."""
    if build.push:
        yield from build.tags
        return
    mine = [c for c in facts.builds.images if _same_script(c.site.name, c.site.kind, build)]
    texts = {tag.text for tag in build.tags}
    for call in mine:
        if call.verb == "tag" and len(call.names) == 2 and call.names[0].text in texts:
            texts.add(call.names[1].text)
    for call in mine:
        if call.verb == "push" and call.names and call.names[0].text in texts:
            yield call.names[0]


def _same_script(name: str, kind: SiteKind, build: Build) -> bool:
    return name == build.site.name and kind is build.site.kind


def _portable(build: Build, tag: Value) -> str:
    """The tag as another job of the kind writes it; empty when it cannot."""
    return tag.text if build.site.kind is SiteKind.GITLAB else _as_expressions(tag.text)


def _as_expressions(text: str) -> str:
    """`${github_sha}` as the workflow expression that it stands for; empty for what another
    job does not know."""
    parts = text.split("${")
    found = parts[0]
    for part in parts[1:]:
        name, _, rest = part.partition("}")
        context, _, key = name.partition("_")
        if context.lower() not in _CONTEXTS or not key:
            return ""
        lower = context.islower()
        found += "${{ " + f"{context.lower()}.{key if lower else key.lower()}" + " }}" + rest
    return found


def _vagueness(text: str) -> int:
    """Tags that name one commit come first, then one branch, then anything that varies."""
    tag = text[len(without_tag(text)) :]
    if "SHA" in tag.upper():
        return 0
    return 1 if "REF" in tag.upper() or "BRANCH" in tag.upper() else 2 if "$" in tag else 3


def best_for(facts: Facts, consumer: Build, published: Sequence[Publication]) -> Publication | None:
    """The publication that a consumer's call site can rely on: of the same pipeline, there
    whenever the consumer is, as early as can be."""
    fitting = [p for p in _near(consumer, published) if not unread(facts, p, consumer)]
    if not fitting:
        return None
    return min(fitting, key=lambda p: _rank(facts.pipeline, consumer, p))


def why_none(facts: Facts, consumer: Build, published: Sequence[Publication]) -> str:
    """Why no publication of its pipeline serves a consumer; empty where one does, or where its
    pipeline has none."""
    reasons = [unread(facts, p, consumer) for p in _near(consumer, published)]
    return next(iter(reasons), "") if all(reasons) else ""


def _near(consumer: Build, published: Sequence[Publication]) -> list[Publication]:
    """The publications of the consumer's own pipeline."""
    near = [p for p in published if p.build.site.kind is consumer.site.kind]
    if consumer.site.kind is SiteKind.GITHUB:
        near = [p for p in near if p.build.site.place.path == consumer.site.place.path]
        shell = consumer.tool is not Tool.ACTION
        near = [p for p in near if shell or "${GITHUB_" not in p.text]
    return near


def unread(facts: Facts, publication: Publication, consumer: Build) -> str:
    """Why a consumer cannot read a publication; empty where nothing says so."""
    maker, tag, name = publication.build, publication.tag, consumer.site.name
    unknown = unknown_name(facts, maker, tag, consumer)
    if unknown == OPAQUE:
        return "the tag of its image holds what a command prints"
    if unknown:
        return f"{name} does not surely have {unknown}, which the tag of its image holds"
    condition = sometimes_pushed(facts, maker, tag, consumer)
    if condition:
        return f"its image is pushed in some runs alone: {condition}"
    needless = runs_without(facts, maker, consumer)
    if needless:
        return f"{needless} runs even where {maker.site.name} does not"
    platform = lacking_platform(maker, consumer)
    return f"its image is not surely made for {platform}, as {name} is" if platform else ""


def _rank(
    pipeline: Pipeline | None, consumer: Build, publication: Publication
) -> tuple[bool, bool, int, int]:
    own, user = job_in(pipeline, publication.build), job_in(pipeline, consumer)
    vague = _vagueness(publication.text)
    if pipeline is None or own is None or user is None:
        return (False, False, vague, 0)
    if own.name == user.name:
        return (_position(publication.build) > _position(consumer), False, vague, -1)
    order = {name: number for number, name in enumerate(pipeline.stages)}
    number = order.get(own.stage, 0)
    late = number > order.get(user.stage, 0)
    there = isinstance(implies(pipeline, user, own), AlwaysThere)
    return (late, not there, vague, number)


def _position(build: Build) -> int:
    """Where a build stands in its script: its command, or the call that leads to it."""
    return (build.calls[0].place if build.calls else build.site.place).span.start


def job_in(pipeline: Pipeline | None, build: Build) -> Job | None:
    """The GitLab job that holds a build."""
    if pipeline is None or build.site.kind is not SiteKind.GITLAB:
        return None
    return pipeline.jobs.get(build.site.name)


def local_image(consumer: Build, builds: Sequence[Build]) -> str | None:
    """The tag under which the same Makefile builds the sibling, as it is written there."""
    for build in builds:
        same = build.site.place.path == consumer.site.place.path
        if same and build.site.kind is SiteKind.MAKE and build.tags:
            return build.tags[0].written.strip("\"'")
    return None
