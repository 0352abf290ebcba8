"""Where each sibling comes from, and what a call site must pass for it.

The image that something publishes, a service or target that the same file builds, or the
sibling's folder as a named context. Knows providers and publications; edits nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence

from dockerfix.api import (
    Build,
    Change,
    Facts,
    Finding,
    Severity,
    SiteKind,
    Tool,
    Wanted,
    relative_path,
)
from dockerfix_transforms.slim_context.part import Part
from dockerfix_transforms.slim_context.read.consumer import Consumer
from dockerfix_transforms.slim_context.read.inline import Region
from dockerfix_transforms.slim_context.refusal import CannotSlimError, refusal
from dockerfix_transforms.slim_context.rewrite import stage_names
from dockerfix_transforms.slim_context.sibling.origin import From, context_note, image_note
from dockerfix_transforms.slim_context.sibling.provider import NoProvider, Provider, read_provider
from dockerfix_transforms.slim_context.sibling.publication import (
    Publication,
    best_for,
    local_image,
    makers,
    publications,
    why_none,
)

_PUBLISH = "publish an image of {sibling} from a CI job, or pass --via context"


class Origins:
    """The origins of all siblings of one call; each provider is read once.

    `via` is the way that was asked for, `builds` whether providers get the steps that they
    lack.
    """

    def __init__(self, facts: Facts, via: str, builds: bool) -> None:
        self.facts = facts
        self.via = via
        self.builds = builds
        self.providers: dict[str, Provider] = {}
        self.published: dict[str, list[Publication]] = {}

    def of(self, consumer: Consumer, found: Sequence[Region], part: Part) -> dict[str, From]:
        """The stage that stands for each sibling; raises `CannotSlimError` for one without an
        image that the consumer's call sites can pass."""
        names = stage_names(consumer, consumer.siblings)
        origins: dict[str, From] = {}
        for region in found:
            if region.sibling not in origins:
                name = names[region.sibling]
                origins[region.sibling] = self.origin(consumer, region, name, part)
        return origins

    def origin(self, consumer: Consumer, region: Region, name: str, part: Part) -> From:
        """The stage of one sibling."""
        sibling = region.sibling
        named = From(name, None, context_note(name, sibling))
        if sibling == consumer.context:
            if self.via == "auto":
                part.findings.append(_beside(consumer, region))
            return named
        if self.via == "context":
            return named
        try:
            provider = self.provider(consumer, region)
            self.check_read(consumer, region)
        except CannotSlimError as error:
            if self.via != "auto" or error.finding.name != "no-provider":
                raise
            part.findings.append(_named_context(sibling, error.finding))
            if region.steps:
                part.unread.append(_unread(sibling, error.finding))
            return named
        if provider.argument in consumer.graph.global_arguments:
            raise refusal(
                consumer.graph, "argument-taken",
                f"the file has a build argument {provider.argument} already",
                "give it another name", consumer.graph.stages[0].from_.code,
            )  # fmt: skip
        return From(name, provider, image_note(provider.argument, name), self.builds)

    def provider(self, consumer: Consumer, region: Region) -> Provider:
        """The provider of a region's sibling; raises `CannotSlimError` without one."""
        sibling = region.sibling
        if sibling in self.providers:
            return self.providers[sibling]
        builds = makers(self.facts, sibling)
        published = publications(self.facts, builds)
        found = self.read(consumer, sibling, builds, published)
        if isinstance(found, NoProvider):
            action = found.action.format(sibling=sibling)
            raise refusal(
                consumer.graph, "no-provider", found.what, action, region.first.code
            )  # fmt: skip
        self.providers[sibling] = found
        self.published[sibling] = published
        return found

    def check_read(self, consumer: Consumer, region: Region) -> None:
        """Raises `CannotSlimError` where a call site's pipeline pushes the image and the call
        site cannot read it."""
        sibling = region.sibling
        for build in consumer.builds:
            why = why_none(self.facts, build, self.published[sibling])
            if why and not self.link(build, sibling):
                raise refusal(
                    consumer.graph, "no-provider", f"{build.site} cannot read {sibling}: {why}",
                    _PUBLISH.format(sibling=sibling), region.first.code,
                )  # fmt: skip

    def read(
        self,
        consumer: Consumer,
        sibling: str,
        builds: Sequence[Build],
        published: Sequence[Publication],
    ) -> Provider | NoProvider:
        """The provider as its Dockerfile tells it, or why there is none."""
        if not builds:
            return NoProvider(f"no call site builds an image of {sibling}", _PUBLISH)
        if not published and not all(self.link(build, sibling) for build in consumer.builds):
            return NoProvider(f"no CI job publishes an image of {sibling}", _PUBLISH)
        name = posixpath.basename(sibling)
        if name in [provider.name for provider in self.providers.values()]:
            name = sibling
        build = published[0].build if published else builds[0]
        return read_provider(self.facts, sibling, build, name)

    def link(self, build: Build, sibling: str) -> str:
        """How a call site can take a sibling without a registry: a service of its Compose
        file, a target of its bake file; empty when it cannot."""
        for other in self.facts.builds.builds:
            if other.tool is not build.tool or other.context != sibling:
                continue
            if build.tool is Tool.COMPOSE:
                return f"service:{other.site.name}"
            target, own = self.facts.bake_target(other), self.facts.bake_target(build)
            if target is not None and own is not None and target.place.path == own.place.path:
                return f"target:{target.name}"
        return ""

    def changes(self, consumer: Consumer, froms: Mapping[str, From], part: Part) -> list[Change]:
        """What every call site must pass. Raises `CannotSlimError` when none names the image
        of a sibling: whoever builds would have to know it, and nothing could be proved."""
        changes = [Change(b, self.wanted(consumer, b, froms, part)) for b in consumer.builds]
        for name in dict.fromkeys(n for c in changes for n, _ in c.wanted.arguments):
            values = [v for c in changes for n, v in c.wanted.arguments if n == name]
            if all(value is None for value in values):
                raise refusal(
                    consumer.graph, "image-unknown", f"no call site knows what {name} is",
                    "build it where the sibling's image is published, or pass --via context",
                    consumer.graph.stages[0].from_.code,
                )  # fmt: skip
        return changes

    def wanted(
        self, consumer: Consumer, build: Build, froms: Mapping[str, From], part: Part
    ) -> Wanted:
        """What one call site must pass for the siblings."""
        contexts: list[tuple[str, str]] = []
        arguments: list[tuple[str, str | None]] = []
        for sibling, origin in froms.items():
            link = self.link(build, sibling) if origin.provider is not None else ""
            if origin.provider is None:
                contexts.append((origin.name, _context_path(build, sibling)))
            elif link:
                contexts.append((origin.name, link))
                part.summary.append(f"{build.site.name} takes {sibling} from {link}")
            else:
                arguments.append((origin.argument, self.image(build, origin.provider, part)))
        return Wanted(consumer.path, None, consumer.folder, tuple(arguments), tuple(contexts))

    def image(self, build: Build, provider: Provider, part: Part) -> str | None:
        """The provider's image as a call site must write it; None takes it from the
        environment."""
        chosen = best_for(self.facts, build, self.published[provider.folder])
        if chosen is not None:
            part.reads.append((build, chosen))
            return chosen.seen_by(build)
        local = None
        if build.site.kind is SiteKind.MAKE:
            local = local_image(build, makers(self.facts, provider.folder))
        if local is None:
            part.steps.append(f"{build.site}: set {provider.argument} before the build")
        else:
            part.steps.append(f"{build.site}: build {provider.folder} before it")
        return local


