"""All builds of a snapshot, and what looks like one but cannot be followed.

Each kind of file has one function that yields scripts or builds; only files whose name makes
them candidates and whose bytes name a build tool are read. Knows which files hold builds;
how commands are read stands in `follow` and `docker_command`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from dockerfix.facts.bake import parse_bake
from dockerfix.facts.builds import recipes
from dockerfix.facts.builds.bakes import bake_build
from dockerfix.facts.builds.candidates import kind_of
from dockerfix.facts.builds.follow import BakeCall, Carrier, Follower, State
from dockerfix.facts.builds.services import service_build
from dockerfix.facts.builds.words import Bound, Scope, remaining
from dockerfix.facts.compose import ComposeFiles, find_compose
from dockerfix.facts.gitlab import Job, Pipeline
from dockerfix.facts.model import Blind, Build, ImageCall, SiteKind, Value
from dockerfix.facts.shell import Script, parse_shell
from dockerfix.facts.yaml_tree import Scalar
from dockerfix.text import (
    MappedText,
    Place,
    Snapshot,
    SnapshotError,
    Source,
    Span,
    join_path,
)

_TOOLS = (b"docker", b"buildah", b"kaniko", b"podman", b"nerdctl")
_MAX_BYTES = 1_000_000
_MAX_MATRIX = 64


@dataclass(frozen=True, slots=True)
class Assigned:
    """A value that the snapshot assigns to a variable, and where."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class BuildList:
    """Every build of a snapshot, what could not be followed, the values that variables get
    anywhere in it, and the commands that tag and push."""

    builds: tuple[Build, ...]
    blind: tuple[Blind, ...]
    assigned: dict[str, tuple[Assigned, ...]]
    images: tuple[ImageCall, ...] = ()

    def values_of(self, name: str) -> tuple[str, ...]:
        """All values that the snapshot assigns to a variable, in order of their places."""
        return tuple(dict.fromkeys(a.text for a in self.assigned.get(name, ())))


def find_builds(snapshot: Snapshot, pipeline: Pipeline | None) -> BuildList:
    """All builds, in the order: GitLab, Compose, Makefiles, scripts, workflows, documents."""
    finder = _Finder(snapshot)
    if pipeline is not None:
        for job in pipeline.visible:
            finder.job(pipeline, job)
        for place, why in pipeline.unread:
            finder.blind(place, "an include", why)
    finder.compose()
    finder.candidates()
    finder.bakes()
    return finder.result(pipeline)


