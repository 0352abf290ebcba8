"""The pipeline of a slimmed consumer: the provider's image must be there when it is built.

The provider's job runs whenever a consumer's job does, and before it. Knows jobs; knows no
Dockerfile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dockerfix.api import (
    Build,
    Edits,
    Facts,
    Finding,
    Job,
    Pipeline,
    Refused,
    Severity,
    SiteKind,
    add_need,
    widen_rules,
)
from dockerfix_transforms.slim_context.provider import Provider


@dataclass(slots=True)
class PipelinePlan:
    """Edits of the pipeline, the jobs that they change, and what is said about them."""

    edits: Edits = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)


def plan_pipeline(facts: Facts, provider: Provider, consumers: Sequence[Build]) -> PipelinePlan:
    """Rules and needs for one provider and all the builds that use its image."""
    plan = PipelinePlan()
    pipeline = facts.pipeline
    jobs = list(_jobs(pipeline, consumers)) if pipeline is not None else []
    source = pipeline.jobs.get(provider.build.site.name) if pipeline is not None else None
    if pipeline is None or source is None or not jobs:
        return plan
    jobs = [job for job in jobs if job.name != source.name]
    try:
        widened = widen_rules(source, jobs)
    except Refused as refused:
        plan.findings.append(_refusal(refused))
        return plan
    if widened:
        plan.edits += widened
        plan.changed.add(source.name)
        plan.findings.append(_runs_more(source, jobs))
    for job in jobs:
        _after(pipeline, job, source, plan)
    return plan


def _jobs(pipeline: Pipeline, builds: Sequence[Build]) -> Iterator[Job]:
    seen: set[str] = set()
    for build in builds:
        name = build.site.name
        if build.site.kind is SiteKind.GITLAB and name in pipeline.jobs and name not in seen:
            seen.add(name)
            yield pipeline.jobs[name]


def _after(pipeline: Pipeline, job: Job, source: Job, plan: PipelinePlan) -> None:
    """The consumer waits for the provider: by its stage, or by a need."""
    stages = pipeline.stages
    order = {name: number for number, name in enumerate(stages)}
    if order.get(source.stage, 0) > order.get(job.stage, 0):
        plan.findings.append(
            Finding(
                Severity.REFUSE, "provider-later",
                f"{job.name} runs in stage {job.stage}, before {source.name} in {source.stage}",
                "the image would not be there", "publish the image in an earlier stage",
                job.place, job.name,
            )
        )  # fmt: skip
        return
    if job.needs is None and source.stage != job.stage:
        return
    edits = add_need(job, source.name)
    if edits:
        plan.edits += edits
        plan.changed.add(job.name)


def _runs_more(source: Job, jobs: Sequence[Job]) -> Finding:
    names = ", ".join(job.name for job in jobs)
    always = any(job.rules is None for job in jobs)
    when = "in every pipeline" if always else f"whenever one of {names} does"
    return Finding(
        Severity.NOTE,
        "provider-runs-more",
        f"{source.name} runs {when}",
        "its image must have been pushed when they are built; this costs a job more in "
        "pipelines that did not have it",
        "",
        source.place,
        source.name,
    )


def _refusal(refused: Refused) -> Finding:
    return Finding(
        Severity.REFUSE, "provider-rules",
        f"the provider's rules cannot be widened: {refused.what}",
        "the image may not be there when it is needed", refused.action, refused.place,
        refused.place.path,
    )  # fmt: skip
