"""The transform `remote-cache`: build caches in a bucket.

Knows which builds move and what their builder needs; names in the bucket stand in `bucket`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dockerfix.api import (
    Draft,
    Facts,
    Finding,
    OptionSpec,
    Pipeline,
    Place,
    Proposal,
    Refused,
    Severity,
)
from dockerfix_transforms.gitlab.builder_keys import give_keys
from dockerfix_transforms.gitlab.caches.bucket import Bucket, BucketError, read_bucket
from dockerfix_transforms.gitlab.caches.plan import CachePlan
from dockerfix_transforms.gitlab.caches.written import units_of

_BREAKS = "a build would look for its cache where nothing is written"
_NONE = "No build exports its cache to a registry."


class RemoteCache:
    """Keep the builds' caches in a bucket instead of the registry.

    What it does
        Builds that export their cache to a registry export it to an S3 bucket instead, one name
        for each image and branch, below a prefix of the project, and read the branch's and the
        default branch's. The builder gets the keys in its own environment. Google Cloud Storage
        is used through its S3 interface (`--to gs://BUCKET`).

    Why
        A registry stores every cache as an image, and cleans it up by the rules for images. A
        bucket near the runners is faster and can have an expiry rule of its own.

    Before
        $ dockerfix remote-cache --to s3://caches?region=eu-west-1
        -- .gitlab-ci.yml --
        server:
          before_script:
            - docker buildx create --use
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
          before_script:
            - docker buildx create
              --driver-opt "env.AWS_ACCESS_KEY_ID=$CACHE_ACCESS_KEY_ID"
              --driver-opt "env.AWS_SECRET_ACCESS_KEY=$CACHE_SECRET_ACCESS_KEY"
              --use
          script:
            - docker buildx build
              --cache-from type=s3,bucket=caches,region=eu-west-1,prefix=$CI_PROJECT_PATH_SLUG/,name=server/$CI_COMMIT_REF_SLUG
              --cache-from type=s3,bucket=caches,region=eu-west-1,prefix=$CI_PROJECT_PATH_SLUG/,name=server/$CI_DEFAULT_BRANCH
              --cache-to type=s3,bucket=caches,region=eu-west-1,prefix=$CI_PROJECT_PATH_SLUG/,name=server/$CI_COMMIT_REF_SLUG,mode=max,ignore-error=true
              --push --tag $CI_REGISTRY_IMAGE/server:$CI_COMMIT_REF_SLUG .
        -- Dockerfile --
        FROM alpine

    Safety
        Only cache options and the builder's line change; each cache has one writer. A failed
        import never fails a build, and with `ignore-error=true` neither does a failed export.
        Keys that a job passes on would be kept in clear text in the builder's history, so the
        builder reads them from variables of its own, with other names. dockerfix does not
        contact the bucket: the assumption `bucket` says that it exists and that the keys reach
        every branch.

    Call sites
        Those of `cache-refs`.
    """  # noqa: E501 - shell lines of the script, as they are written

    name = "remote-cache"
    summary = "Keep build caches in an S3 or GCS bucket."
    after = ("merge-rust", "slim-context", "split-release", "add-needs", "cache-refs")
    options = (
        OptionSpec(
            "to",
            "The bucket: s3://BUCKET?region=REGION[&endpoint=URL][&prefix=PATH], or gs://BUCKET.",
            default="",
            metavar="ADDRESS",
        ),
    )

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        """The proposal; `paths` are not used, the pipeline belongs to the whole repository."""
        pipeline = facts.pipeline
        if pipeline is None or not pipeline.visible:
            return Proposal(reason="No GitLab pipeline with jobs was found.")
        draft = Draft(facts, options["accept"])
        if not options["to"]:
            return Proposal(reason=_unnamed(facts, pipeline))
        try:
            bucket = read_bucket(options["to"])
        except BucketError as error:
            return draft.refused([_bad_address(options["to"], str(error))])
        plan = CachePlan(draft, pipeline, bucket)
        try:
            plan.write()
        except Refused as refused:
            return draft.refused([refused.finding(_BREAKS)])
        if not draft.edits:
            return Proposal(findings=tuple(draft.findings), reason=_NONE)
        give_keys(draft, pipeline, [job for unit in plan.changed for job in unit.jobs])
        draft.findings.append(_assumed(plan.changed[0].place, bucket))
        return draft.finished(_BREAKS)


def _unnamed(facts: Facts, pipeline: Pipeline) -> str:
    """What is said where nobody named a bucket: whether one would be of use."""
    units = units_of(facts, pipeline)
    names = {unit.name for unit in units if any(ref for _, ref in unit.written())}
    if not names:
        return _NONE
    jobs = "1 job exports its cache" if len(names) == 1 else f"{len(names)} jobs export caches"
    return f"{jobs} to a registry; pass --to s3://BUCKET?region=REGION for a bucket."


def _bad_address(address: str, what: str) -> Finding:
    return Finding.at(
        None,
        name="bad-bucket",
        subject=address,
        what=what,
        why="the builds would find no cache",
        do="pass --to s3://BUCKET?region=REGION, or --to gs://BUCKET",
    )


def _assumed(place: Place, bucket: Bucket) -> Finding:
    """What nothing here can look at."""
    return Finding.at(
        place,
        name="bucket",
        severity=Severity.ASSUME,
        subject=bucket.name,
        what=f"the bucket {bucket.name} is there, and its keys reach the jobs of every branch",
        why="without them every build is cold and stays green; a server that accepts and never"
        " answers hangs the build",
        do="create the bucket and the variables that are listed under Next",
    )
