"""The transform itself: from consumers with too large a context to a proposal.

Knows the order of the work; every step of it is a module of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dockerfix.api import (
    Build,
    Change,
    Claim,
    Edit,
    Edits,
    EditSet,
    Facts,
    Finding,
    Image,
    NoDanglingReference,
    OptionSpec,
    PipelineValid,
    Proposal,
    Refused,
    SameFiles,
    SameImagesAskedFor,
    SameRuntime,
    Severity,
    SiteKind,
    Span,
    Tool,
    Wanted,
    relative_path,
    set_builds,
    united,
)
from dockerfix_transforms.slim_context.consumer import (
    CannotSlimError,
    Consumer,
    find_consumers,
    read_consumer,
    refusal,
)
from dockerfix_transforms.slim_context.documents import COMPOSE_VERSION, compose_notes
from dockerfix_transforms.slim_context.ignore import plan_ignore
from dockerfix_transforms.slim_context.inline import Region, regions
from dockerfix_transforms.slim_context.pipeline import plan_pipeline
from dockerfix_transforms.slim_context.provider import (
    Provider,
    files_below,
    find_provider,
    lacking_files,
    missing_steps,
)
from dockerfix_transforms.slim_context.rewrite import (
    context_edits,
    numeric_edits,
    own_edits,
    sibling_edits,
    stage_edits,
    stage_names,
)

_RULES = frozenset({"sibling-image", "prefix-stripped"})

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
        newer). Other call sites take the argument from the environment. With `--via context`
        every call site passes the sibling's folder as a named context instead: no registry is
        needed, and nothing is saved under BuildKit.
    """

    name = "slim-context"
    summary = "Shrink a build context to the package, with siblings from their images"
    options = (
        OptionSpec(
            "via",
            "How siblings come: from their published image, or as a named context.",
            default="image",
            choices=("image", "context"),
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
            str(options["via"]), bool(options["provider-builds"]), frozenset(options["accept"])
        )
        return _Slimming(facts, wishes).proposal(paths)


@dataclass(frozen=True, slots=True)
class _Wishes:
    via: str
    provider_builds: bool
    accept: frozenset[str]


@dataclass(slots=True)
class _Work:
    findings: list[Finding] = field(default_factory=list)
    edits: Edits = field(default_factory=list)
    created: dict[str, bytes] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    users: dict[str, list[Build]] = field(default_factory=dict)
    jobs: set[str] = field(default_factory=set)
    done: list[Consumer] = field(default_factory=list)
    added: dict[str, list[str]] = field(default_factory=dict)
    lacking: set[str] = field(default_factory=set)


class _Slimming:
    """One call. Private to `SlimContext.propose`."""

    def __init__(self, facts: Facts, wishes: _Wishes) -> None:
        self.facts = facts
        self.wishes = wishes
        self.work = _Work()
        self.providers: dict[str, Provider] = {}

    def proposal(self, paths: Sequence[str]) -> Proposal:
        """The proposal, a refusal, or the reasons why there is nothing to do."""
        for path in paths:
            listed = find_consumers(self.facts, path)
            if not listed:
                self.work.reasons.append(f"{path or '.'} holds no Dockerfile")
            for dockerfile in listed:
                try:
                    self.consumer(dockerfile)
                except CannotSlimError as error:
                    self.work.findings.append(error.finding)
        if not self.work.done:
            refused = bool(self.work.findings)
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
        blocking = [
            f
            for f in self.work.findings
            if f.severity is Severity.REFUSE and f.name not in self.wishes.accept
        ]
        if blocking:
            return Proposal(findings=tuple(blocking), refused=True)
        return self.finished()

    def consumer(self, path: str) -> None:
        """One Dockerfile with its ignore file and its call sites; raises `CannotSlimError`."""
        consumer = read_consumer(self.facts, path)
        if isinstance(consumer, str):
            self.work.reasons.append(consumer)
            return
        found = regions(consumer)
        names = stage_names(consumer, consumer.siblings)
        edits = list(own_edits(consumer))
        if self.wishes.via == "context":
            edits += context_edits(consumer, found, names)
            edits += stage_edits(consumer, found, {}, names)
        elif found:
            providers = self.read_providers(consumer, found)
            builds = self.wishes.provider_builds
            edits += sibling_edits(consumer, found, providers, names, builds)
            edits += stage_edits(consumer, found, providers, names)
            self.look(consumer, found, providers)
        if found:
            edits += numeric_edits(consumer)
        ignore = plan_ignore(self.facts, consumer)
        self.work.findings += ignore.findings
        self.work.edits += [(consumer.path, edit) for edit in edits]
        self.work.edits += [(ignore.path, edit) for edit in ignore.edits]
        if ignore.created is not None:
            self.work.created[ignore.path] = ignore.created
        self.work.changes += [
            Change(build, self.wanted(consumer, build, names)) for build in consumer.builds
        ]
        self.work.done.append(consumer)
        context = consumer.context or "the repository's root"
        self.work.summary.append(
            f"the context of {path} shrinks from {context} to {consumer.folder}"
        )

    def read_providers(self, consumer: Consumer, found: Sequence[Region]) -> dict[str, Provider]:
        """The provider of every sibling; raises `CannotSlimError` for one without an image."""
        for region in found:
            if region.sibling in self.providers:
                continue
            provider = find_provider(self.facts, region.sibling)
            if isinstance(provider, str):
                raise refusal(
                    consumer.graph, "no-provider", provider,
                    f"publish an image of {region.sibling} from a CI job, or pass --via context",
                    region.first.code,
                )  # fmt: skip
            self.providers[region.sibling] = provider
        return self.providers

    def look(
        self, consumer: Consumer, found: Sequence[Region], providers: Mapping[str, Provider]
    ) -> None:
        """What differs between the inlined sibling and its image."""
        for region in found:
            provider = providers[region.sibling]
            self.work.users.setdefault(region.sibling, []).extend(consumer.builds)
            place = consumer.graph.tree.source.place(region.first.code)
            base = consumer.graph.image(region.stage)
            if region.root is not None and provider.base != base:
                self.work.findings.append(
                    Finding(
                        Severity.ASSUME, "base-image",
                        f"{provider.name} was built on {base} here, its image on {provider.base}",
                        "native modules of one may not load on the other",
                        "give both the same base image", place, region.sibling,
                    )
                )  # fmt: skip
            wanted = [
                path
                for item in region.copies
                for source in consumer.of(item)
                for path in files_below(self.facts, source.path.split("*")[0].rstrip("/"))
            ]
            lacking = lacking_files(self.facts, wanted, provider)
            if lacking:
                self.work.lacking |= set(lacking)
                accepted = "provider-lacks" in self.wishes.accept
                self.work.findings.append(
                    Finding(
                        Severity.ASSUME if accepted else Severity.REFUSE, "provider-lacks",
                        f"{provider.name}'s image lacks {', '.join(lacking[:5])}",
                        "the provider's ignore file leaves it out; the old context had it",
                        "take it into the image, or --accept provider-lacks", place,
                        region.sibling,
                    )
                )  # fmt: skip
            self.missing(region, provider)

    def missing(self, region: Region, provider: Provider) -> None:
        """Steps that the image has not seen: kept, or added to the provider on request."""
        missing = missing_steps(region.runs, provider)
        if not missing:
            return
        texts = [item.arguments for item in missing]
        if not self.wishes.provider_builds:
            self.work.summary.append(
                f"kept, since the image of {provider.name} lacks it: {'; '.join(texts)}"
            )
            return
        known = self.work.added.setdefault(provider.graph.tree.path, [])
        added = [text for text in texts if text not in known]
        known += added
        if added:
            self.work.edits.append(_provider_edit(provider, added))
            self.work.summary.append(f"{provider.name} builds for itself: {'; '.join(added)}")

    def wanted(self, consumer: Consumer, build: Build, names: Mapping[str, str]) -> Wanted:
        """What a call site must pass for the siblings."""
        siblings = [s for s in consumer.siblings if s in names]
        if self.wishes.via == "context":
            contexts = tuple((names[s], _context_path(build, s)) for s in siblings)
            return Wanted(consumer.path, None, consumer.folder, (), contexts)
        if build.tool is Tool.COMPOSE:
            services = {s: self.service_of(s) for s in siblings}
            contexts = tuple(
                (names[s], f"service:{name}") for s, name in services.items() if name is not None
            )
            rest = tuple((self.providers[s].argument, None) for s in siblings if not services[s])
            return Wanted(consumer.path, None, consumer.folder, rest, contexts)
        known = build.site.kind is SiteKind.GITLAB
        arguments = tuple(
            (self.providers[s].argument, self.providers[s].image if known else None)
            for s in siblings
        )
        if not known and arguments:
            self.work.steps.append(
                f"{build.site}: set {', '.join(name for name, _ in arguments)} before the build"
            )
        return Wanted(consumer.path, None, consumer.folder, arguments)

    def service_of(self, sibling: str) -> str | None:
        """The Compose service that builds a sibling."""
        for build in self.facts.builds.builds:
            if build.tool is Tool.COMPOSE and build.context == sibling:
                return build.site.name
        return None

    def compose_version(self) -> None:
        """Which Compose people need, said where they are told to run it."""
        named = [
            change.build
            for change in self.work.changes
            if change.build.tool is Tool.COMPOSE and change.wanted.named_contexts
        ]
        if named and self.wishes.via == "image":
            self.work.edits += compose_notes(self.facts)
            self.work.steps.append(
                f"Compose {COMPOSE_VERSION} or newer is needed for `additional_contexts: service:`"
            )

    def pipeline(self) -> None:
        """Rules and needs of every provider whose image is used."""
        if self.wishes.via == "context":
            return
        for sibling, builds in self.work.users.items():
            plan = plan_pipeline(self.facts, self.providers[sibling], builds)
            self.work.edits += plan.edits
            self.work.findings += plan.findings
            self.work.jobs |= plan.changed

    def finished(self) -> Proposal:
        """The proposal with its claims; edits that overlap are a refusal."""
        try:
            edits = united(self.facts, self.work.edits)
        except Refused as refused:
            return Proposal(findings=(refused.finding(_BREAKS),), refused=True)
        self.work.steps.append("run `dockerfix verify` on the patch to compare the images")
        return Proposal(
            edits=edits,
            created=self.work.created,
            claims=tuple(self.claims(edits)),
            findings=tuple(dict.fromkeys(self.work.findings)),
            summary=tuple(dict.fromkeys(self.work.summary)),
            next_steps=tuple(dict.fromkeys(self.work.steps)),
        )

    def claims(self, edits: Mapping[str, EditSet]) -> list[Claim]:
        """What the gate must check."""
        found: list[Claim] = []
        pairs: list[tuple[Image, Image]] = []
        for consumer in self.work.done:
            for target in _targets(consumer):
                image = Image(consumer.path, target)
                pairs.append((image, image))
                found.append(SameRuntime(image, image, _RULES))
                lacking = frozenset(self.work.lacking)
                found.append(SameFiles(image, image, consumer.context, consumer.folder, lacking))
        found.append(SameImagesAskedFor(tuple(pairs), *self.passed()))
        found.append(NoDanglingReference())
        pipeline = self.facts.pipeline
        if pipeline is not None and set(edits) & set(pipeline.files):
            jobs = {
                change.build.site.name
                for change in self.work.changes
                if change.build.site.kind is SiteKind.GITLAB
            }
            changed = frozenset(jobs | self.work.jobs)
            found.append(PipelineValid(pipeline.path, changed=changed))
        return found

    def passed(self) -> tuple[frozenset[str], tuple[tuple[str, str], ...]]:
        """What call sites pass in addition, and the contexts that change."""
        names = {
            name
            for change in self.work.changes
            for name, _ in (*change.wanted.arguments, *change.wanted.named_contexts)
        }
        contexts = dict.fromkeys((c.context, c.folder) for c in self.work.done)
        return frozenset(names), tuple(contexts)


def _targets(consumer: Consumer) -> list[str]:
    """The targets that call sites name, and the last stage."""
    names = {""}
    for build in consumer.builds:
        if build.target is not None:
            names |= set(build.target.choices) if build.target.choices else {build.target.text}
    return sorted(n for n in names if not n or consumer.graph.find(n) is not None)


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
