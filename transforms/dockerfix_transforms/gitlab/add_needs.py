"""The transform `add-needs`: jobs that only read start as soon as their inputs exist.

Knows what a job waits for and why; what a job leaves behind stands in `effects`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.api import (
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
    Used,
    edit,
    implies,
    is_accepted,
    plain,
)
from dockerfix_transforms.gitlab.barriers import bound, is_started_by_hand, named_jobs
from dockerfix_transforms.gitlab.effects import says_it_publishes
from dockerfix_transforms.gitlab.inputs import Inputs, hands_files

_BREAKS = "the job would start before what it reads exists"
_MAX = 50
"""GitLab takes no more needs than this by default."""


class AddNeeds:
    """Start jobs that only read as soon as the jobs whose images and artifacts they use have ended.

    What it does
        Gives a job without `needs:` the jobs that it really waits for: those that make an
        image it uses, hand it artifacts, variables or a cache, or leave anything else behind,
        such as a deployment. Artifacts that none of its commands can read are not waited for. A
        need is `optional: true` exactly where a pipeline exists with
        the job and without the needed one.

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
        Images are told apart by the tags that they have in each job.

        `--accept builds-beside-scan@JOB` lets a job that builds images start beside jobs that
        only read and report. `--accept same-condition@JOB` gives a job the rules of the one
        whose image it uses, so that it is not there without it.

    Call sites
        The pipeline's root file and its local includes.
    """

    name = "add-needs"
    summary = "Start jobs that only read as soon as their inputs exist."
    options: tuple[OptionSpec, ...] = ()
    after = ("merge-rust", "slim-context", "split-release")

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        """The proposal; `paths` are not used, the pipeline belongs to the whole repository."""
        pipeline = facts.read_pipeline()
        if pipeline is None or not pipeline.visible:
            return Proposal(reason="No GitLab pipeline with jobs was found.")
        draft = Draft(facts, options["accept"])
        try:
            _Planner(draft, pipeline).plan()
        except Refused as refused:
            return draft.refused([refused.finding(_BREAKS)])
        if not draft.edits:
            return Proposal(
                findings=tuple(draft.findings), reason="No job can safely start earlier."
            )
        return draft.finished(_BREAKS)


class _Needed(Struct, frozen=True):
    """A job that is needed, an example of a pipeline without it (empty: it is always there),
    the images that are used of it, and why it is needed."""

    job: Job
    absent: str = ""
    images: tuple[Used, ...] = ()
    why: str = ""

    def __str__(self) -> str:
        """The job with the reason, for a person."""
        return f"{self.job.name} ({self.why})" if self.why else self.job.name


class _KeptError(Exception):
    """A job that keeps its place; says why, and what a person may do."""

    def __init__(self, why: str, do: str = "") -> None:
        super().__init__(why)
        self.do = do


class _Planner:
    """The needs of one pipeline. Private to the transform."""

    def __init__(self, draft: Draft, pipeline: Pipeline) -> None:
        self.draft = draft
        self.pipeline = pipeline
        self.schedule = Schedule(pipeline)
        self.inputs = Inputs(draft.facts, CommandReader(draft.facts.snapshot, pipeline))
        self.named = named_jobs(pipeline)

    def plan(self) -> None:
        """Every job without needs that may start earlier gets them; the others are noted. Earlier
        stages come first, since what a job waits for follows from where its needs start."""
        stages = self.pipeline.stages
        for job in sorted(
            self.pipeline.visible,
            key=lambda job: stages.index(job.stage) if job.stage in stages else -1,
        ):
            try:
                if job.needs is not None:
                    self.explain(job)
                elif self.schedule.earlier(job):
                    self.job(job)
            except _KeptError as kept:
                if job.needs is None:
                    self.draft.findings.append(_kept(job, kept))

    def job(self, job: Job) -> None:
        """One job without needs; raises `_KeptError` for one that keeps its place."""
        earlier = self.schedule.earlier(job)
        why = bound(self.pipeline, job, earlier) or self.inputs.leaves(job)
        if why:
            raise _KeptError(why)
        if self.inputs.makes_images(job):
            if said := says_it_publishes(job):
                raise _KeptError(said)
            self.builder(job, earlier)
        elif job.name in self.named:
            raise _KeptError("other jobs need it, and would start earlier too")
        else:
            self.move(job, self.needed(job, earlier), "starts-earlier")

    def needed(self, job: Job, earlier: Sequence[Job]) -> list[_Needed]:
        """What a job that only reads waits for; raises `_KeptError`."""
        used = self.used(job)
        flows = {other.name: self.inputs.of(job, other, used) for other in earlier}
        unread = [o for o in earlier if (found := flows[o.name]) and found.is_effect]
        unread = [other for other in unread if not _never_waits(other)]
        free = [other for other in earlier if flows[other.name] is None]
        # Needs that stand there for fear alone help nobody when they are the most.
        if len(unread) > len(free):
            why = flows[unread[0].name]
            raise _KeptError(f"`{unread[0].name}` comes before it: {why.why if why else ''}")
        return [
            self.presence(job, other, found.images, found.why)
            for other in earlier
            if (found := flows[other.name]) and (not found.is_effect or other in unread)
        ]

    def used(self, job: Job) -> tuple[Used, ...]:
        """The images that a job uses; raises `_KeptError`."""
        try:
            return self.inputs.used(job)
        except UnreadImageError as error:
            raise _KeptError(str(error)) from None

    def presence(
        self, job: Job, other: Job, images: tuple[Used, ...] = (), why: str = ""
    ) -> _Needed:
        """A need, with the pipeline in which the needed job is missing."""
        if is_started_by_hand(other):
            raise _KeptError(f"`{other.name}` is started by hand")
        presence = implies(self.pipeline, job, other)
        if isinstance(presence, Missing):
            return _Needed(other, presence.example, images, why)
        if not isinstance(presence, AlwaysThere):
            raise _KeptError(f"when `{other.name}` exists cannot be decided: {presence.why}")
        return _Needed(other, "", images, why)

    def builder(self, job: Job, earlier: Sequence[Job]) -> None:
        """A job that makes images: it may pass those that only read and report."""
        scans = [other for other in earlier if self.inputs.only_reports(other)]
        gated = next((u for u in self.followers(job) if self.inputs.leaves(u)), None)
        if not scans:
            raise _KeptError("it makes images, and no earlier job only reads and reports")
        if gated is not None:
            raise _KeptError(f"`{gated.name}` needs it, and would no longer wait for a scan")
        if not is_accepted("builds-beside-scan", job.name, self.draft.accept):
            names = ", ".join(other.name for other in scans)
            accept = f"to start it beside {names}, pass --accept 'builds-beside-scan@{job.name}'"
            raise _KeptError("it makes images", accept)
        kept = [self.presence(job, other) for other in earlier if other not in scans]
        self.move(job, kept, "builds-beside-scan")

    def followers(self, job: Job) -> Iterator[Job]:
        """The jobs that start when this one has ended, directly or through others' needs."""
        known, waiting = {job.name}, [job.name]
        while waiting:
            name = waiting.pop()
            for user in self.pipeline.visible:
                if user.name not in known and name in {n.job for n in user.needs or ()}:
                    known.add(user.name)
                    waiting.append(user.name)
                    yield user

    def move(self, job: Job, needs: list[_Needed], rule: str) -> None:
        """The needs written on a job, with the orders that fall; raises `_KeptError` when
        none does."""
        names = [need.job.name for need in needs]
        waited = set(names).union(*(self.schedule.before(name) for name in names))
        fallen = [o.name for o in self.schedule.earlier(job) if o.name not in waited]
        if not fallen or len(needs) > _MAX:
            raise _KeptError("it needs all jobs of the earlier stages")
        missed = {scalar.text for scalar in job.dependencies} - set(names)
        if missed:
            raise _KeptError(f"its `dependencies:` name `{min(missed)}`, which it would not need")
        needs, rules = self.same_condition(job, needs)
        items = [self.item(job, need) for need in needs]
        self.draft.edits += (
            edit(job).add({"rules": rules, "needs": items})
            if rules
            else edit(job).set("needs", to=items)
        )
        self.schedule = self.schedule.with_needs(job.name, names)
        for name in names or [""]:
            self.draft.permits.append(Permit(rule, job.name, self.pipeline.path, name))
        self.tell_unread(job)
        for need in needs:
            self.tell_absent(job, need)
        self.draft.findings.append(_moved(job, fallen, rule))
        waits = ", ".join(map(str, needs)) or "no other job"
        self.draft.summary.append(f"{job.name} waits for {waits}.")

    def item(self, job: Job, need: _Needed) -> str | dict[str, str | bool]:
        """A need as it is written; artifacts that the job provably does not read stay away."""
        found: dict[str, str | bool] = {"job": need.job.name}
        if need.absent:
            found["optional"] = True
        if hands_files(job, need.job) and not self.inputs.reads(job, need.job):
            found["artifacts"] = False
        return found if len(found) > 1 else need.job.name

    def same_condition(self, job: Job, needs: list[_Needed]) -> tuple[list[_Needed], Any]:
        """The needs once the job has the rules of the one whose image it uses, and those rules
        (None: it keeps its own), if that was accepted."""
        if not is_accepted("same-condition", job.name, self.draft.accept):
            return needs, None
        absent = [need for need in needs if need.absent and need.images]
        rules = absent[0].job.keys.get("rules") if len(absent) == 1 else None
        if rules is None or job.keys.keys() & {"rules", "only", "except"}:
            what = "it has rules of its own, or not exactly one job with `rules:` makes its image"
            raise _KeptError(f"same-condition does not apply: {what}")
        other = absent[0].job
        permit = Permit("same-condition", job.name, self.pipeline.path, other.name)
        self.draft.permits.append(permit)
        now = [replace(n, absent="") if n is absent[0] else n for n in needs]
        return now, plain(rules)

    def explain(self, job: Job) -> None:
        """The needs that a job has: images that may be absent, and needs without a reason."""
        if bound(self.pipeline, job, ()) or self.inputs.keeps(job):
            return
        used = self.used(job)
        for need in job.needs or ():
            other = self.pipeline.jobs.get(need.job)
            if other is None or other.hidden:
                continue
            flows = self.inputs.of(job, other, used)
            if flows is None:
                self.draft.findings.append(_unexplained(job, other))
            elif need.optional and flows.images:
                self.tell_absent(job, self.presence(job, other, flows.images))

    def tell_unread(self, job: Job) -> None:
        """Leave for the files of earlier jobs that a job no longer gets, and the assumption."""
        earlier = [o for o in self.schedule.earlier(job) if hands_files(job, o)]
        unread = [other for other in earlier if not self.inputs.reads(job, other)]
        for other in unread:
            permit = Permit("artifacts-unread", job.name, self.pipeline.path, other.name)
            self.draft.permits.append(permit)
        if unread:
            self.draft.findings.append(_unread(job, unread))

    def tell_absent(self, job: Job, need: _Needed) -> None:
        """Say what happens where the image of a needed job was not made."""
        if not need.absent or not need.images:
            return
        image = next((image for image in need.images if not image.built), need.images[0])
        then = "Compose then builds it in this job" if image.built else f"`{image.by}` then fails"
        self.draft.findings.append(
            Finding.at(
                job.place,
                name="image-may-be-absent",
                severity=Severity.NOTE,
                subject=job.name,
                what=f"{job.name} uses {image.name} where {need.job.name} did not make it",
                why=f"{need.absent}; unless an earlier pipeline pushed the image, {then}",
                do=f"widen the rules of {need.job.name}, or give {job.name} the same ones",
            )
        )


