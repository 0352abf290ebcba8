"""What becomes of the jobs: edits of the pipeline, the bake file, which jobs go and come.

Knows the order of the work; which jobs become one and what that one runs are others' business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from dockerfix.api import (
    Baked,
    Change,
    Edits,
    Facts,
    Finding,
    Job,
    Joined,
    Node,
    Pipeline,
    Place,
    Refused,
    StepDown,
    bake_file,
    bake_variables,
    check_same_runs,
    join_jobs,
)
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.jobs.baked import (
    bake_call,
    bake_comment,
    bake_path,
    bake_targets,
    group_name,
)
from dockerfix_transforms.merge_rust.jobs.buildx import buildx_notes, check_buildx
from dockerfix_transforms.merge_rust.jobs.clusters import Apart, Cluster, clusters
from dockerfix_transforms.merge_rust.jobs.environment import handed_over
from dockerfix_transforms.merge_rust.jobs.script import (
    apart_variables,
    bake_script,
    builds_elsewhere,
    lined_up,
)
from dockerfix_transforms.merge_rust.read.input_file import InputFile


class JoinedJob(Struct, frozen=True):
    """Jobs that are one now. `baked` says that it calls the bake file; if not, its builds are
    written elsewhere and are still to be rewritten there."""

    cluster: Cluster
    edits: Edits
    baked: bool
    idle: tuple[tuple[str, Place], ...]
    """Templates whose script no job runs any more, with its place."""


class JobPlan(Struct, frozen=True):
    """What becomes of the jobs. `apart` holds those that cannot be one, with the reason."""

    jobs: tuple[JoinedJob, ...] = ()
    apart: tuple[Apart, ...] = ()
    bake_path: str = ""
    bake: bytes = b""
    following: tuple[str, ...] = ()
    """Other jobs that need one of the old ones, and need the new one now."""

    @property
    def findings(self) -> list[Finding]:
        """What is assumed of the jobs."""
        baked = (job.cluster for job in self.jobs if job.baked)
        return [finding for cluster in baked for finding in buildx_notes(cluster)]

    @property
    def edits(self) -> Edits:
        """The edits of the pipeline's files."""
        return [edit for job in self.jobs for edit in job.edits]

    @property
    def joined(self) -> list[tuple[str, tuple[str, ...]]]:
        """The name of each one job, with those of the jobs that it comes from."""
        return [(job.cluster.name, job.cluster.old_names) for job in self.jobs]

    @property
    def added(self) -> list[str]:
        """Names that are new in the pipeline."""
        return [name for name, olds in self.joined if name not in olds]

    @property
    def removed(self) -> list[str]:
        """Names that the pipeline has no more."""
        return [old for name, olds in self.joined for old in olds if old != name]

    @property
    def changed(self) -> list[str]:
        """Jobs that stay under their names and change."""
        return [*(name for name, olds in self.joined if name in olds), *self.following]

    @property
    def done(self) -> set[int]:
        """The builds (by `id`) whose call sites are dealt with."""
        baked = (job.cluster for job in self.jobs if job.baked)
        return {id(change.build) for cluster in baked for _, change in cluster.changes}

    @property
    def within(self) -> dict[int, str]:
        """The build (by `id`) of every joined job, with the job's name."""
        found = (job.cluster for job in self.jobs)
        return {id(change.build): c.name for c in found for _, change in c.changes}

    @property
    def idle(self) -> list[tuple[str, Place]]:
        """Templates whose script no job runs any more, with its place."""
        return [template for job in self.jobs for template in job.idle]


