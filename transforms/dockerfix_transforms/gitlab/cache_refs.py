"""The transform `cache-refs`: every branch writes a cache ref of its own.

Knows what a build reads and writes afterwards; who may write a ref stands in `caches`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dockerfix.api import Draft, Facts, OptionSpec, Proposal, Refused
from dockerfix_transforms.gitlab.caches.additions import Additions
from dockerfix_transforms.gitlab.caches.findings import no_cache, unread_builds
from dockerfix_transforms.gitlab.caches.plan import CachePlan
from dockerfix_transforms.gitlab.caches.stores import RegistryRefs

_BREAKS = "a build would write a cache ref that another build replaces"


class CacheRefs:
    """Give every branch a cache ref of its own, with the default branch's as the fall-back.

    What it does
        Appends `-$CI_COMMIT_REF_SLUG` to the registry ref that a build exports its cache to,
        with `mode=max` and `ignore-error=true`, and makes builds read that ref. Until it
        exists, they read the default branch's. A line above the build asks the registry which of
        the two to read, since reading both loses hits. `--add` also gives a cache to builds that
        have none, if their job makes a builder and pushes the image.

    Why
        An export replaces the ref. When all branches write one ref, each pipeline finds the
        cache of whichever branch ran last.

    Before
        $ dockerfix cache-refs
        -- .gitlab-ci.yml --
        server:
          script:
            - docker buildx build
              --cache-from type=registry,ref=$CI_REGISTRY_IMAGE/server:buildcache
              --cache-to type=registry,ref=$CI_REGISTRY_IMAGE/server:buildcache,mode=max
              --push --tag $CI_REGISTRY_IMAGE/server:$CI_COMMIT_REF_SLUG .
        -- Dockerfile --
        FROM alpine

    After
        -- .gitlab-ci.yml --
        server:
          script:
            # Two cache sources lose hits: read the branch's where it exists, else the default's.
            - |
              if docker buildx imagetools inspect "${CI_REGISTRY_IMAGE}/server:buildcache-$CI_COMMIT_REF_SLUG" > /dev/null 2>&1; then
                export SERVER_CACHE=$CI_COMMIT_REF_SLUG
              else
                export SERVER_CACHE=$CI_DEFAULT_BRANCH
              fi
            - docker buildx build
              --cache-from type=registry,ref=$CI_REGISTRY_IMAGE/server:buildcache-$SERVER_CACHE
              --cache-to type=registry,ref=$CI_REGISTRY_IMAGE/server:buildcache-$CI_COMMIT_REF_SLUG,mode=max,ignore-error=true
              --push --tag $CI_REGISTRY_IMAGE/server:$CI_COMMIT_REF_SLUG .
        -- Dockerfile --
        FROM alpine

    Safety
        Only cache options and that line change. Each ref has one writer in the whole
        pipeline: a later job that builds the same image again only reads it, and another image
        gets a ref of its own, with a part that no branch name can imitate. A ref stays as it is
        when one of its writers cannot be followed. The assumption `default-branch-slug` says
        that the default branch's name equals its slug.

    Call sites
        `docker build` and `docker buildx build` in jobs and the scripts that they run, and bake
        files. Builds that read a ref from elsewhere (Compose, Makefiles) are listed.
    """  # noqa: E501 - a shell line of the script, as it is written

    name = "cache-refs"
    summary = "Give every branch a cache ref of its own."
    after = ("merge-rust", "slim-context", "split-release", "add-needs")
    options = (
        OptionSpec(
            "both",
            "Read both refs, the branch's and the default branch's, and ask nothing. "
            "Measured: some steps were lost in 14 of 14 runs.",
            kind=bool,
            default=False,
        ),
        OptionSpec(
            "add",
            "Give builds without a cache one in the registry, where their job makes a builder "
            "and pushes the image.",
            kind=bool,
            default=False,
        ),
    )

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        """The proposal; `paths` are not used, the pipeline belongs to the whole repository."""
        pipeline = facts.pipeline
        if pipeline is None or not pipeline.visible:
            return Proposal(reason="No GitLab pipeline with jobs was found.")
        draft = Draft(facts, options["accept"])
        bare = Additions(facts, pipeline).units()
        added = bare if options["add"] else []
        plan = CachePlan(draft, pipeline, RegistryRefs(ask=not options["both"]), added)
        try:
            plan.write()
        except Refused as refused:
            return draft.refused([refused.finding(_BREAKS)])
        draft.findings += unread_builds(facts, pipeline)
        draft.findings += [no_cache(unit) for unit in bare if not options["add"]]
        if not draft.edits:
            reason = "No build writes a registry cache ref that branches share."
            return Proposal(findings=tuple(draft.findings), reason=reason)
        return draft.finished(_BREAKS)
