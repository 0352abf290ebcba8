"""The transform `add-needs`: jobs that only read start as soon as their inputs exist.

Knows which job may start earlier; what one waits for stands in `waits`, what it leaves behind in
`effects`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from dockerfix.api import (
    CommandReader,
    Draft,
    Facts,
    Job,
    OptionSpec,
    Permit,
    Pipeline,
    Proposal,
    Refused,
    Schedule,
    edit,
    is_accepted,
    plain,
)
from dockerfix_transforms.gitlab.add_needs.barriers import bound, named_jobs
from dockerfix_transforms.gitlab.add_needs.effects import says_it_publishes
from dockerfix_transforms.gitlab.add_needs.findings import (
    artifacts_unread,
    image_may_be_absent,
    keeps_order,
    need_unexplained,
    order_falls,
)
from dockerfix_transforms.gitlab.add_needs.inputs import Inputs, hands_files
from dockerfix_transforms.gitlab.add_needs.waits import KeptError, Needed, Waits

_BREAKS = "the job would start before what it reads exists"
_MAX = 50
"""GitLab takes no more needs than this by default."""


class AddNeeds:
    """Start jobs that only read as soon as the jobs whose images and artifacts they use have ended.

    What it does
        Gives a job without `needs:` exactly the jobs that it has to wait for: those that build
        an image it uses, that hand it artifacts, variables or a cache, or that leave something
        else behind, such as a deployment. It does not wait for artifacts that none of its
        commands can read. A need is `optional: true` only where some pipeline has the job but
        not the needed one.

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
            - build
          script:
            - cargo test
        -- Dockerfile --
        FROM rust:1.90

    Safety
        A job keeps its place if it pushes, deploys, publishes, triggers another pipeline, or runs
        a program that dockerfix does not know. So does a job that others need, one behind a
        manual or delayed job, and one whose rules cannot be compared. The assumption
        `starts-earlier` says that a job may run beside the scans and checks of earlier stages,
        and lists every order that no longer holds. Images are told apart by the tags that they
        have in each job.

        `--accept builds-beside-scan@JOB` lets a job that builds images start beside jobs that
        only read and report. `--accept same-condition@JOB` gives a job the rules of the one
        whose image it uses, so that it never runs in a pipeline without it.

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


