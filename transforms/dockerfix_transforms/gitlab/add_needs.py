"""The transform `add-needs`: jobs that only read start as soon as their inputs exist.

Knows what a job waits for and why; what a job leaves behind stands in `effects`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from dockerfix.api import (
    ANY,
    AlwaysThere,
    CommandReader,
    Draft,
    Facts,
    Finding,
    Job,
    Missing,
    OptionSpec,
    Permit,
    Pipeline,
    Proposal,
    Refused,
    Schedule,
    Severity,
    UnreadImageError,
    edit,
    implies,
    pushers,
    used_images,
)
from dockerfix_transforms.gitlab.effects import leaves_behind

_BREAKS = "the job would start before what it reads exists"
_MAX = 50
"""GitLab takes no more needs than this by default."""


class AddNeeds:
    """Start jobs that only read as soon as the jobs whose images and artifacts they use have ended.

    What it does
        Gives a job without `needs:` the jobs that it really waits for: those that push an
        image it uses, and every earlier job that leaves artifacts. A need is `optional: true`
        exactly where a pipeline exists with the job and without the needed one.

    Why
        A job without `needs:` waits for every job of every earlier stage.

    Before
        $ dockerfix add-needs
        -- .gitlab-ci.yml --
        stages: [build, lint, test]

        build:
          stage: build
          script:
            - docker build --push -t $CI_REGISTRY_IMAGE/server:$CI_COMMIT_REF_SLUG .

        lint:
          stage: lint
          image: rust:1.90
          script:
            - cargo fmt --check

        test:
          stage: test
          image: $CI_REGISTRY_IMAGE/server:$CI_COMMIT_REF_SLUG
          script:
            - cargo test
        -- Dockerfile --
        FROM rust:1.90

    After
        -- .gitlab-ci.yml --
        stages: [build, lint, test]

        build:
          stage: build
          script:
            - docker build --push -t $CI_REGISTRY_IMAGE/server:$CI_COMMIT_REF_SLUG .

        lint:
          stage: lint
          image: rust:1.90
          needs: []
          script:
            - cargo fmt --check

        test:
          stage: test
          image: $CI_REGISTRY_IMAGE/server:$CI_COMMIT_REF_SLUG
          needs:
            - "build"
          script:
            - cargo test
        -- Dockerfile --
        FROM rust:1.90

    Safety
        A job that pushes, deploys, publishes, triggers, or runs a program that is in no table
        keeps its place. So does a job that others need, one behind a manual or delayed job,
        and one whose rules cannot be compared. That a job may run beside the scans and checks
        of earlier stages is the assumption `starts-earlier`, with every order that falls.

    Call sites
        The pipeline's root file and its local includes.
    """

    name = "add-needs"
    summary = "Start jobs that only read as soon as their inputs exist."
    options: tuple[OptionSpec, ...] = ()

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        """The proposal; `paths` are not used, the pipeline belongs to the whole repository."""
        pipeline = facts.pipeline
        if pipeline is None or not pipeline.visible:
            return Proposal(reason="No GitLab pipeline with jobs was found.")
        draft = Draft(facts, options["accept"])
        try:
            _plan(draft, pipeline)
        except Refused as refused:
            return draft.refused([refused.finding(_BREAKS)])
        if not draft.edits:
            return Proposal(
                findings=tuple(draft.findings), reason="No job can safely start earlier."
            )
        return draft.finished(_BREAKS)


class _Needed(Struct, frozen=True):
    """A job that is needed, and whether it may be absent."""

    job: Job
    optional: bool


class _KeptError(Exception):
    """A job that keeps its place; says why."""


def _plan(draft: Draft, pipeline: Pipeline) -> None:
    schedule = Schedule(pipeline)
    reader = CommandReader(draft.facts.snapshot, pipeline)
    made = pushers(draft.facts)
    named = {need.job.partition(": [")[0] for need in _all_needs(pipeline)}
    for job in pipeline.visible:
        if job.needs is not None or not schedule.earlier(job):
            continue
        try:
            needs = list(_inputs(draft.facts, reader, schedule, job, made, named))
        except _KeptError as kept:
            draft.findings.append(_kept(job, str(kept)))
            continue
        _move(draft, pipeline, schedule, job, needs)


def _inputs(
    facts: Facts,
    reader: CommandReader,
    schedule: Schedule,
    job: Job,
    made: Mapping[str, frozenset[str]],
    named: set[str],
) -> Iterator[_Needed]:
    """What a job waits for; raises `_KeptError` for one that keeps its place."""
    pipeline = reader.pipeline
    commands = reader.of(job)
    earlier = schedule.earlier(job)
    why = _is_bound(pipeline, job, earlier, named) or leaves_behind(facts, job, commands)
    if why:
        raise _KeptError(why)
    try:
        used = used_images(facts, job, commands).names
    except UnreadImageError as error:
        raise _KeptError(str(error)) from None
    used |= {ANY} if used else set()
    found = [o for o in earlier if o.artifacts is not None or made.get(o.name, frozenset()) & used]
    if len(found) > _MAX or len(found) == len(earlier):
        raise _KeptError("it needs all jobs of the earlier stages")
    for other in found:
        if "manual" in (other.when, *(rule.when for rule in other.rules or ())):
            raise _KeptError(f"`{other.name}` is started by hand")
        presence = implies(pipeline, job, other)
        if not isinstance(presence, AlwaysThere | Missing):
            raise _KeptError(f"when `{other.name}` exists cannot be decided: {presence.why}")
        yield _Needed(other, isinstance(presence, Missing))


def _is_bound(pipeline: Pipeline, job: Job, earlier: Sequence[Job], named: set[str]) -> str:
    """Why the order of a job must stay, whatever it runs; empty when it may change."""
    if job.name in named:
        return "other jobs need it, and would start earlier too"
    if pipeline.unread or pipeline.unknown_parents(job):
        return "a part of the pipeline is in another repository"
    if job.stage not in pipeline.stages or job.stage in (".pre", ".post"):
        return f"it is in the stage `{job.stage}`"
    if job.when != "on_success" or any(
        r.when not in ("on_success", "never") for r in job.rules or ()
    ):
        return "it does not simply run when the jobs before it succeed"
    if job.dependencies or any(rule.needs is not None for rule in job.rules or ()):
        return "it names jobs by `dependencies:` or in its rules"
    held = next((other for other in earlier if _holds(other)), None)
    return f"`{held.name}` before it is started by hand or later" if held is not None else ""


def _holds(job: Job) -> bool:
    """Whether jobs of later stages wait until somebody starts this one, or for a delay."""
    if job.when == "delayed" or (job.when == "manual" and not job.allow_failure):
        return True
    return any(
        rule.when == "delayed"
        or (rule.when == "manual" and not (rule.allow_failure or job.allow_failure))
        for rule in job.rules or ()
    )


def _move(
    draft: Draft, pipeline: Pipeline, schedule: Schedule, job: Job, needs: Sequence[_Needed]
) -> None:
    """The needs written on a job, with the orders that fall; nothing when none does."""
    names = [need.job.name for need in needs]
    waited = set(names).union(*(schedule.before(name) for name in names))
    fallen = [other.name for other in schedule.earlier(job) if other.name not in waited]
    if not fallen:
        return
    items: list[str | dict[str, str | bool]] = [
        {"job": need.job.name, "optional": True} if need.optional else need.job.name
        for need in needs
    ]
    draft.edits += edit(job).set("needs", to=items)
    for name in names or [""]:
        draft.permits.append(Permit("starts-earlier", job.name, pipeline.path, name))
    draft.findings.append(
        Finding.at(
            job.place,
            name="starts-earlier",
            severity=Severity.ASSUME,
            subject=job.name,
            what=f"{job.name} no longer waits for {', '.join(fallen)}",
            why="it reads and reports only, but runs even when one of these fails",
            do="add the jobs that it is to wait for to its `needs:`",
        )
    )
    draft.summary.append(f"{job.name} waits for {', '.join(names) or 'no other job'}.")


def _all_needs(pipeline: Pipeline) -> Iterator[Any]:
    for job in pipeline.visible:
        yield from job.needs or ()
        for rule in job.rules or ():
            yield from rule.needs or ()


def _kept(job: Job, why: str) -> Finding:
    return Finding.at(
        job.place,
        name="keeps-order",
        severity=Severity.NOTE,
        subject=job.name,
        what=f"{job.name} still waits for all earlier stages",
        why=why,
    )