class _Finder:
    """Gathers over one snapshot. Private to `find_builds`."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.follower = Follower(snapshot, self.script)
        self.scripts: dict[str, Script | None] = {}
        self.compose_files = ComposeFiles((), (), ())
        self.extra: list[Build] = []

    def blind(self, place: Place, what: str, why: str) -> None:
        """Note what cannot be followed."""
        self.follower.found.blind.append(Blind(place, what, why))

    def script(self, path: str) -> Script | None:
        """A shell script of the repository, parsed once; None when it is none."""
        if path not in self.scripts:
            self.scripts[path] = self._read_script(path)
        return self.scripts[path]

    def _read_script(self, path: str) -> Script | None:
        data = self.bytes(path)
        if data is None:
            return None
        first = data[:80].split(b"\n")[0]
        if not (path.endswith((".sh", ".bash")) or (first.startswith(b"#!") and b"sh" in first)):
            return None
        return parse_shell(MappedText.whole(data))

    def bytes(self, path: str) -> bytes | None:
        """A file's bytes; None when it is too large, binary or unreadable."""
        if self.snapshot.entries[path].size > _MAX_BYTES:
            return None
        try:
            data = self.snapshot.read(path)
        except SnapshotError as error:
            start = Source(path, b"").place(Span(0, 0))
            self.blind(start, "a file", f"it cannot be read: {error.why}")
            return None
        return None if b"\0" in data[:1024] else data

    def job(self, pipeline: Pipeline, job: Job) -> None:
        """A GitLab job: one shell for before_script and script, one for after_script."""
        scope = Scope()
        given: dict[str, Scalar] = {**pipeline.variables, **job.variables}
        for name, scalar in given.items():
            text = _braced(scalar.text)
            scope = scope.bind(name, Bound(text, (), scalar.file.source.place(scalar.span)))
        for row in job.rows[:_MAX_MATRIX] or ({},):
            self.run_job(job, _expanded(_with_row(scope, row)))

    def run_job(self, job: Job, scope: Scope) -> None:
        """One run of a job's lines; a matrix makes several."""
        state = State("", scope)
        after = State("", scope)
        for line in job.lines:
            file = line.scalar.file
            carrier = Carrier(SiteKind.GITLAB, job.name, file.source)
            target = after if line.section == "after_script" else state
            self.follower.run(line.scalar.mapped, carrier, target)

    def compose(self) -> None:
        """Compose services."""
        self.compose_files = find_compose(self.snapshot)
        for error in self.compose_files.broken:
            place = Source(error.path, b"").place(Span(0, 0))
            self.blind(place, "a Compose file", str(error))
        self.extra += [service_build(service) for service in self.compose_files.services]

    def candidates(self) -> None:
        """Files whose name says that they may build."""
        later: list[str] = []
        for path in self.snapshot.paths:
            kind = kind_of(path)
            if kind is None:
                continue
            if kind is SiteKind.SHELL:
                later.append(path)
                continue
            data = self.bytes(path)
            if data is None or not any(tool in data for tool in _TOOLS):
                continue
            for text, carrier, state in recipes.texts(kind, Source(path, data)):
                self.follower.run(text, carrier, state)
            if kind is SiteKind.GITHUB:
                self.extra += recipes.actions(Source(path, data))
        for path in later:
            if path in self.follower.found.entered:
                continue
            data = self.bytes(path)
            if data is None or not any(tool in data for tool in _TOOLS):
                continue
            source = Source(path, data)
            carrier = Carrier(SiteKind.SHELL, posixpath.basename(path), source)
            self.follower.run(MappedText.whole(data), carrier, State("", Scope()))

    def bakes(self) -> None:
        """The targets that bake calls name."""
        for call in self.follower.found.bakes:
            self.extra += self.bake(call)

    def bake(self, call: BakeCall) -> Iterator[Build]:
        """One build for each target of a bake call."""
        if call.folder is None or any(not value.known for value in call.files):
            self.blind(call.site.place, "a bake call", "its folder or file is not known")
            return
        names = [value.text for value in call.files] or ["docker-bake.hcl", "docker-bake.json"]
        for name in names:
            path = join_path(call.folder, name)
            if path is None or path not in self.snapshot:
                continue
            if not path.endswith(".hcl"):
                self.blind(call.site.place, "a bake call", f"{path} is no HCL file")
                continue
            file = self.snapshot.derive(path, parse_bake)
            for place in file.broken:
                self.blind(place, "a bake file", "the HCL grammar cannot read it")
            defaults = {k: v if isinstance(v, str) else "" for k, v in file.variables.items()}
            for target in file.selected(tuple(value.text for value in call.targets)):
                yield bake_build(call, target, defaults)

    def result(self, pipeline: Pipeline | None) -> BuildList:
        """Everything found, in order."""
        found = self.follower.found
        builds = (*found.builds, *self.extra)
        assigned: dict[str, list[Assigned]] = {}
        for name, scalar in _assigned(pipeline):
            place = scalar.file.source.place(scalar.span)
            assigned.setdefault(name, []).append(Assigned(scalar.text, place))
        for build in builds:
            for value in (build.target, build.dockerfile_written, build.context_written):
                for name, default in _defaults(value):
                    if value is not None and value.place is not None:
                        assigned.setdefault(name, []).append(Assigned(default, value.place))
        for path in self.snapshot.paths:
            if posixpath.basename(path) in (".env", ".env.example", ".env.dist"):
                self._environment(path, assigned)
        return BuildList(
            builds,
            tuple(found.blind),
            {name: tuple(values) for name, values in assigned.items()},
            tuple(found.images),
        )

    def _environment(self, path: str, assigned: dict[str, list[Assigned]]) -> None:
        data = self.bytes(path) or b""
        source = Source(path, data)
        for start in source.line_starts:
            line = source.line_of(start) if start < len(data) else Span(start, start)
            name, equals, value = source.text(line).strip().partition("=")
            if equals and not name.startswith("#"):
                found = Assigned(value.strip("\"'"), source.place(line))
                assigned.setdefault(name.strip(), []).append(found)


def _with_row(scope: Scope, row: dict[str, Scalar]) -> Scope:
    for name, scalar in row.items():
        scope = scope.bind(
            name, Bound(_braced(scalar.text), (), scalar.file.source.place(scalar.span))
        )
    return scope


def _braced(text: str) -> str:
    """`$NAME` as `${NAME}`, so that one spelling stands for unresolved variables."""
    script = parse_shell(MappedText.whole(b"x=" + ('"' + text.replace('"', "") + '"').encode()))
    from dockerfix.facts.builds.words import expand
    from dockerfix.facts.shell import Assignment

    first = script.statements[0] if script.statements else None
    if "$" in text and isinstance(first, Assignment) and first.value is not None:
        return expand(first.value.parts, Scope())[0]
    return text


def _expanded(scope: Scope) -> Scope:
    """Variables that name others, replaced until nothing changes (at most five rounds)."""
    for _ in range(5):
        changed = scope
        for name, bound in scope.variables.items():
            text = bound.text
            for other in remaining(text):
                inner = scope.variables.get(other)
                if inner is not None and other != name:
                    text = text.replace("${" + other + "}", inner.text)
            if text != bound.text:
                changed = changed.bind(name, Bound(text, bound.choices, bound.place))
        if changed == scope:
            return scope
        scope = changed
    return scope


def _assigned(pipeline: Pipeline | None) -> Iterator[tuple[str, Scalar]]:
    if pipeline is None:
        return
    yield from pipeline.variables.items()
    for job in pipeline.jobs.values():
        yield from job.variables.items()


def _defaults(value: Value | None) -> Iterator[tuple[str, str]]:
    """`${NAME:-default}` in a value assigns the default."""
    text = value.text if value is not None else ""
    at = 0
    while (at := text.find("${", at)) >= 0:
        end = text.find("}", at)
        name, operator, default = text[at + 2 : end].partition(":-")
        if operator and end > 0:
            yield name, default
        at += 2


def job_of(build: Build) -> str | None:
    """The GitLab job that holds the build; None for other call sites."""
    return build.site.name if build.site.kind is SiteKind.GITLAB else None
