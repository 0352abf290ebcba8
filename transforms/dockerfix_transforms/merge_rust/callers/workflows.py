"""GitHub jobs that would each compile one builder group become one job.

Sibling jobs and the rows of a matrix, where they differ in nothing but the image that they
build: their steps follow one another on one machine, whose builder then has what the first
step compiled. Chooses the jobs; knows no step and no stage.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from msgspec import Struct

from dockerfix.api import (
    Build,
    Change,
    Edit,
    Edits,
    EditSet,
    Facts,
    JoinedJob,
    Place,
    Refused,
    SiteKind,
    Snapshot,
    Span,
    StepDown,
    YamlError,
    YamlFile,
    frame_of,
    is_accepted,
    job_entries,
    join_workflow_jobs,
    parse_yaml,
    rows_of,
    set_builds,
    split_workflow_job,
)  # fmt: skip
from dockerfix_transforms.merge_rust.callers.runners import Pair
from dockerfix_transforms.merge_rust.group.group import Group

APART = "jobs-apart"


class JoinedWorkflow(Struct, frozen=True):
    """Jobs of one workflow that became one: its file, the old names, the new one, the rows."""

    path: str
    olds: tuple[str, ...]
    name: str
    rows: int
    place: Place


@dataclass(slots=True)
class WorkflowPlan:
    """What becomes of the jobs of workflows.

    `within` maps the builds (by `id`) of joined jobs to what tells their machine; `apart` holds
    why the builds of other jobs cannot be on one.
    """

    edits: Edits = field(default_factory=list)
    within: dict[int, str] = field(default_factory=dict)
    apart: dict[int, str] = field(default_factory=dict)
    joined: list[JoinedWorkflow] = field(default_factory=list)


_Jobs = dict[str, list[Pair]]
"""The builds of members, by the job that runs them."""


def plan_workflows(
    facts: Facts,
    groups: Sequence[Group],
    pairs: Sequence[Pair],
    accept: Collection[str],
    failed: Mapping[str, StepDown],
) -> WorkflowPlan:
    """The jobs of every group joined, workflow by workflow, where machines would each build
    one file of it; those whose workflow is accepted as `jobs-apart` stay, and those with a
    build among `failed`, by its place."""
    plan = WorkflowPlan()
    for group in groups:
        members = {member.file.path for member in group.members}
        by_path: dict[str, _Jobs] = {}
        for file, change in pairs:
            site = change.build.site
            step = failed.get(str(site.place))
            if step is not None and site.kind is SiteKind.GITHUB:
                why = f"the check *{step.check}* fails for the one job: {step.fault}"
                plan.apart.setdefault(id(change.build), why)
            elif file.path in members and site.kind is SiteKind.GITHUB and not site.through:
                jobs = by_path.setdefault(site.place.path, {})
                jobs.setdefault(site.name, []).append((file, change))
        for path, jobs in by_path.items():
            if len(members) > 1 and not is_accepted(APART, path, accept):
                _plan_file(facts, path, jobs, plan)
        if len(by_path) > 1:
            names = ", ".join(sorted(by_path))
            why = f"they stand in several workflows ({names})"
            found = [mine for jobs in by_path.values() for mine in jobs.values()]
            for _, change in chain.from_iterable(found):
                plan.apart.setdefault(id(change.build), why)
    return plan


def _plan_file(facts: Facts, path: str, jobs: _Jobs, plan: WorkflowPlan) -> None:
    """The jobs of one workflow, those with equal keys together."""
    file = facts.snapshot.derive(path, parse_yaml)
    jobs = {name: jobs[name] for name in (*job_entries(file), *jobs) if name in jobs}
    taken = {name for done in plan.joined if done.path == path for name in done.olds}
    sets: list[tuple[dict[str, object], list[str]]] = []
    for name, mine in jobs.items():
        if name in taken:
            _stay(plan, mine, "other rows of the matrix become a job of their own")
            continue
        try:
            frame = _frame(file, name, mine)
            numbers = _rows(facts, file, name, mine)
        except Refused as refused:
            _stay(plan, mine, refused.what)
            continue
        if len(numbers) < len(rows_of(job_entries(file)[name])):
            if len({file.path for file, _ in mine}) > 1:
                _join(facts, file, [name], mine, plan, numbers)
            else:
                _stay(plan, mine, f"no other row of {name} builds an image of the group")
            continue
        alike = next((names for other, names in sets if other == frame), None)
        if alike is None:
            sets.append((frame, [name]))
        else:
            alike.append(name)
    for number, (frame, names) in enumerate(sets):
        others = [other for n, (other, _) in enumerate(sets) if n != number]
        mine = [pair for name in names for pair in jobs[name]]
        if len({file.path for file, _ in mine}) < 2:
            _stay(plan, mine, _difference(frame, others))
        elif _apart(file, names, jobs):
            _join(facts, file, names, mine, plan)


def _frame(file: YamlFile, name: str, mine: Sequence[Pair]) -> dict[str, object]:
    """What a job must share with others to be joined; raises `Refused`."""
    entry = job_entries(file).get(name)
    place = mine[0][1].build.site.place
    if entry is None:
        raise Refused(place, f"the job {name} is not written out", "write it out")
    frame = frame_of(entry)
    platforms = {tuple(value.text for value in change.build.platforms) for _, change in mine}
    if len(platforms) > 1:
        raise Refused(place, f"the rows of {name} build for other platforms each", "join by hand")
    needs = sorted(frame.get("needs") or [])
    return {**frame, "needs": needs, "platforms": platforms.pop()}


def _rows(facts: Facts, file: YamlFile, name: str, mine: Sequence[Pair]) -> list[int]:
    """The rows of a job's matrix that build members of the group and nothing else, by their
    number; raises `Refused` for rows that do both."""
    place = mine[0][1].build.site.place
    count = len(rows_of(job_entries(file)[name]))
    ours = {id(change.build) for _, change in mine}
    steps: dict[Span, list[bool]] = {}
    for build in facts.builds.builds:
        site = build.site
        here = site.kind is SiteKind.GITHUB and site.place.path == file.source.path
        if here and site.name == name and not site.through:
            steps.setdefault(site.place.span, []).append(id(build) in ours)
    if count == 1:
        return [0]
    rows = next(iter(steps.values()))
    if len(rows) != count or any(other != rows for other in steps.values()):
        raise Refused(place, f"the rows of {name} build other images too", "split the matrix")
    return [number for number, member in enumerate(rows) if member]


def _apart(file: YamlFile, names: Sequence[str], jobs: _Jobs) -> bool:
    """Whether several machines build: of several jobs, or of the rows of one."""
    entries = job_entries(file)
    return len(names) > 1 or len(rows_of(entries[names[0]])) > 1


def _difference(frame: dict[str, object], others: Sequence[dict[str, object]]) -> str:
    """What keeps a job apart from the others of its workflow; empty for the only one."""
    for other in others:
        keys = sorted(k for k in {*frame, *other} if frame.get(k) != other.get(k))
        if keys:
            return f"`{keys[0]}:` differs between the jobs"
    return ""


def _stay(plan: WorkflowPlan, pairs: Sequence[Pair], why: str) -> None:
    if why:
        plan.apart.update((id(change.build), why) for _, change in pairs)


def _join(
    facts: Facts,
    file: YamlFile,
    names: Sequence[str],
    pairs: Sequence[Pair],
    plan: WorkflowPlan,
    numbers: Sequence[int] = (),
) -> None:
    """One job of several, or of some rows of one (`numbers`); they stay where it cannot be
    written."""
    path = file.source.path
    taken = {done.name for done in plan.joined if done.path == path}
    try:
        if numbers:
            joined = split_workflow_job(file, names[0], numbers)
        else:
            joined = join_workflow_jobs(file, names, taken)
        text = _with_targets(facts, path, joined, pairs)
    except Refused as refused:
        _stay(plan, pairs, refused.what)
        return
    outside = [e for e in joined.edits if not joined.span.contains(e.span)]
    plan.edits += [(path, edit) for edit in (*outside, Edit(joined.span, text))]
    plan.within |= {id(change.build): f"{path} {joined.name}" for _, change in pairs}
    count = len(numbers) or sum(len(rows_of(job_entries(file)[name])) for name in names)
    place = file.source.place(job_entries(file)[names[0]].key.span)
    plan.joined.append(JoinedWorkflow(path, tuple(names), joined.name, count, place))


def _with_targets(facts: Facts, path: str, joined: JoinedJob, pairs: Sequence[Pair]) -> bytes:
    """The joined job's text, every build of which takes the merged file and its target."""
    data = EditSet.of(joined.edits).apply(facts.snapshot.read(path))
    paths = [p for p in facts.snapshot.paths if p.startswith(".github/")]
    files = {p: facts.snapshot.read(p) for p in paths if p != path}
    after = Facts(Snapshot.of({**files, path: data}))
    place = pairs[0][1].build.site.place
    try:
        builds = [b for b in after.builds.builds if b.site.place.path == path]
    except YamlError as error:
        raise Refused(place, f"the joined job would be no YAML: {error.what}", "") from None
    mine = [b for b in builds if joined.after.contains(b.site.place.span) and not b.site.through]
    changes = [change for b in mine if (change := _wanted(b, pairs)) is not None]
    if len(changes) != len(pairs):
        raise Refused(place, "a build of the joined job cannot be followed", "join them by hand")
    edits, refused = set_builds(after, changes)
    if refused:
        raise refused[0]
    moved = [edit for where, edit in edits if where == path]
    if any(not joined.after.contains(edit.span) for edit in moved):
        raise Refused(place, "a build of the joined job is written elsewhere", "join them by hand")
    start = joined.after.start
    inside = [Edit(Span(e.span.start - start, e.span.end - start), e.replacement) for e in moved]
    return EditSet.of(inside).apply(data[start : joined.after.end])


def _wanted(build: Build, pairs: Sequence[Pair]) -> Change | None:
    """The change of an old build that a build of the joined job stands for."""
    for _, change in pairs:
        old = change.build
        if build.dockerfile == old.dockerfile and _target(build) == _target(old):
            return Change(build, change.wanted)
    return None


def _target(build: Build) -> str:
    return build.target.text if build.target is not None else ""
