"""CI jobs that would each compile one builder group on a cold runner become one job.

Which jobs belong together, what the one job runs, and the bake file that it calls. Knows
pipelines through dockerfix's facts; knows nothing of stages.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from dockerfix.api import (
    Baked,
    Build,
    CallSite,
    Change,
    Edits,
    Facts,
    Job,
    Joined,
    MappedText,
    Node,
    Pipeline,
    Place,
    Refused,
    Scalar,
    SiteKind,
    Tool,
    bake_file,
    check_joinable,
    join_jobs,
    parse_shell,
    relative_path,
    shared_flags,
    written,
)  # fmt: skip
from dockerfix.api import (
    Sequence as YamlSequence,
)
from dockerfix_transforms.merge_rust.group.groups import Group
from dockerfix_transforms.merge_rust.read.inputs import RustFile

BAKE_NAME = "docker-bake.hcl"
_CLIENTS = (Tool.DOCKER_BUILD, Tool.BUILDX_BUILD)


class BuildJob(Struct, frozen=True):
    """A job that builds members of one group and nothing else."""

    job: Job
    changes: tuple[tuple[RustFile, Change], ...]

    @property
    def targets(self) -> tuple[str, ...]:
        """The old targets, as written."""
        found = (c.build.target.text if c.build.target is not None else "" for _, c in self.changes)
        return tuple(dict.fromkeys(found))


@dataclass(slots=True)
class JobPlan:
    """What becomes of the jobs: edits, the bake file, which jobs go and come.

    `done` are the builds (by `id`) whose call sites are dealt with, `within` maps the builds of
    every joined job to its name; `apart` holds the jobs that cannot be one, with the reason.
    """

    edits: Edits = field(default_factory=list)
    bake_path: str = ""
    bake: bytes = b""
    removed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    done: set[int] = field(default_factory=set)
    within: dict[int, str] = field(default_factory=dict)
    apart: list[tuple[Refused, tuple[BuildJob, ...]]] = field(default_factory=list)
    joined: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    idle: list[tuple[str, Place]] = field(default_factory=list)
    """Templates whose script no job runs any more, with its place."""


class _Cluster(Struct, frozen=True):
    """Jobs that become one, with the item of each one's script that builds."""

    jobs: tuple[BuildJob, ...]
    name: str


def plan_jobs(
    facts: Facts,
    groups: Sequence[Group],
    changes: Sequence[tuple[RustFile, Change]],
    folder: str,
    paths: dict[str, str],
) -> JobPlan:
    """The jobs of every group joined where they would compile the same apart.

    `folder` is the context, in which the bake file will stand; `paths` maps old Dockerfiles
    to the merged one.
    """
    plan = JobPlan()
    pipeline = facts.pipeline
    if pipeline is None:
        return plan
    clusters: list[_Cluster] = []
    for group in groups:
        mine = {member.file.path for member in group.members}
        jobs = _build_jobs(facts, pipeline, [c for c in changes if c[0].path in mine])
        whole = len(groups) == 1
        clusters += _clusters(pipeline, jobs, folder, whole, plan)
    _write(facts, pipeline, clusters, folder, paths, plan)
    return plan


def _build_jobs(
    facts: Facts, pipeline: Pipeline, changes: Sequence[tuple[RustFile, Change]]
) -> list[BuildJob]:
    """Jobs all of whose builds are members; others share their builder with more already."""
    by_job: dict[str, list[tuple[RustFile, Change]]] = {}
    for file, change in changes:
        if change.build.site.kind is SiteKind.GITLAB:
            by_job.setdefault(change.build.site.name, []).append((file, change))
    found = []
    for name, mine in by_job.items():
        job = pipeline.jobs.get(name)
        builds = [
            b for b in facts.builds.builds if b.site.kind is SiteKind.GITLAB and b.site.name == name
        ]
        if job is not None and len(builds) == len(mine):
            found.append(BuildJob(job, tuple(mine)))
    return [*found, *_composing_jobs(facts, pipeline, changes, set(by_job))]