def _named_context(sibling: str, found: Finding) -> Finding:
    """What a sibling without a published image needs, and what is gained by it."""
    return Finding(
        Severity.ASSUME, "named-context",
        f"{sibling} comes as a named context, since {found.what}",
        "Every build needs BuildKit (buildx 0.8, Compose 2.17 or bake). A builder that sends the "
        "whole context sends less; BuildKit, which sends what is named, gains nothing.",
        "Publish an image of it to save building it again, and pass --via image.",
        found.place, sibling,
    )  # fmt: skip


def _unread(sibling: str, found: Finding) -> Finding:
    """Why a sibling that is built inline does not come from its image."""
    return Finding(
        Severity.NOTE, "no-provider",
        f"{sibling} is built again here, since {found.what}",
        "Its steps run in every build of this Dockerfile.",
        f"Let a CI job publish an image of {sibling} that each of these builds can read.",
        found.place, sibling,
    )  # fmt: skip


def _beside(consumer: Consumer, region: Region) -> Finding:
    """What files that belong to no package need."""
    words = (s.word.raw for s in consumer.sources if s.package == consumer.context)
    return Finding(
        Severity.ASSUME, "named-context",
        f"{', '.join(dict.fromkeys(words))} come from the old context, as a named one",
        "They belong to no package. Every build needs BuildKit (buildx 0.8, Compose 2.17 or "
        "bake), which is sent no more of it than these.",
        "Move them into the package to do without.",
        consumer.graph.tree.source.place(region.first.code), consumer.path,
    )  # fmt: skip


def _context_path(build: Build, sibling: str) -> str:
    text = relative_path(sibling, build.folder)
    return text if text.startswith(".") or build.tool is not Tool.COMPOSE else f"./{text}"
