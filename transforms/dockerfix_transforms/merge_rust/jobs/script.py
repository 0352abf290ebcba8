"""What the one job runs: the lines that all jobs run, its build call, and what each did more.

Knows the scripts of jobs; knows nothing of how they are written into the pipeline.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from dockerfix.api import Job, MappedText, Node, Refused, Scalar, parse_shell
from dockerfix.api import Sequence as YamlSequence
from dockerfix_transforms.merge_rust.jobs.clusters import BuildJob, Cluster
from dockerfix_transforms.merge_rust.jobs.lines import expanded, mentions
from dockerfix_transforms.merge_rust.jobs.written import check_written


def builds_elsewhere(cluster: Cluster) -> bool:
    """Whether the builds stand in other files than the jobs: Makefiles, scripts, Compose."""
    own = {build_job.job.file.source.path for build_job in cluster.jobs}
    places = (change.build.site.place.path for _, change in cluster.changes)
    templates = {
        node.file.source.path
        for b in cluster.jobs
        if isinstance(node := b.job.keys.get("script"), Node)
    }
    return not set(places) <= own | templates


def apart_variables(cluster: Cluster) -> frozenset[str]:
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
        used = [name for name in sorted(names) if any(mentions(text, name) for text in kept)]
        if used:
            raise Refused(
                build_job.job.place, f"{used[0]} differs between the jobs and is used by more "
                "than the build", "give the jobs the same value",
            )  # fmt: skip
    return frozenset(names)


# A script with one bake call.


def bake_script(cluster: Cluster, call: str, apart: frozenset[str]) -> tuple[str, ...]:
    """Items of the one script: what all jobs do before, the call, and their pushes after, with
    the values of the variables `apart`.

    Raises `Refused` where the jobs do different things besides building.
    """
    before: list[list[str]] = []
    after: list[list[str]] = []
    scripts: list[list[list[str]]] = []
    for build_job in cluster.jobs:
        items, index = _build_items(build_job)
        scripts.append([])
        for part, lines in ((items[: index[0]], before), (items[index[-1] + 1 :], after)):
            found = [expanded(item, build_job.job, apart) for item in part]
            scripts[-1] += found
            lines.append([text for texts in found for text in texts])
    check_written([build_job.job for build_job in cluster.jobs], scripts)
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


def _only_builds(item: Scalar, count: int) -> bool:
    """Whether a script line holds its builds and nothing else but `set` and `echo`."""
    commands = list(parse_shell(item.mapped).commands())
    rest = [c for c in commands if c.name not in ("set", "echo")]
    return len(rest) == count


# A script that runs what the jobs ran.


def lined_up(cluster: Cluster, apart: frozenset[str]) -> tuple[str, ...]:
    """Items of a script that runs what the jobs ran, one after the other on one builder; lines
    that all of them begin or end with once. Raises `Refused` where they do more than build."""
    lists = [
        [text for item in _script_items(b.job) for text in expanded(item, b.job, apart)]
        for b in cluster.jobs
    ]
    head = _alike(lists)
    tails = [lines[head:] for lines in lists]
    end = _alike([lines[::-1] for lines in tails])
    middle = [line for lines in tails for line in lines[: len(lines) - end]]
    left = cluster.jobs[0].job.artifacts
    if (
        len(set(middle)) < len(cluster.jobs)
        or not all(map(_only_makes, middle))
        or (left is not None and left.dotenv)
    ):
        place = cluster.jobs[0].job.place
        raise Refused(place, "the jobs do more than build their images", "align them")
    check_written([b.job for b in cluster.jobs], [[[line] for line in lines] for lines in lists])
    return (*lists[0][:head], *middle, *tails[0][len(tails[0]) - end :])


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


# Lines and commands.


def _script_items(job: Job) -> list[Node]:
    """The items as the job writes them: a list from elsewhere (an anchor, `!reference`) is
    one."""
    own = job.body.get("script") if job.body is not None else None
    script = own if isinstance(own, YamlSequence) else job.keys.get("script")
    if isinstance(script, YamlSequence):
        return list(script.items)
    return [script] if isinstance(script, Scalar) else []


def _words(line: str) -> list[list[str]]:
    """The words of each simple command of a line, which may be a quoted scalar."""
    if line[:1] in ("'", '"') and line[-1:] == line[:1]:
        line = line[1:-1]
    script = parse_shell(MappedText.whole(line.encode()))
    return [[word.value or word.written for word in c.words] for c in script.commands()]