def _composing_jobs(
    facts: Facts,
    pipeline: Pipeline,
    changes: Sequence[tuple[RustFile, Change]],
    known: set[str],
) -> Iterator[BuildJob]:
    """Jobs that build services of Compose files, all of them members."""
    built: dict[str, list[CallSite]] = {}
    for use in facts.builds.compose_uses:
        if use.builds and use.site.kind is SiteKind.GITLAB and use.site.name not in known:
            built.setdefault(use.site.name, []).extend(
                service.site
                for service in facts.builds.builds
                if service.site.kind is SiteKind.COMPOSE
                and service.site.place.path in use.files
                and (not use.services or service.site.name in use.services)
            )
    for name, sites in built.items():
        mine = tuple(pair for pair in changes if pair[1].build.site in sites)
        job = pipeline.jobs.get(name)
        if job is not None and mine and len(mine) == len(sites):
            yield BuildJob(job, mine)


def _clusters(
    pipeline: Pipeline, jobs: Sequence[BuildJob], folder: str, whole: bool, plan: JobPlan
) -> list[_Cluster]:
    """Jobs of one stage and one target together. A job alone stays as it is, unless a matrix
    makes several runners of it; so do jobs that build the same files each, which compile no
    more than before."""
    rows: dict[tuple[str, tuple[str, ...]], list[BuildJob]] = {}
    for build_job in jobs:
        rows.setdefault((build_job.job.stage, build_job.targets), []).append(build_job)
    found = []
    for together in rows.values():
        sets = {frozenset(file.path for file, _ in b.changes) for b in together}
        apart = len(sets) > 1 or bool(together[0].job.rows and len(together[0].changes) > 1)
        if not apart:
            continue
        try:
            check_joinable(pipeline, [b.job for b in together])
            found.append(_Cluster(tuple(together), _job_name(pipeline, together, folder, whole)))
        except Refused as refused:
            plan.apart.append((refused, tuple(together)))
    return found


def _job_name(pipeline: Pipeline, together: Sequence[BuildJob], folder: str, whole: bool) -> str:
    """`<prefix><folder>-all` when the group is the whole merge, else the images' names."""
    names = [b.job.name for b in together]
    if len(names) == 1:
        return names[0]
    prefix = _cut(_beginning(names))
    suffix = _cut(_beginning([n[len(prefix) :][::-1] for n in names]))[::-1]
    images = [n[len(prefix) : len(n) - len(suffix)] for n in names]
    folder_name = posixpath.basename(folder)
    every = f"{folder_name}-all" if folder_name else "all" if prefix or suffix else "build-all"
    middle = every if whole else ", ".join(images)
    name = f"{prefix}{middle}{suffix}"
    while name in pipeline.jobs and name not in names:
        name = f"{name}-images"
    return name


def _beginning(names: Sequence[str]) -> str:
    """The longest common beginning, character by character."""
    first, last = min(names), max(names)
    end = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), None)
    return first[: len(first) if end is None else end]


def _cut(text: str) -> str:
    """The common beginning of names, cut behind its last separator."""
    end = max((text.rfind(sign) for sign in " /:-_."), default=-1)
    return text[: end + 1]


def _write(
    facts: Facts,
    pipeline: Pipeline,
    clusters: Sequence[_Cluster],
    context: str,
    paths: dict[str, str],
    plan: JobPlan,
) -> None:
    """Script, bake targets and edits of every cluster; one that cannot be said stays apart."""
    path = _bake_path(facts, context)
    baked: dict[str, list[Baked]] = {}
    for cluster in clusters:
        group = _group_name(cluster, baked, len(clusters) == 1)
        try:
            if _elsewhere(cluster):
                _line_up(pipeline, cluster, paths, plan)
                continue
            targets = _targets(cluster, {t.name for ts in baked.values() for t in ts})
            bake_file((), {group: targets}, "\n")
            call = _call(cluster, path, group)
            joined = Joined(cluster.name, _script(cluster, call), _told_apart(cluster), paths)
            edits = join_jobs(pipeline, [b.job for b in cluster.jobs], joined)
        except Refused as refused:
            plan.apart.append((refused, cluster.jobs))
            continue
        baked[group] = targets
        plan.edits += edits
        _note(plan, pipeline, cluster)
        plan.done |= {id(change.build) for b in cluster.jobs for _, change in b.changes}
    if baked:
        newline = facts.snapshot.source(pipeline.path).newline.bytes.decode()
        plan.bake_path = path
        folder = next(iter(baked.values()))[0].build.folder
        plan.bake = bake_file(_comment(plan, path, folder), baked, newline)


