"""The transform itself: its options and its documentation. `slimming` does the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dockerfix.api import Facts, OptionSpec, Proposal
from dockerfix_transforms.slim_context.part import Wishes
from dockerfix_transforms.slim_context.read.scope import candidates
from dockerfix_transforms.slim_context.slimming import Slimming


class SlimContext:
    """Shrink a build context to the package, with siblings from their published images.

    What it does
        A Dockerfile that copies sibling packages needs the whole monorepo as its context. The
        steps that build a sibling inline are replaced by a stage from its published image,
        `ARG NODE_SDK_IMAGE=scratch` and `FROM ${NODE_SDK_IMAGE} AS node-sdk`, and a
        `COPY --from=node-sdk` to where the sibling was; the package's own sources lose their
        leading folder; the context becomes the package's folder. Steps that the published
        image did not run stay where they were. The ignore file, every call site and the
        pipeline follow: the provider's job runs whenever its consumers' jobs do, and before them.

    Why
        The classic builder, kaniko and remote builders send the whole context; BuildKit sends
        only what is copied. Either way, every consumer builds the sibling again.

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
        archives, COPY --parents, bind mounts of the context) make dockerfix refuse that file and
        continue with the others. If BuildKit builds a file that cannot be split, a smaller
        context would save nothing, and the report says so.

    Call sites
        The image that the provider's CI job pushes is passed as a build argument, in the one call
        of a shell function that concerns the consumer too. Compose services that build locally
        take the sibling by `additional_contexts: service:NAME` (Compose 2.37 or newer). Other
        call sites take the argument from the environment. A sibling becomes a named context if
        nothing publishes an image of it that the call site surely finds (a tag that its job
        knows, pushed in every run, for its platforms) while another sibling has one, or if
        `--via context` is given: every call site then passes the sibling's folder. This needs no
        registry, and saves nothing under BuildKit; so a file that BuildKit alone builds, and
        whose siblings would all be named contexts, or whose folder would need other ignore rules,
        is left as it is unless you ask. What the old ignore file left out of the sibling stays
        out, by an ignore file of its own, if no other build is given that folder. Files beside
        the packages, such as `.npmrc` or a lock file, come from the old
        context, which is passed as a named context. The file is refused if one of its builders
        gets no named contexts (kaniko, buildah, the classic builder), or if a build that was found
        but could not be followed may build the same Dockerfile.

        With `--via ignore` the context stays and no call site changes: a
        `<Dockerfile>.dockerignore` leaves everything out, takes back what the Dockerfile copies
        or mounts, and keeps those lines of the old ignore file that concern it. BuildKit reads
        that file instead of the context's `.dockerignore`; so do kaniko (`getExcludedFiles` in
        its `pkg/util`), buildah and podman (`ContainerIgnoreFile` in buildah's `pkg/parse`),
        which hold the whole context all the same: the figures say how much of it a COPY can see.
        The classic builder reads only the context's `.dockerignore`. A `.containerignore`, which
        buildah would not read any longer, is a refusal. This way is the default if one of them
        builds a file whose context cannot shrink, such as an npm, pnpm, yarn, cargo, Go or uv
        workspace with one lock file. It is also the default if a COPY takes the whole context
        for a Go build or for `turbo prune`: the packages that the commands name, and everything
        they need, are let through, which helps BuildKit as well. For a .NET build this happens
        only with `--via ignore`: its tasks may open files that no project names. The same goes
        for a workspace of npm, pnpm, yarn or bun whose scripts name the packages that they build
        (`turbo run build --filter=web`, `pnpm --filter web build`): members that these do not
        need are left out, apart from their manifests, unless one of their install scripts runs
        or something that stays names them.

        With `--via cache` the context stays too, and what is sent of it stays as large; what is
        saved are the sibling's steps. They move into a stage that is the sibling's own
        Dockerfile to the letter, the package is copied from there, and the builds of the GitLab
        pipeline read the cache that the sibling's job writes (`--cache-to type=registry` with
        `mode=max`), so that a runner without a cache runs none of them again. Where the
        sibling's Dockerfile copies its whole context, they also give that folder as a named
        context, since BuildKit does not find such a step in the cache otherwise. Steps that the
        sibling's Dockerfile does not run stay where they were. Other call sites need no change:
        without the cache the steps run as before. The file is refused where the cache would not
        be hit: build arguments or a platform of its own, other ignore rules, a FROM with an
        argument, a RUN that mounts a secret.
    """

    name = "slim-context"
    # A job that builds the sibling's image itself cannot wait for it: split-release parts the two.
    after = ("shallow-clone", "merge-rust", "split-release")
    summary = "Shrink a build context to the package, with siblings from their images"
    options = (
        OptionSpec(
            "via",
            "How siblings come: from their published image, or as a named context; `ignore` keeps "
            "the context, with an ignore file that lets through what is copied; `cache` keeps it "
            "too, and reads the build cache of the sibling's job. `auto` takes the image where one "
            "is published.",
            default="auto",
            choices=("auto", "image", "context", "ignore", "cache"),
        ),
        OptionSpec(
            "provider-builds",
            "Add the steps that the image lacks to the provider's Dockerfile.",
            kind=bool,
        ),
    )

    def candidates(self, facts: Facts, paths: Sequence[str]) -> Sequence[tuple[str, ...]]:
        """The Dockerfiles at or below `paths` with a wide context, each as the paths of a
        call."""
        return candidates(facts, paths)

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        """The slimming of every Dockerfile at `paths` (package folders, or Dockerfiles)."""
        wishes = Wishes(
            str(options["via"]),
            bool(options["provider-builds"]),
            frozenset(options["accept"]),
            options.get("without", {}),
        )
        return Slimming(facts, wishes).proposal(paths)