class _Planner:
    """The needs of one pipeline. Private to the transform."""

    def __init__(self, draft: Draft, pipeline: Pipeline) -> None:
        self.draft = draft
        self.pipeline = pipeline
        self.schedule = Schedule(pipeline)
        self.inputs = Inputs(draft.facts, CommandReader(draft.facts.snapshot, pipeline))
        self.waits = Waits(pipeline, self.inputs)
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
            except KeptError as kept:
                if job.needs is None:
                    self.draft.findings.append(keeps_order(job, kept))

    def job(self, job: Job) -> None:
        """One job without needs; raises `KeptError` for one that keeps its place."""
        earlier = self.schedule.earlier(job)
        why = bound(self.pipeline, job, earlier) or self.inputs.leaves(job)
        if why:
            raise KeptError(why)
        if self.inputs.makes_images(job):
            if said := says_it_publishes(job):
                raise KeptError(said)
            self.builder(job, earlier)
        elif job.name in self.named:
            raise KeptError("other jobs need it, and would start earlier too")
        else:
            self.move(job, self.waits.needed(job, earlier), "starts-earlier")

    def builder(self, job: Job, earlier: Sequence[Job]) -> None:
        """A job that makes images: it may pass those that only read and report."""
        scans = [other for other in earlier if self.inputs.only_reports(other)]
        gated = next((u for u in self.waits.followers(job) if self.inputs.leaves(u)), None)
        if not scans:
            raise KeptError("it makes images, and no earlier job only reads and reports")
        if gated is not None:
            raise KeptError(f"`{gated.name}` needs it, and would no longer wait for a scan")
        if not is_accepted("builds-beside-scan", job.name, self.draft.accept):
            names = ", ".join(other.name for other in scans)
            accept = f"to start it beside {names}, pass --accept 'builds-beside-scan@{job.name}'"
            raise KeptError("it makes images", accept)
        kept = [self.waits.presence(job, other) for other in earlier if other not in scans]
        self.move(job, kept, "builds-beside-scan")

    def move(self, job: Job, needs: list[Needed], rule: str) -> None:
        """The needs written on a job, with the orders that fall; raises `KeptError` when
        none does."""
        names = [need.job.name for need in needs]
        waited = set(names).union(*(self.schedule.before(name) for name in names))
        fallen = [o.name for o in self.schedule.earlier(job) if o.name not in waited]
        if not fallen or len(needs) > _MAX:
            raise KeptError("it needs all jobs of the earlier stages")
        missed = {scalar.text for scalar in job.dependencies} - set(names)
        if missed:
            raise KeptError(f"its `dependencies:` name `{min(missed)}`, which it would not need")
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
        self.draft.findings.append(order_falls(job, fallen, rule))
        waits = ", ".join(map(str, needs)) or "no other job"
        self.draft.summary.append(f"{job.name} waits for {waits}.")

    def item(self, job: Job, need: Needed) -> str | dict[str, str | bool]:
        """A need as it is written; artifacts that the job provably does not read stay away."""
        found: dict[str, str | bool] = {"job": need.job.name}
        if need.absent:
            found["optional"] = True
        if hands_files(job, need.job) and not self.inputs.reads(job, need.job):
            found["artifacts"] = False
        return found if len(found) > 1 else need.job.name

    def same_condition(self, job: Job, needs: list[Needed]) -> tuple[list[Needed], Any]:
        """The needs once the job has the rules of the one whose image it uses, and those rules
        (None: it keeps its own), if that was accepted."""
        if not is_accepted("same-condition", job.name, self.draft.accept):
            return needs, None
        absent = [need for need in needs if need.absent and need.images]
        rules = absent[0].job.keys.get("rules") if len(absent) == 1 else None
        if rules is None or job.keys.keys() & {"rules", "only", "except"}:
            what = "it has rules of its own, or not exactly one job with `rules:` makes its image"
            raise KeptError(f"same-condition does not apply: {what}")
        other = absent[0].job
        permit = Permit("same-condition", job.name, self.pipeline.path, other.name)
        self.draft.permits.append(permit)
        now = [replace(n, absent="") if n is absent[0] else n for n in needs]
        return now, plain(rules)

    def explain(self, job: Job) -> None:
        """The needs that a job has: images that may be absent, and needs without a reason."""
        if bound(self.pipeline, job, ()) or self.inputs.keeps(job):
            return
        used = self.waits.used(job)
        for need in job.needs or ():
            other = self.pipeline.jobs.get(need.job)
            if other is None or other.hidden:
                continue
            flows = self.inputs.of(job, other, used)
            if flows is None:
                self.draft.findings.append(need_unexplained(job, other))
            elif need.optional and flows.images:
                self.tell_absent(job, self.waits.presence(job, other, flows.images))

    def tell_unread(self, job: Job) -> None:
        """Leave for the files of earlier jobs that a job no longer gets, and the assumption."""
        earlier = [o for o in self.schedule.earlier(job) if hands_files(job, o)]
        unread = [other for other in earlier if not self.inputs.reads(job, other)]
        for other in unread:
            permit = Permit("artifacts-unread", job.name, self.pipeline.path, other.name)
            self.draft.permits.append(permit)
        if unread:
            self.draft.findings.append(artifacts_unread(job, unread))

    def tell_absent(self, job: Job, need: Needed) -> None:
        """Say what happens where the image of a needed job was not made."""
        if not need.absent or not need.images:
            return
        self.draft.findings.append(image_may_be_absent(job, need))