def _elsewhere(cluster: _Cluster) -> bool:
    """Whether the builds stand in other files than the jobs: Makefiles, scripts, Compose."""
    own = {build_job.job.file.source.path for build_job in cluster.jobs}
    places = (c.build.site.place.path for b in cluster.jobs for _, c in b.changes)
    templates = {
        node.file.source.path
        for b in cluster.jobs
        if isinstance(node := b.job.keys.get("script"), Node)
    }
    return not set(places) <= own | templates


def _line_up(pipeline: Pipeline, cluster: _Cluster, paths: dict[str, str], plan: JobPlan) -> None:
    """One job that runs what the jobs ran, one after the other on one builder; raises
    `Refused`."""
    apart = _told_apart(cluster)
    lists = [
        [t for item in _script_items(b.job) for t in _expanded(item, b.job, apart)]
        for b in cluster.jobs
    ]
    head = _alike(lists)
    tails = [lines[head:] for lines in lists]
    end = _alike([lines[::-1] for lines in tails])
    middle = [line for lines in tails for line in lines[: len(lines) - end]]
    first = cluster.jobs[0].job
    if len(set(middle)) < len(cluster.jobs) or not all(map(_only_makes, middle)):
        raise Refused(first.place, "the jobs do more than build their images", "align them")
    script = (*lists[0][:head], *middle, *tails[0][len(tails[0]) - end :])
    joined = Joined(cluster.name, script, apart, paths)
    plan.edits += join_jobs(pipeline, [b.job for b in cluster.jobs], joined)
    _note(plan, pipeline, cluster)


def _alike(lists: Sequence[Sequence[str]]) -> int:
    """How many first lines all lists have in common."""
    rows = zip(*lists, strict=False)
    return next((n for n, row in enumerate(rows) if len(set(row)) > 1), min(map(len, lists)))


def _only_makes(line: str) -> bool:
    """Whether a line runs make, a script or a docker command, and leaves the shell as it was."""
    names = [posixpath.basename(words[0]) for words in _words(line)]
    return bool(names) and all(
        name in ("make", "docker", "docker-compose", "echo") or name.endswith((".sh", "bash", "sh"))
        for name in names
    )


def _bake_path(facts: Facts, folder: str) -> str:
    """`docker-bake.hcl` in the context folder, or the next free name beside one that stands."""
    names = [BAKE_NAME, "docker-bake.ci.hcl", *(f"docker-bake.ci-{n}.hcl" for n in range(2, 100))]
    found = (posixpath.join(folder, name) for name in names)
    return next(path for path in found if path not in facts.snapshot)


def _group_name(cluster: _Cluster, baked: dict[str, list[Baked]], alone: bool) -> str:
    """`default` for the only group; else the old target, or the images' names."""
    if alone:
        return "default"
    images = "-".join(dict.fromkeys(f.binary for b in cluster.jobs for f, _ in b.changes))
    target = next((t for t in cluster.jobs[0].targets if t and "$" not in t), "")
    if not target:
        return images
    return f"{images}-{target}" if target in baked else target


def _targets(cluster: _Cluster, taken: set[str]) -> list[Baked]:
    """One bake target an image; a cache ref that several wrote gets one writer."""
    found: list[Baked] = []
    written_refs: set[str] = set()
    changes = [pair for build_job in cluster.jobs for pair in build_job.changes]
    folders = {change.build.folder for _, change in changes}
    for file, change in changes:
        build = change.build
        if build.tool not in _CLIENTS:
            raise Refused(
                build.site.place, f"{build.tool.value} cannot run a bake file", "use buildx"
            )
        if len(folders) > 1 or _outside(build):
            raise Refused(build.site.place, "the jobs run in different folders", "align them")
        if build.context is None:
            raise Refused(build.site.place, "the build context is not known", "write it out")
        if any(other.build.tags == build.tags for other in found):
            raise Refused(build.site.place, "two jobs push the same tag", "remove one of them")
        writes = tuple(v.text for v in build.cache_to if v.text not in written_refs)
        written_refs.update(writes)
        name = file.binary if file.binary not in taken else change.wanted.target or file.binary
        if name in taken:
            raise Refused(build.site.place, f"{name} is built twice", "remove one of the builds")
        taken.add(name)
        reads = tuple(dict.fromkeys(v.text for v in build.cache_from))
        found.append(Baked(name, build, change.wanted, reads, writes))
    return found


