"""The pipeline of slimmed consumers: the image that they read must be there when they do.

The provider's job runs whenever a consumer's job does, and before it. Knows jobs; knows no
Dockerfile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dockerfix.api import (
    AlwaysThere,
    Build,
    Edits,
    Facts,
    Finding,
    Job,
    Missing,
    Pipeline,
    Refused,
    Scalar,
    Severity,
    SiteKind,
    add_need,
    implies,
    runs_otherwise,
    united,
    widen_rules,
)
from dockerfix_transforms.slim_context.sibling.login import missing_logins
from dockerfix_transforms.slim_context.sibling.publication import Publication, job_in
from dockerfix_transforms.slim_context.sibling.workflow import plan_workflow


@dataclass(slots=True)
class ReadingPlan:
    """Edits of the pipeline, the jobs that they change, and what is said about them."""

    edits: Edits = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)


def plan_reading(facts: Facts, chosen: Publication, builds: Sequence[Build]) -> ReadingPlan:
    """Rules and needs for one publication and all the builds that read its image."""
    plan = ReadingPlan()
    plan.findings += missing_logins(facts, chosen, builds)
    if chosen.build.site.kind is SiteKind.GITHUB:
        plan.findings += plan_workflow(facts, chosen, builds)
        plan.summary += [
            f"{name} reads {chosen.image}, which {chosen.build.site.name} pushes before it"
            for name in dict.fromkeys(build.site.name for build in builds)
        ]
        return plan
    pipeline = facts.pipeline
    source = job_in(pipeline, chosen.build)
    if pipeline is None or source is None:
        return plan
    jobs = list(_jobs(pipeline, builds, source))
    plan.findings += _doubts(source, chosen, jobs)
    try:
        _widen(facts, pipeline, source, jobs, plan)
    except Refused as refused:
        plan.findings.append(_refusal(refused))
        return plan
    for job in jobs:
        how = _after(pipeline, job, source, plan)
        plan.summary.append(f"{job.name} reads {chosen.text}, which {source.name} pushes {how}")
    return plan


def _jobs(pipeline: Pipeline, builds: Sequence[Build], source: Job) -> Iterator[Job]:
    """The jobs that read the image, but for the one that makes it."""
    names = dict.fromkeys(b.site.name for b in builds if b.site.kind is SiteKind.GITLAB)
    yield from (pipeline.jobs[n] for n in names if n in pipeline.jobs and n != source.name)


def _doubts(source: Job, chosen: Publication, jobs: Sequence[Job]) -> Iterator[Finding]:
    """What would leave the image unpushed, or pushed by another branch."""
    if jobs and _is_manual(source):
        yield Finding(
            Severity.REFUSE, "provider-manual", f"{source.name} waits for a person to start it",
            "the image would not be there when it is read", "let it run by itself",
            source.place, source.name,
        )  # fmt: skip
    if chosen.shared:
        yield Finding(
            Severity.ASSUME, "shared-tag", f"every branch pushes and reads {chosen.text}",
            "a branch may read what another branch pushed last",
            "tag the image with $CI_COMMIT_REF_SLUG too", source.place, source.name,
        )  # fmt: skip


def _is_manual(job: Job) -> bool:
    when = job.keys.get("when")
    if isinstance(when, Scalar) and when.text == "manual":
        return True
    return any(rule.when == "manual" for rule in job.rules or ())


def _widen(
    facts: Facts, pipeline: Pipeline, source: Job, jobs: Sequence[Job], plan: ReadingPlan
) -> None:
    """The provider's rules, where they do not cover its consumers'; raises `Refused`."""
    if all(isinstance(implies(pipeline, job, source), AlwaysThere) for job in jobs):
        return
    edits = widen_rules(source, jobs)
    if edits:
        plan.edits += edits
        plan.changed.add(source.name)
        plan.findings.append(_runs_more(source, jobs))
        sets = united(facts, edits)
        changed = {path: found.apply(facts.snapshot.read(path)) for path, found in sets.items()}
        pipeline = Facts(facts.snapshot.with_changes(changed)).pipeline or pipeline
        otherwise = runs_otherwise(pipeline, source, pipeline.jobs[source.name])
        if otherwise:
            raise Refused(source.place, otherwise, f"make {source.name} run by rules that are read")
    for job in jobs:
        there = implies(pipeline, pipeline.jobs[job.name], pipeline.jobs[source.name])
        if isinstance(there, Missing):
            raise Refused(source.place, there.example, f"make {source.name} run whenever it does")
        if not isinstance(there, AlwaysThere):
            plan.findings.append(_undecided(source, job, there.why))


def _after(pipeline: Pipeline, job: Job, source: Job, plan: ReadingPlan) -> str:
    """The consumer waits for the provider, by its stage or by a need: how, for the report."""
    order = {name: number for number, name in enumerate(pipeline.stages)}
    if order.get(source.stage, 0) > order.get(job.stage, 0):
        plan.findings.append(
            Finding(
                Severity.REFUSE, "provider-later",
                f"{job.name} runs in stage {job.stage}, before {source.name} in {source.stage}",
                "the image would not be there", "publish the image in an earlier stage",
                job.place, job.name,
            )
        )  # fmt: skip
        return "too late"
    if job.needs is None and source.stage != job.stage:
        return f"in the earlier stage {source.stage}"
    edits = add_need(job, source.name)
    if edits:
        plan.edits += edits
        plan.changed.add(job.name)
        plan.findings += _waits_less(pipeline, job, source)
    return "before it (needs)"


def _waits_less(pipeline: Pipeline, job: Job, source: Job) -> Iterator[Finding]:
    """A job that gets its first `needs:` waits for these alone, and gets their artifacts
    alone."""
    if job.needs is not None or pipeline.stages.index(job.stage) == 0:
        return
    earlier = [
        other
        for other in pipeline.visible
        if other.stage in pipeline.stages
        and pipeline.stages.index(other.stage) < pipeline.stages.index(job.stage)
    ]
    makers = [other.name for other in earlier if "artifacts" in other.keys]
    if makers:
        yield Finding(
            Severity.ASSUME, "needs-artifacts",
            f"{job.name} no longer gets the artifacts of {', '.join(makers)}",
            "a job with `needs:` gets only those of the jobs that it needs",
            "need them too, if it uses them", job.place, job.name,
        )  # fmt: skip
    if source.needs is not None and earlier:
        yield Finding(
            Severity.ASSUME, "needs-stages",
            f"{job.name} no longer waits for all of the earlier stages",
            f"{source.name} does not wait for them either", "", job.place, job.name,
        )  # fmt: skip


def _runs_more(source: Job, jobs: Sequence[Job]) -> Finding:
    names = ", ".join(job.name for job in jobs)
    always = any(job.rules is None for job in jobs)
    one = names if len(jobs) == 1 else f"one of {names}"
    when = "in every pipeline" if always else f"whenever {one} does"
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


def _undecided(source: Job, job: Job, why: str) -> Finding:
    return Finding(
        Severity.ASSUME, "provider-there", f"{source.name} exists whenever {job.name} does",
        f"reading cannot tell: {why}", "compare their rules", source.place, source.name,
    )  # fmt: skip


def _refusal(refused: Refused) -> Finding:
    return Finding(
        Severity.REFUSE, "provider-rules",
        f"the provider's rules cannot be widened: {refused.what}",
        "the image may not be there when it is needed", refused.action, refused.place,
        refused.place.path,
    )  # fmt: skip