def plan_jobs(
    facts: Facts,
    groups: Sequence[Group],
    changes: Sequence[tuple[InputFile, Change]],
    folder: str,
    paths: Mapping[str, str],
    failed: Mapping[str, StepDown],
) -> JobPlan:
    """The jobs of every group joined where they would compile the same apart.

    `folder` is the context, in which the bake file will stand; `paths` maps old Dockerfiles
    to the merged one. Jobs with a build among `failed`, by its place, are not joined.
    """
    pipeline = facts.pipeline
    if pipeline is None:
        return JobPlan()
    found = list(clusters(facts, pipeline, groups, changes, folder))
    wanted = [item for item in found if isinstance(item, Cluster)]
    apart = [item for item in found if not isinstance(item, Cluster)]
    path = bake_path(facts, folder)
    baked: dict[str, list[Baked]] = {}
    jobs: list[JoinedJob] = []
    for cluster in wanted:
        group = group_name(cluster, baked, len(wanted) == 1)
        try:
            _check(cluster, failed)
            jobs.append(_joined(facts, pipeline, cluster, group, baked, path, paths))
        except Refused as refused:
            apart.append((refused, cluster.jobs))
    following = tuple(_following(pipeline, jobs))
    bake = _bake_file(facts, pipeline, jobs, baked, path) if baked else b""
    return JobPlan(tuple(jobs), tuple(apart), path if baked else "", bake, following)


def _joined(
    facts: Facts,
    pipeline: Pipeline,
    cluster: Cluster,
    group: str,
    baked: dict[str, list[Baked]],
    path: str,
    paths: Mapping[str, str],
) -> JoinedJob:
    """One job of a cluster; its bake targets come to `baked`. Raises `Refused`."""
    targets: list[Baked] = []
    variables: dict[str, str | None] = {}
    if not builds_elsewhere(cluster):
        check_buildx(pipeline, cluster)
        targets = bake_targets(cluster, {t.name for ts in baked.values() for t in ts})
        variables = bake_variables(targets)  # raises where HCL cannot say it
    apart = apart_variables(cluster)
    if targets:
        given = handed_over(pipeline, cluster, variables)
        script = bake_script(cluster, bake_call(cluster, path, group, given), apart)
    else:
        script = lined_up(cluster, apart)
    jobs = [build_job.job for build_job in cluster.jobs]
    edits = join_jobs(pipeline, jobs, Joined(cluster.name, script, apart, paths))
    check_same_runs(facts, jobs, cluster.name, edits)
    if targets:
        baked[group] = targets
    return JoinedJob(cluster, edits, bool(targets), tuple(_idle(pipeline, jobs)))


def _check(cluster: Cluster, failed: Mapping[str, StepDown]) -> None:
    """Raises `Refused` for jobs for which a check of the engine failed when they were one."""
    for _, change in cluster.changes:
        place = change.build.site.place
        step = failed.get(str(place))
        if step is not None:
            what = f"the check *{step.check}* fails for the one job: {step.fault}"
            raise Refused(place, what, "align the jobs")


def _following(pipeline: Pipeline, jobs: Sequence[JoinedJob]) -> Iterator[str]:
    """The jobs that need one of the old jobs and are none of them."""
    olds = {old for job in jobs for old in job.cluster.old_names}
    for job in pipeline.jobs.values():
        needed = {need.job for need in job.needs or ()} | {d.text for d in job.dependencies}
        if needed & olds and job.name not in olds:
            yield job.name


def _bake_file(
    facts: Facts,
    pipeline: Pipeline,
    jobs: Sequence[JoinedJob],
    baked: Mapping[str, Sequence[Baked]],
    path: str,
) -> bytes:
    newline = facts.snapshot.source(pipeline.path).newline.bytes.decode()
    folder = next(iter(baked.values()))[0].build.folder
    names = [job.cluster.name for job in jobs if job.baked]
    return bake_file(bake_comment(names, path, folder), baked, newline)


def _idle(pipeline: Pipeline, jobs: Sequence[Job]) -> Iterator[tuple[str, Place]]:
    """Hidden jobs whose script only these jobs ran, which have a script of their own now."""
    node = jobs[0].keys.get("script")
    if not isinstance(node, Node):
        return
    place = node.file.source.place(node.span)
    names = {job.name for job in jobs}
    users = [job for job in pipeline.jobs.values() if job.keys.get("script") is node]
    owner = next((j for j in users if j.hidden and j.entry.span.contains(node.span)), None)
    if owner is not None and all(job.hidden or job.name in names for job in users):
        yield owner.name, place
