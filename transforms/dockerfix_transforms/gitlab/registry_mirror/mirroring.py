"""From what the jobs pull to edits, files and findings.

Knows the order of the work: what is pulled stands in `pulls`, what becomes of a registry in
`upstreams`, what is written in `folder` and `pipeline_edit`, what is not in `left`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from dockerfix.api import (
    HUB,
    CommandReader,
    Draft,
    Finding,
    Job,
    Pipeline,
    Place,
    Severity,
    normalise_path,
    registry_of,
)
from dockerfix_transforms.gitlab.registry_mirror.existing import (
    daemon_is_served,
    has_daemon,
    there,
)
from dockerfix_transforms.gitlab.registry_mirror.folder import Served, files
from dockerfix_transforms.gitlab.registry_mirror.left import (
    left_builder,
    left_daemons,
    left_pulls,
)
from dockerfix_transforms.gitlab.registry_mirror.mirrors import Mirror, mirrors_for, read_mirrors
from dockerfix_transforms.gitlab.registry_mirror.objects import Reach
from dockerfix_transforms.gitlab.registry_mirror.pipeline_edit import (
    BuilderLine,
    builder_lines,
    give_file,
)
from dockerfix_transforms.gitlab.registry_mirror.pulls import JobPulls, Pull, Reader, pulls_of
from dockerfix_transforms.gitlab.registry_mirror.settings import buildkitd_toml
from dockerfix_transforms.gitlab.registry_mirror.upstreams import (
    Sorted,
    Upstream,
    sort_pulls,
    told,
)


class Mirroring:
    """The proposal in the making: the jobs with what they pull, and the mirrors for it."""

    def __init__(self, draft: Draft, pipeline: Pipeline, options: Mapping[str, Any]) -> None:
        self.draft = draft
        self.pipeline = pipeline
        self.folder: str = options["folder"].strip("/")
        self.reach = Reach(options["namespace"], options["runner-namespace"], options["nodes"])
        reader = CommandReader(draft.facts.snapshot, pipeline)
        self.jobs = [pulls_of(draft.facts, reader, job) for job in pipeline.visible]
        given = read_mirrors(options["mirror"])
        named = {*given, *options["registry"]}
        self.found: Sorted = sort_pulls(draft.facts, self.jobs, named)
        registries = [u.registry for u in self.found.upstreams if self.is_useful(u)]
        mirrors = mirrors_for(registries, given, self.reach.namespace)
        self.mirrors: dict[str, Mirror] = {mirror.registry: mirror for mirror in mirrors}

    def write(self) -> None:
        """Everything, in the order of the report."""
        draft, found = self.draft, self.found
        draft.findings += told(found)
        given = [mirror.url for mirror in self.mirrors.values() if mirror.is_given]
        draft.findings += there(draft.facts, self.folder, found.proxied, self.jobs, given)
        draft.findings += (_unread(job) for job in self.jobs if job.unread)
        edits = self.builders()
        self.daemons()
        draft.findings += left_pulls(found.upstreams, self.mirrors)
        if not self.mirrors:
            return
        served = self.served()
        for path, data in files(self.folder, served, self.reach, edits).items():
            if path not in draft.facts.snapshot:
                draft.created[path] = data
        if draft.created or draft.edits:
            draft.summary.append(f"images of {', '.join(self.mirrors)} come through a mirror")
            if draft.edits:
                draft.findings.append(_assumed(self.mirrors, found.upstreams[0].pulls[0].place))
            draft.steps += self.steps()

    def builders(self) -> bool:
        """Give builders their file; whether any job has it afterwards or had it before."""
        mine = [job for job in self.jobs if self.of(job, Reader.BUILDKIT)]
        settings = buildkitd_toml(self.of_builders(mine))
        names = {job.job.name for job in mine}
        given: list[BuilderLine] = []
        for line in builder_lines(self.pipeline):
            if names & {job.name for job in line.visible}:
                given += [line] if give_file(self.draft, self.pipeline, line, settings) else []
        reached = {job.name for line in given for job in line.visible}
        self.draft.findings += (
            left_builder(job.job, builder, self.of_builders([job]))
            for job in mine
            for builder in job.builders
            if job.job.name in reached and builder.is_elsewhere
        )
        self.draft.findings += map(_given, given)
        had = False
        for job in mine:
            if job.job.name not in reached:
                left = [b for b in job.builders if not self.is_served(job, b.file)]
                needed = self.of_builders([job])
                self.draft.findings += [left_builder(job.job, b, needed) for b in left]
                had |= len(left) < len(job.builders)
        return bool(given) or had

    def of(self, job: JobPulls, reader: Reader) -> list[Pull]:
        """The pulls of one reader in a job that have a mirror."""
        return [pull for pull in job.by(reader) if self.mirror_of(pull) is not None]

    def mirror_of(self, pull: Pull) -> Mirror | None:
        """The mirror of a pull's registry."""
        return self.mirrors.get(registry_of(pull.image))

    def of_builders(self, jobs: Sequence[JobPulls]) -> list[Mirror]:
        """The mirrors that BuildKit needs, in their order."""
        pulled = {registry_of(p.image) for job in jobs for p in self.of(job, Reader.BUILDKIT)}
        return [mirror for name, mirror in self.mirrors.items() if name in pulled]

    def is_served(self, job: JobPulls, file: str) -> bool:
        """Whether the file of a builder names every mirror that the job needs, as far as the
        script or the repository says what is in it."""
        if not file:
            return False
        snapshot = self.draft.facts.snapshot
        path = normalise_path(file)
        texts = [line.scalar.text for line in job.job.lines if file in line.scalar.text]
        texts += [snapshot.text(path)] if path is not None and path in snapshot else []
        tables = (f'[registry."{mirror.registry}"]' for mirror in self.of_builders([job]))
        return all(any(table in text for text in texts) for table in tables)

    def is_useful(self, upstream: Upstream) -> bool:
        """Whether a registry has a reader that can be told of a mirror: a Docker daemon only
        of one of Docker Hub, as a service of its job."""
        if set(upstream.readers) - {Reader.DOCKERD}:
            return True
        mine = [job for job in self.jobs if self.of_daemon(job)]
        return upstream.registry == HUB and any(map(has_daemon, mine))

    def daemons(self) -> None:
        """Tell of daemons that no file of the folder reaches."""
        mirror = self.mirrors.get(HUB)
        unfit = mirror is not None and mirror.has_path
        apart = [job for job in self.jobs if unfit or not has_daemon(job)]
        pulls = [pull for job in apart for pull in self.of_daemon(job)]
        if pulls:
            self.draft.findings.append(left_daemons(pulls, mirror))

    def of_daemon(self, job: JobPulls) -> list[Pull]:
        """What a job's daemon pulls from Docker Hub and could have a mirror for."""
        if daemon_is_served(job.job):
            return []
        return [pull for pull in job.by(Reader.DOCKERD) if pull in self.of_hub]

    @cached_property
    def of_hub(self) -> frozenset[Pull]:
        """All pulls from Docker Hub."""
        hub = (upstream for upstream in self.found.upstreams if upstream.registry == HUB)
        return frozenset(pull for upstream in hub for pull in upstream.pulls)

    def served(self) -> list[Served]:
        """The mirrors with their readers."""
        found = []
        for upstream in self.found.upstreams:
            mirror = self.mirrors.get(upstream.registry)
            if mirror is None:
                continue
            daemons = [j for j in self.jobs if self.of_daemon(j)] if mirror.registry == HUB else []
            readers = tuple(r for r in upstream.readers if r is not Reader.DOCKERD or daemons)
            dind = not mirror.has_path and any(map(has_daemon, daemons))
            found.append(Served(mirror, readers, dind))
        return found

    def steps(self) -> list[str]:
        """What is left to do by hand."""
        found = []
        if any(not mirror.is_given for mirror in self.mirrors.values()):
            found.append(f"kubectl apply -f {self.folder}/kubernetes/")
        if f"{self.folder}/README.md" in self.draft.created:
            found.append(f"read {self.folder}/README.md: the other readers' settings")
        return found