def _outside(build: Build) -> bool:
    """Whether bake would read outside of the folder that it is called in, for which it asks."""
    return relative_path(build.context or "", build.folder).startswith("..")


def _call(cluster: _Cluster, path: str, group: str) -> str:
    builds = [change.build for build_job in cluster.jobs for _, change in build_job.changes]
    words = ["docker buildx bake", f"--file {relative_path(path, builds[0].folder)}"]
    words += shared_flags(builds)
    words += [group] if group != "default" else []
    return " ".join(words)


def _script(cluster: _Cluster, call: str) -> tuple[str, ...]:
    """Items of the one script: what all jobs do before, the call, and their pushes after.

    Raises `Refused` where the jobs do different things besides building.
    """
    before: list[list[str]] = []
    after: list[list[str]] = []
    apart = _told_apart(cluster)
    for build_job in cluster.jobs:
        items, index = _build_items(build_job)
        for part, lines in ((items[: index[0]], before), (items[index[-1] + 1 :], after)):
            lines.append([t for item in part for t in _expanded(item, build_job.job, apart)])
    first = cluster.jobs[0].job
    return (*_united(first, before, "before"), call, *_united(first, after, "after"))


def _united(first: Job, lists: Sequence[list[str]], where: str) -> list[str]:
    """The lines of all jobs: equal ones once, pushes and messages of each job in turn."""
    if all(lines == lists[0] for lines in lists):
        return lists[0]
    lines = list(dict.fromkeys(line for part in lists for line in part))
    differing = [line for line in lines if any(line not in part for part in lists)]
    if any(not _may_differ(line) for line in differing):
        raise Refused(first.place, f"the jobs do different things {where} the build", "align them")
    return lines


def _may_differ(line: str) -> bool:
    """Whether a line may be run for each old job: naming, trying or pushing an image, looking
    one up, saying something."""
    commands = _words(line)
    return bool(commands) and all(
        (words[0] == "docker" and words[1:2] in (["push"], ["tag"], ["run"]))
        or words[:3] == ["docker", "buildx", "imagetools"]
        or words[0] == "echo"
        for words in commands
    )


def _expanded(item: Node, job: Job, names: frozenset[str]) -> list[str]:
    """A script item with the variables that told the jobs apart replaced by their values,
    once for each row of a matrix."""
    if isinstance(item, YamlSequence):
        return [_named_list(item, job, names)]
    text = written(item)
    if not any(f"${name}" in text or f"${{{name}" in text for name in names):
        return [text]
    found = []
    for row in job.rows or ({},):
        values = {**job.variables, **row}
        line = text
        for name in names:
            value = values[name].text if name in values else ""
            line = line.replace("${" + name + "}", value)
            line = _replaced(line, name, value)
        found.append(line)
    return list(dict.fromkeys(found))


_ANCHOR = re.compile(r"&([^\s,\[\]{}]+)\s")


def _named_list(item: YamlSequence, job: Job, names: frozenset[str]) -> str:
    """A list that stands elsewhere, as the job names it; raises `Refused` where it reads a
    variable that goes."""
    source = item.file.source
    if item.tag == "!reference":
        text = written(item)
        named = text if text.startswith("!reference") else f"!reference {text}"
    else:
        found = _ANCHOR.match(source.text(item.span))
        if found is None:
            raise Refused(job.place, f"the script of {job.name} is nested", "write it flat")
        named = f"*{found[1]}"
    lines = [line.scalar.text for line in job.lines]
    if any(f"${name}" in line or f"${{{name}" in line for name in names for line in lines):
        raise Refused(
            job.place, f"{named} may read a variable that differs between the jobs",
            "write the list out",
        )  # fmt: skip
    return named


def _replaced(line: str, name: str, value: str) -> str:
    """`$NAME` replaced where the name ends there."""
    out, at = "", 0
    while (found := line.find(f"${name}", at)) >= 0:
        end = found + 1 + len(name)
        longer = line[end : end + 1].isalnum() or line[end : end + 1] == "_"
        out += line[at:end] if longer else line[at:found] + value
        at = end
    return out + line[at:]


