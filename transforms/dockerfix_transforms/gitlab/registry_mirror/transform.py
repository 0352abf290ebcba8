"""The transform `registry-mirror`: who pulls what, and what each reader is given.

Knows the order of the work; what is pulled stands in `pulls`, what is written in `folder`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dockerfix.api import (
    HUB,
    CommandReader,
    Draft,
    Facts,
    Finding,
    Job,
    OptionSpec,
    Pipeline,
    Proposal,
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
from dockerfix_transforms.gitlab.registry_mirror.mirrors import (
    Mirror,
    MirrorError,
    is_label,
    mirrors_for,
    read_mirrors,
)
from dockerfix_transforms.gitlab.registry_mirror.objects import Reach, is_network
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

_BREAKS = "a builder would be made without its mirrors"


class RegistryMirror:
    """Pull base images through a mirror in the cluster instead of from public registries.

    What it does
        Lists which registries the jobs pull from, and which reader pulls: BuildKit, the Docker
        daemon of a service, the nodes. Writes a folder with a pull-through registry for each
        (Kubernetes objects), and with the settings of each reader. In the pipeline every
        builder of BuildKit gets a file that names the mirrors, written by the same script.
        A mirror that runs already is used with `--mirror REGISTRY=ADDRESS`.

    Why
        Every fresh builder fetches every base image again, over the Internet, against the
        limits of public registries. A mirror fetches each once for all jobs.

    Before
        $ dockerfix registry-mirror --mirror docker.io=http://hub-mirror.ci.svc:5000
        -- .gitlab-ci.yml --
        build:
          image: docker:28-cli
          services:
            - name: docker:28-dind
              command: [--registry-mirror=http://hub-mirror.ci.svc:5000]
          before_script:
            - docker buildx create --use
          script:
            - docker buildx build --push --tag $CI_REGISTRY_IMAGE:$CI_COMMIT_REF_SLUG .
        -- Dockerfile --
        FROM alpine:3.23

    After
        -- .gitlab-ci.yml --
        build:
          image: docker:28-cli
          services:
            - name: docker:28-dind
              command: [--registry-mirror=http://hub-mirror.ci.svc:5000]
          before_script:
            # Base images come through mirrors of their registries.
            - |
              tee /tmp/buildkitd.toml <<'EOF'
              [registry."docker.io"]
                mirrors = ["hub-mirror.ci.svc:5000"]
              [registry."hub-mirror.ci.svc:5000"]
                http = true
              EOF
            - docker buildx create --buildkitd-config /tmp/buildkitd.toml --use
          script:
            - docker buildx build --push --tag $CI_REGISTRY_IMAGE:$CI_COMMIT_REF_SLUG .
        -- Dockerfile --
        FROM alpine:3.23

    Safety
        A reader that cannot reach a mirror goes on to the registry itself. Nothing is pushed to
        a mirror, and no image has another name than before. The project's own registry never
        gets a mirror: a mirror with its credentials would open it to everyone inside. What a
        Docker daemon pulls from other registries than Docker Hub cannot be mirrored; it is
        listed with the words to write. That the mirrors run before the change is merged is the
        assumption `mirror-runs`.

    Call sites
        Jobs of the pipeline and its local includes that make a builder. A builder that is made
        by a script of the repository, or that has a file already, is listed.
    """

    name = "registry-mirror"
    summary = "Pull base images through mirrors in the cluster."
    after = (
        "merge-rust", "slim-context", "split-release", "add-needs", "cache-refs", "remote-cache",
    )  # fmt: skip
    options = (
        OptionSpec(
            "folder",
            "Folder for the objects and the settings.",
            default="registry-mirror",
            metavar="PATH",
        ),
        OptionSpec(
            "namespace",
            "Kubernetes namespace of the mirrors.",
            default="registry-mirror",
            metavar="NAME",
        ),
        OptionSpec(
            "runner-namespace",
            "Kubernetes namespace of the jobs' pods; pods of others are then kept out.",
            default="",
            metavar="NAME",
        ),
        OptionSpec(
            "nodes",
            "Addresses of the cluster's nodes; others are then kept out.",
            default="",
            metavar="CIDR",
        ),
        OptionSpec(
            "registry",
            "Mirror this registry too, though it may not be public.",
            multiple=True,
            metavar="NAME",
        ),
        OptionSpec(
            "mirror",
            "A mirror that runs already, as REGISTRY=ADDRESS.",
            multiple=True,
            metavar="MIRROR",
        ),
    )

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        """The proposal; `paths` are not used, the pipeline belongs to the whole repository."""
        pipeline = facts.read_pipeline()
        if pipeline is None or not pipeline.visible:
            return Proposal(reason="There is no GitLab pipeline with jobs.")
        draft = Draft(facts, options["accept"])
        fault = _fault(options)
        if fault is not None:
            return draft.refused([fault])
        _Mirroring(draft, pipeline, options).write()
        if not draft.edits and not draft.created:
            return Proposal(findings=draft.weighed, reason=_reason(draft))
        return draft.finished(_BREAKS)


class _Mirroring:
    """One run. Private to `RegistryMirror`."""

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
        draft.findings += there(draft.facts, self.folder, found.proxied, self.jobs)
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
            draft.findings.append(self.assumed())
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
                self.draft.findings += [left_builder(job.job, b, needed) for b in left[:1]]
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
        apart = [job for job in self.jobs if not has_daemon(job)]
        pulls = [pull for job in apart for pull in self.of_daemon(job)]
        if pulls:
            self.draft.findings.append(left_daemons(pulls, self.mirrors.get(HUB)))

    def of_daemon(self, job: JobPulls) -> list[Pull]:
        """What a job's daemon pulls from Docker Hub and could have a mirror for."""
        if daemon_is_served(job.job):
            return []
        found = {pull for u in self.found.upstreams if u.registry == HUB for pull in u.pulls}
        return [pull for pull in job.by(Reader.DOCKERD) if pull in found]

    def served(self) -> list[Served]:
        """The mirrors with their readers."""
        found = []
        for upstream in self.found.upstreams:
            mirror = self.mirrors.get(upstream.registry)
            if mirror is None:
                continue
            daemons = [j for j in self.jobs if self.of_daemon(j)] if mirror.registry == HUB else []
            readers = tuple(r for r in upstream.readers if r is not Reader.DOCKERD or daemons)
            pathless = mirror.host == mirror.address
            dind = pathless and any(map(has_daemon, daemons))
            found.append(Served(mirror, readers, dind))
        return found

    def assumed(self) -> Finding:
        """What nothing here can look at."""
        hosts = list(dict.fromkeys(mirror.host for mirror in self.mirrors.values()))
        answer = "answers" if len(hosts) == 1 else "answer"
        return Finding.at(
            self.found.upstreams[0].pulls[0].place,
            name="mirror-runs",
            severity=Severity.ASSUME,
            subject=", ".join(self.mirrors),
            what=f"{', '.join(hosts)} {answer} the pods of the jobs before this is merged",
            why="until then each pull looks for the mirror first, and waits where requests to it "
            "are dropped without an answer",
            do="follow the steps under Next, and look at the log of one build",
        )

    def steps(self) -> list[str]:
        """What is left to do by hand."""
        found = []
        if any(not mirror.is_given for mirror in self.mirrors.values()):
            found.append(f"kubectl apply -f {self.folder}/kubernetes/")
        if f"{self.folder}/README.md" in self.draft.created:
            found.append(f"read {self.folder}/README.md: the other readers' settings")
        return found


def _reason(draft: Draft) -> str:
    """Why there is nothing to do."""
    names = {finding.name for finding in draft.findings}
    if "upstream" not in names:
        return "No job pulls from a registry that can be mirrored."
    if "not-mirrored" in names:
        return "What comes without a mirror is set up where no patch reaches; see the notes."
    return "Every reader that this repository sets up has its mirrors."


def _fault(options: Mapping[str, Any]) -> Finding | None:
    """What is wrong with the options."""
    folder = options["folder"].strip("/")
    if not folder or normalise_path(folder) != folder or " " in folder:
        return _bad("--folder", options["folder"], "it is no folder of the repository")
    for name in ("namespace", "runner-namespace"):
        value = options[name]
        if not is_label(value) and (value or name == "namespace"):
            return _bad(f"--{name}", value, "it is no name of a namespace")
    if options["nodes"] and not is_network(options["nodes"]):
        return _bad("--nodes", options["nodes"], "it is no range of addresses like 10.0.0.0/16")
    try:
        read_mirrors(options["mirror"])
    except MirrorError as error:
        return _bad("--mirror", " ".join(options["mirror"]), str(error))
    return None


def _bad(option: str, value: str, what: str) -> Finding:
    return Finding.at(
        None,
        name="bad-mirror",
        subject=value,
        what=f"{option} {value}: {what}",
        why="the mirrors would have an address that nobody finds",
        do=f"correct {option}",
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