def _assumed(mirrors: Mapping[str, Mirror], place: Place) -> Finding:
    """What nothing here can look at."""
    hosts = list(dict.fromkeys(mirror.host for mirror in mirrors.values()))
    answer = "answers" if len(hosts) == 1 else "answer"
    return Finding.at(
        place,
        name="mirror-runs",
        severity=Severity.ASSUME,
        subject=", ".join(mirrors),
        what=f"{', '.join(hosts)} {answer} the pods of the jobs before this is merged",
        why="until then each pull looks for the mirror first, and waits where requests to it "
        "are dropped without an answer",
        do="follow the steps under Next, and look at the log of one build",
    )


def _given(line: BuilderLine) -> Finding:
    """Which jobs have builders that get the file."""
    return Finding.at(
        line.place,
        name="builder-mirrored",
        severity=Severity.NOTE,
        subject=line.visible[0].name if line.visible else "",
        what=f"the builder of {_names(line.visible)} pulls through mirrors",
        why="every job that has the line gets the file, also one that builds nothing",
    )


def _names(jobs: Sequence[Job]) -> str:
    return ", ".join(job.name for job in jobs)


def _unread(job: JobPulls) -> Finding:
    return Finding.at(
        job.job.place,
        name="pulls-unread",
        severity=Severity.NOTE,
        subject=job.job.name,
        what=f"not every image that {job.job.name} pulls is known",
        why=job.unread,
    )