def _never_waits(other: Job) -> bool:
    """Whether jobs of later stages go on without this one: it runs only by hand."""
    rules = other.rules
    whens = {other.when} if rules is None else {rule.when for rule in rules} - {"never"}
    return whens == {"manual"}


def _moved(job: Job, fallen: Sequence[str], rule: str) -> Finding:
    reads = rule == "starts-earlier"
    what = "it reads and reports only, but runs" if reads else "its images are made and pushed"
    return Finding.at(
        job.place,
        name=rule,
        severity=Severity.ASSUME,
        subject=job.name,
        what=f"{job.name} no longer waits for {', '.join(fallen)}",
        why=f"{what} even when one of these fails",
        do="add the jobs that it is to wait for to its `needs:`",
    )


def _unread(job: Job, others: Sequence[Job]) -> Finding:
    files = [(", ".join(o.artifacts.paths), o.name) for o in others if o.artifacts is not None]
    return Finding.at(
        job.place,
        name="artifacts-unread",
        severity=Severity.ASSUME,
        subject=job.name,
        what=f"{job.name} no longer gets " + ", ".join(f"{p} of {name}" for p, name in files),
        why="its commands read other files, as far as the table of programs knows",
        do="add the job that makes what is read to its `needs:`",
    )


def _kept(job: Job, kept: _KeptError) -> Finding:
    return Finding.at(
        job.place,
        name="keeps-order",
        severity=Severity.NOTE,
        subject=job.name,
        what=f"{job.name} still waits for all earlier stages",
        why=str(kept),
        do=kept.do,
    )


def _unexplained(job: Job, other: Job) -> Finding:
    return Finding.at(
        job.place,
        name="need-unexplained",
        severity=Severity.NOTE,
        subject=job.name,
        what=f"{job.name} needs {other.name} and takes nothing of it that reading finds",
        why="the need costs time unless the order itself is meant",
        do=f"remove the need if {job.name} may run beside {other.name}",
    )
