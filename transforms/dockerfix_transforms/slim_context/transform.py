"""The transform itself: from consumers with too large a context to a proposal.

Knows the order of the work; every step of it is a module of its own.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from dockerfix.api import (
    Build,
    Change,
    Draft,
    Edit,
    Facts,
    Finding,
    OptionSpec,
    Proposal,
    Severity,
    SiteKind,
    Span,
    StepDown,
    Tool,
    UnreadableError,
    Wanted,
    is_accepted,
    relative_path,
    set_builds,
    unreadable,
)
from dockerfix_transforms.slim_context.consumer import (
    CannotSlimError,
    Consumer,
    find_consumers,
    read_consumer,
    refusal,
)
from dockerfix_transforms.slim_context.differences import Differences, dangling_links, lacking
from dockerfix_transforms.slim_context.documents import COMPOSE_VERSION, compose_notes
from dockerfix_transforms.slim_context.ignore import plan_ignore
from dockerfix_transforms.slim_context.inline import Region, regions
from dockerfix_transforms.slim_context.origin import From, context_note, image_note
from dockerfix_transforms.slim_context.permits import (
    consumer_permits,
    job_permits,
    provider_permits,
)
from dockerfix_transforms.slim_context.pipeline import plan_reading
from dockerfix_transforms.slim_context.provider import (
    NoProvider,
    Provider,
    missing_steps,
    read_provider,
)
from dockerfix_transforms.slim_context.publication import (
    Publication,
    best_for,
    local_image,
    makers,
    publications,
)
from dockerfix_transforms.slim_context.rewrite import (
    numeric_edits,
    own_edits,
    sibling_edits,
    stage_edits,
    stage_names,
)
from dockerfix_transforms.slim_context.safety import (
    check_followed,
    check_named_contexts,
    check_safe,
    sibling_ignores,
)
from dockerfix_transforms.slim_context.steps import Step as RunStep

_PUBLISH = "publish an image of {sibling} from a CI job, or pass --via context"

_NO_CACHE = Finding(
    Severity.REFUSE,
    "via-cache",
    "a cache does not make the context smaller",
    "`--cache-from` of a sibling's image saves the inline steps only when they, their base image "
    "and their sources are the same here and there, and when that image carries its cache "
    "(`--cache-to type=inline`); the sources must still be sent",
    "take the sibling's image (--via image), or its folder (--via context)",
)

_BREAKS = "its build would break with the smaller context"


class SlimContext:
    """Shrink a build context to the package, with siblings from their published images.

    What it does
        A Dockerfile that copies sibling packages needs the whole monorepo as its context. The
        steps that build a sibling inline are replaced by a stage from its published image,
        `ARG NODE_SDK_IMAGE=scratch` and `FROM ${NODE_SDK_IMAGE} AS node-sdk`, and a
        `COPY --from=node-sdk` to where the sibling stood; the package's own sources lose the
        folder in front; the context becomes the package's folder. Steps that the published
        image has not seen stay where they stood. The ignore file, every call site and the
        pipeline follow: the provider's job exists whenever its consumers' do, and before them.

    Why
        The classic builder, kaniko and remote builders send the whole context; BuildKit sends
        what is named. Both build the sibling again in every consumer.

    Before
        $ dockerfix slim-context web/
        -- web/package.json --
        {"dependencies": {"sdk": "file:../sdk"}}
        -- web/Dockerfile --
        FROM node:22
        WORKDIR /sdk
        COPY ./sdk ./
        RUN npm ci
        WORKDIR /web
        COPY ./web ./
        RUN npm ci
        CMD ["npm", "start"]
        -- sdk/package.json --
        {"name": "sdk"}
        -- sdk/Dockerfile --
        FROM node:22
        WORKDIR /app
        COPY . .
        RUN npm ci
        -- .gitlab-ci.yml --
        stages: [sdk, web]
        sdk:
          stage: sdk
          script:
            - docker build --push -t $R/sdk sdk
        web:
          stage: web
          script:
            - docker build --push -t $R/web -f web/Dockerfile .

    After
        -- web/package.json --
        {"dependencies": {"sdk": "file:../sdk"}}
        -- web/Dockerfile --
        ARG SDK_IMAGE=scratch
        FROM ${SDK_IMAGE} AS sdk

        FROM node:22
        WORKDIR /sdk
        # Needs --build-arg SDK_IMAGE=IMAGE, or --build-context sdk=docker-image://IMAGE.
        COPY --from=sdk /app ./
        WORKDIR /web
        COPY . ./
        RUN npm ci
        CMD ["npm", "start"]
        -- sdk/package.json --
        {"name": "sdk"}
        -- sdk/Dockerfile --
        FROM node:22
        WORKDIR /app
        COPY . .
        RUN npm ci
        -- .gitlab-ci.yml --
        stages: [sdk, web]
        sdk:
          stage: sdk
          script:
            - docker build --push -t $R/sdk sdk
        web:
          stage: web
          script:
            - docker build --push -t $R/web -f web/Dockerfile --build-arg "SDK_IMAGE=${R}/sdk" web

    Safety
        Which steps the image lacks is computed from both Dockerfiles: the consumer keeps every
        step from the first one that the provider does not run. A provider on another base
        image, and a provider that runs more steps, are assumptions. Sources that cannot be
        split by package (the whole context, a variable folder, `.git`, workspace manifests,
        archives, COPY --parents, bind mounts of the context) refuse the file.

    Call sites
        The image that the provider's CI job pushes is passed as a build argument, in the one
        call of a shell function that concerns the consumer too. Compose services that build
        locally take the sibling by `additional_contexts: service:NAME` (Compose 2.37 or
        newer). Other call sites take the argument from the environment. A sibling of which
        nothing publishes an image, and each one with `--via context`, is a named context:
        every call site passes the sibling's folder instead: no registry is
        needed, and nothing is saved under BuildKit. What the old ignore file left out of the
        sibling stays out, by an ignore file of its own; builders without named contexts
        (kaniko, buildah, the classic builder) refuse the file. A build that was found but not
        followed, and that may build the same Dockerfile, refuses it too. `--via cache` is
        refused: a cache saves steps, and the context stays as large as it is.
    """

    name = "slim-context"
    summary = "Shrink a build context to the package, with siblings from their images"
    options = (
        OptionSpec(
            "via",
            "How siblings come: from their published image, or as a named context; `auto` takes "
            "the image where one is published (`cache` says why it is refused).",
            default="auto",
            choices=("auto", "image", "context", "cache"),
        ),
        OptionSpec(
            "provider-builds",
            "Add the steps that the image lacks to the provider's Dockerfile.",
            kind=bool,
        ),
    )

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        """The slimming of every Dockerfile at `paths` (package folders, or Dockerfiles)."""
        wishes = _Wishes(
            str(options["via"]),
            bool(options["provider-builds"]),
            frozenset(options["accept"]),
            options.get("without", {}),
        )
        return _Slimming(facts, wishes).proposal(paths)


def _no_dockerfile(path: str) -> Finding:
    """Nothing was looked at, which is not the same as nothing to do."""
    return Finding(
        Severity.REFUSE, "no-dockerfile", f"{path or '.'} holds no Dockerfile",
        "no build context was looked at", "name the folder of a package, or a Dockerfile",
    )  # fmt: skip


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


class _Wishes(Struct, frozen=True):
    via: str
    provider_builds: bool
    accept: frozenset[str]
    without: Mapping[str, StepDown]


@dataclass(slots=True)
class _Work(Draft):
    changes: list[Change] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    reads: list[tuple[Build, Publication]] = field(default_factory=list)
    jobs: set[str] = field(default_factory=set)
    done: list[Consumer] = field(default_factory=list)
    added: dict[str, list[str]] = field(default_factory=dict)
    lacking: set[str] = field(default_factory=set)


class _Slimming:
    """One call. Private to `SlimContext.propose`."""

    def __init__(self, facts: Facts, wishes: _Wishes) -> None:
        self.facts = facts
        self.wishes = wishes
        self.work = _Work(facts, wishes.accept)
        self.providers: dict[str, Provider] = {}
        self.published: dict[str, list[Publication]] = {}

    def proposal(self, paths: Sequence[str]) -> Proposal:
        """The proposal, a refusal, or the reasons why there is nothing to do."""
        if self.wishes.via == "cache":
            return Proposal(findings=(_NO_CACHE,), refused=True)
        if not any(find_consumers(self.facts, path) for path in paths):
            return Proposal(findings=tuple(map(_no_dockerfile, paths)), refused=True)
        for path in paths:
            listed = find_consumers(self.facts, path)
            if not listed:
                self.work.reasons.append(f"{path or '.'} holds no Dockerfile")
            for dockerfile in listed:
                if dockerfile in self.wishes.without:
                    continue
                try:
                    self.consumer(dockerfile)
                except CannotSlimError as error:
                    self.work.findings.append(error.finding)
                except UnreadableError as error:
                    self.work.findings.append(unreadable(error))
        if not self.work.done:
            refused = bool(self.work.findings or self.wishes.without)
            return Proposal(
                findings=tuple(self.work.findings),
                refused=refused,
                reason="" if refused else "; ".join(self.work.reasons),
            )
        self.pipeline()
        self.compose_version()
        edits, refused_sites = set_builds(self.facts, self.work.changes)
        self.work.edits += edits
        self.work.findings += [refusal.finding(_BREAKS) for refusal in refused_sites]
        if self.work.blocking:
            return self.work.refused(self.work.blocking)
        return self.finished()

    def consumer(self, path: str) -> None:
        """One Dockerfile with its ignore file and its call sites; raises `CannotSlimError`."""
        consumer = read_consumer(self.facts, path)
        if isinstance(consumer, str):
            if not any(build.dockerfile == path for build in self.facts.builds.builds):
                check_followed(self.facts, path, None)
            self.work.reasons.append(consumer)
            return
        check_safe(self.facts, consumer)
        found = regions(consumer, self.facts.snapshot)
        froms = self.origins(consumer, found)
        named = [sibling for sibling, origin in froms.items() if origin.provider is None]
        ignores = dict(sibling_ignores(self.facts, consumer, named))
        if named:
            check_named_contexts(consumer)
        edits = [*own_edits(consumer), *sibling_edits(consumer, found, froms)]
        edits += stage_edits(consumer, found, froms)
        if found:
            edits += numeric_edits(consumer)
        ignore = plan_ignore(self.facts, consumer)
        for region in found:
            self.look(consumer, region, froms[region.sibling])
        self.work.findings += [*ignore.findings, *dangling_links(self.facts, consumer)]
        self.work.edits += [(consumer.path, edit) for edit in edits]
        self.work.edits += [(ignore.path, edit) for edit in ignore.edits]
        self.work.created.update(ignores)
        if ignore.created is not None:
            self.work.created[ignore.path] = ignore.created
        changes = [Change(b, self.wanted(consumer, b, froms)) for b in consumer.builds]
        self.check_known(consumer, changes)
        self.work.changes += changes
        self.work.done.append(consumer)
        context = consumer.context or "the repository's root"
        self.work.summary.append(
            f"the context of {path} shrinks from {context} to {consumer.folder}"
        )

    def check_known(self, consumer: Consumer, changes: Sequence[Change]) -> None:
        """Raises `CannotSlimError` when no call site names the image of a sibling: whoever
        builds would have to know it, and nothing could be proved."""
        for name in dict.fromkeys(n for c in changes for n, _ in c.wanted.arguments):
            values = [v for c in changes for n, v in c.wanted.arguments if n == name]
            if all(value is None for value in values):
                raise refusal(
                    consumer.graph, "image-unknown", f"no call site knows what {name} is",
                    "build it where the sibling's image is published, or pass --via context",
                    consumer.graph.stages[0].from_.code,
                )  # fmt: skip

    def origins(self, consumer: Consumer, found: Sequence[Region]) -> dict[str, From]:
        """The stage that stands for each sibling; raises `CannotSlimError` for one without an
        image that the consumer's call sites can pass."""
        names = stage_names(consumer, consumer.siblings)
        origins: dict[str, From] = {}
        for region in found:
            sibling = region.sibling
            if sibling in origins:
                continue
            name = names[sibling]
            if self.wishes.via == "context":
                origins[sibling] = From(name, None, context_note(name, sibling))
                continue
            try:
                provider = self.provider(consumer, region)
            except CannotSlimError as error:
                if self.wishes.via != "auto" or error.finding.name != "no-provider":
                    raise
                origins[sibling] = From(name, None, context_note(name, sibling))
                self.work.findings.append(_named_context(sibling, error.finding))
                continue
            if provider.argument in consumer.graph.global_arguments:
                raise refusal(
                    consumer.graph, "argument-taken",
                    f"the file has a build argument {provider.argument} already",
                    "give it another name", consumer.graph.stages[0].from_.code,
                )  # fmt: skip
            note = image_note(provider.argument, name)
            origins[sibling] = From(name, provider, note, self.wishes.provider_builds)
        return origins

    def provider(self, consumer: Consumer, region: Region) -> Provider:
        """The provider of a region's sibling."""
        sibling = region.sibling
        if sibling in self.providers:
            return self.providers[sibling]
        builds = makers(self.facts, sibling)
        published = publications(self.facts, builds)
        linked = all(self.link(build, sibling) for build in consumer.builds)
        found: Provider | NoProvider
        if not builds:
            found = NoProvider(f"no call site builds an image of {sibling}", _PUBLISH)
        elif not published and not linked:
            found = NoProvider(f"no CI job publishes an image of {sibling}", _PUBLISH)
        else:
            build = published[0].build if published else builds[0]
            name = posixpath.basename(sibling)
            if name in [provider.name for provider in self.providers.values()]:
                name = sibling
            found = read_provider(self.facts, sibling, build, name)
        if isinstance(found, NoProvider):
            action = found.action.format(sibling=sibling)
            raise refusal(
                consumer.graph, "no-provider", found.what, action, region.first.code
            )  # fmt: skip
        self.providers[sibling] = found
        self.published[sibling] = published
        return found

    def look(self, consumer: Consumer, region: Region, origin: From) -> None:
        """What differs between the inlined sibling and its image."""
        provider = origin.provider
        if provider is None:
            return
        whole = None if region.split else origin.whole(region)
        files = lacking(self.facts, consumer, region, provider)
        self.work.lacking |= set(files)
        accepted = is_accepted("provider-lacks", consumer.path, self.wishes.accept)
        differences = Differences(self.facts, consumer, region, provider, whole)
        self.work.findings += differences.all(files, accepted)
        missing = missing_steps(region, provider)
        if missing and whole is not None:
            self.missing(missing, provider)

    def missing(self, steps: Sequence[RunStep], provider: Provider) -> None:
        """Steps that the image has not seen: kept, or added to the provider on request."""
        if not self.wishes.provider_builds:
            shown = "; ".join(step.short for step in steps)
            self.work.summary.append(f"kept, since the image of {provider.name} lacks it: {shown}")
            return
        known = self.work.added.setdefault(provider.graph.tree.path, [])
        added = [s.text for s in steps if not s.item.heredocs and s.text not in known]
        known += added
        if added:
            self.work.edits.append(_provider_edit(provider, added))
            path = provider.graph.tree.path
            self.work.permits += provider_permits(self.facts, path, added)
            self.work.summary.append(f"{provider.name} builds for itself: {'; '.join(added)}")

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

    def wanted(self, consumer: Consumer, build: Build, froms: Mapping[str, From]) -> Wanted:
        """What a call site must pass for the siblings."""
        contexts: list[tuple[str, str]] = []
        arguments: list[tuple[str, str | None]] = []
        for sibling, origin in froms.items():
            link = self.link(build, sibling) if origin.provider is not None else ""
            if origin.provider is None:
                contexts.append((origin.name, _context_path(build, sibling)))
            elif link:
                contexts.append((origin.name, link))
                self.work.summary.append(f"{build.site.name} takes {sibling} from {link}")
            else:
                arguments.append((origin.argument, self.image(build, origin.provider)))
        return Wanted(consumer.path, None, consumer.folder, tuple(arguments), tuple(contexts))

    def image(self, build: Build, provider: Provider) -> str | None:
        """The provider's image as a call site must write it; None takes it from the
        environment."""
        chosen = best_for(self.facts, build, self.published[provider.folder])
        if chosen is not None:
            self.work.reads.append((build, chosen))
            return chosen.seen_by(build)
        local = None
        if build.site.kind is SiteKind.MAKE:
            local = local_image(build, makers(self.facts, provider.folder))
        if local is None:
            self.work.steps.append(f"{build.site}: set {provider.argument} before the build")
        else:
            self.work.steps.append(f"{build.site}: build {provider.folder} before it")
        return local

    def compose_version(self) -> None:
        """Which Compose people need, said where they are told to run it."""
        named = [c for c in self.work.changes if c.build.tool is Tool.COMPOSE]
        services = (text for c in named for _, text in c.wanted.named_contexts)
        if any(text.startswith("service:") for text in services):
            self.work.edits += compose_notes(self.facts)
            self.work.steps.append(
                f"Compose {COMPOSE_VERSION} or newer is needed for `additional_contexts: service:`"
            )

    def pipeline(self) -> None:
        """Rules and needs of every build that publishes an image which is read."""
        readers: dict[int, tuple[Publication, list[Build]]] = {}
        for build, chosen in self.work.reads:
            known = readers.setdefault(id(chosen.build), (chosen, []))
            known[1].append(build)
        for chosen, builds in readers.values():
            plan = plan_reading(self.facts, chosen, builds)
            self.work.edits += plan.edits
            self.work.findings += plan.findings
            self.work.summary += plan.summary
            self.work.jobs |= plan.changed

    def finished(self) -> Proposal:
        """The proposal with its permits."""
        work = self.work
        work.steps.append("run `dockerfix verify` on the patch to compare the images")
        for consumer in work.done:
            mine = [change for change in work.changes if change.build in consumer.builds]
            work.permits += consumer_permits(consumer, mine, sorted(work.lacking))
        work.permits += job_permits(self.facts.pipeline, sorted(work.jobs))
        work.callers = {
            change.build.site.name
            for change in work.changes
            if change.build.site.kind is SiteKind.GITLAB
        }
        return work.finished(_BREAKS)


def _context_path(build: Build, sibling: str) -> str:
    text = relative_path(sibling, build.folder)
    return text if text.startswith(".") or build.tool is not Tool.COMPOSE else f"./{text}"


def _provider_edit(provider: Provider, texts: Sequence[str]) -> tuple[str, Edit]:
    """The steps behind the provider's last RUN, or behind its copy of the sources."""
    tree = provider.graph.tree
    steps = [
        item
        for item in provider.stage.instructions
        if item.keyword in ("RUN", "COPY", "ADD", "WORKDIR")
    ]
    at = steps[-1].span.end if steps else provider.stage.from_.span.end
    newline = tree.newline.bytes.decode()
    text = "".join(f"RUN {step}{newline}" for step in texts)
    return tree.path, Edit(Span(at, at), text.encode())