def _words(line: str) -> list[list[str]]:
    """The words of each simple command of a line, which may be a quoted scalar."""
    if line[:1] in ("'", '"') and line[-1:] == line[:1]:
        line = line[1:-1]
    script = parse_shell(MappedText.whole(line.encode()))
    return [[word.value or word.written for word in c.words] for c in script.commands()]


def _build_items(build_job: BuildJob) -> tuple[list[Node], list[int]]:
    """The items of a job's script, and which of them build; raises `Refused` where an item
    does more than build."""
    job = build_job.job
    items = _script_items(job)
    places = {change.build.site.place.span for _, change in build_job.changes}
    index = []
    for number, item in enumerate(items):
        inside = [span for span in places if item.span.contains(span)]
        if not inside:
            continue
        if not isinstance(item, Scalar) or not _only_builds(item, len(inside)):
            raise Refused(
                job.place, f"one line of {job.name} builds and does more", "split the line"
            )
        index.append(number)
    if not index or index != list(range(index[0], index[-1] + 1)):
        raise Refused(job.place, f"the builds of {job.name} do not stand together", "move them")
    return items, index


def _script_items(job: Job) -> list[Node]:
    """The items as the job writes them: a list from elsewhere (an anchor, `!reference`) is
    one."""
    own = job.body.get("script") if job.body is not None else None
    script = own if isinstance(own, YamlSequence) else job.keys.get("script")
    if isinstance(script, YamlSequence):
        return list(script.items)
    return [script] if isinstance(script, Scalar) else []


def _only_builds(item: Scalar, count: int) -> bool:
    """Whether a script line holds its builds and nothing else but `set` and `echo`."""
    commands = list(parse_shell(item.mapped).commands())
    rest = [c for c in commands if c.name not in ("set", "echo")]
    return len(rest) == count


def _told_apart(cluster: _Cluster) -> frozenset[str]:
    """Variables whose values differ between the jobs; the bake file holds the values.

    Raises `Refused` where `before_script` or `after_script` reads one.
    """
    names: set[str] = set()
    first = cluster.jobs[0].job
    for build_job in cluster.jobs:
        for name, scalar in build_job.job.variables.items():
            other = first.variables.get(name)
            if other is None or other.text != scalar.text:
                names.add(name)
        for row in build_job.job.rows:
            names |= set(row)
    for build_job in cluster.jobs:
        kept = [line.scalar.text for line in build_job.job.lines if line.section != "script"]
        used = [name for name in names if any(f"${name}" in t or f"${{{name}" in t for t in kept)]
        if used:
            raise Refused(
                build_job.job.place, f"{used[0]} differs between the jobs and is used by more "
                "than the build", "give the jobs the same value",
            )  # fmt: skip
    return frozenset(names)


def _note(plan: JobPlan, pipeline: Pipeline, cluster: _Cluster) -> None:
    """Which jobs go, come and change."""
    names = [b.job.name for b in cluster.jobs]
    if cluster.name in names:
        plan.changed.append(cluster.name)
    else:
        plan.added.append(cluster.name)
    plan.removed += [name for name in names if name != cluster.name]
    plan.joined.append((cluster.name, tuple(names)))
    for build_job in cluster.jobs:
        plan.within |= {id(change.build): cluster.name for _, change in build_job.changes}
    plan.idle += _idle(pipeline, [b.job for b in cluster.jobs])
    for job in pipeline.jobs.values():
        needed = {need.job for need in job.needs or ()} | {d.text for d in job.dependencies}
        if needed & set(names) and job.name not in names and job.name not in plan.changed:
            plan.changed.append(job.name)


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


def _comment(plan: JobPlan, path: str, folder: str) -> list[str]:
    """What stands at the head of the bake file; `folder` is where the call runs."""
    jobs = ", ".join(f'"{name}"' for name, _ in plan.joined)
    where = f"cd {folder} && " if folder else ""
    several = len(plan.joined) > 1
    head = f"Images of the CI {'jobs' if several else 'job'} {jobs}: "
    return [
        head + f"one call{' each' if several else ''}, one builder for all of them.",
        f"  {where}docker buildx bake --file {relative_path(path, folder)}",
        "Paths count from the folder in which bake is called.",
    ]
