"""All builds of a snapshot, and what looks like one but cannot be followed.

Each kind of file has a module that yields texts or builds; only files whose path makes them
candidates and whose bytes name a build tool are read. Knows which files hold builds; how
commands are read stands in `follow` and `docker_command`.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from dockerfix.facts.builds import documents
from dockerfix.facts.builds.assigned import Assigned, assigned_values
from dockerfix.facts.builds.candidates import MAX_BYTES, Candidate, candidate
from dockerfix.facts.builds.ci_files import commands, dialect
from dockerfix.facts.builds.compose_calls import compose_use, layers, named_files
from dockerfix.facts.builds.docker_command import make_build
from dockerfix.facts.builds.follow import Follower
from dockerfix.facts.builds.gathered import Carrier, Found
from dockerfix.facts.builds.jobs import runs_of
from dockerfix.facts.builds.plugins import Plugin, may_hold_plugins, plugins
from dockerfix.facts.builds.recognise import recognise
from dockerfix.facts.builds.services import service_build
from dockerfix.facts.builds.state import State
from dockerfix.facts.builds.unread import TOOLS, build_text, may_build_in_python, uncovered
from dockerfix.facts.builds.words import Scope
from dockerfix.facts.compose import ComposeFiles, find_compose, looks_composed
from dockerfix.facts.gitlab.pipeline import ROOT, Pipeline, find_pipeline
from dockerfix.facts.model import (
    Blind,
    Build,
    CallSite,
    ComposeUse,
    ImageCall,
    SiteKind,
    Value,
)
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Scalar, YamlError, parse_yaml
from dockerfix.text import Kind, MappedText, Place, Snapshot, SnapshotError, Source, Span

if TYPE_CHECKING:
    # Read only where such files are: start-up time is judged.
    from dockerfix.facts.builds import python_calls
    from dockerfix.facts.builds.make import Makefile
    from dockerfix.facts.builds.workflows import Step
    from dockerfix.syntax.yaml.tree import YamlFile


class BuildList(Struct, frozen=True):
    """Every build of a snapshot, what could not be followed, the values that variables get
    anywhere in it, the commands that tag and push, and those that use Compose services."""

    builds: tuple[Build, ...]
    blind: tuple[Blind, ...]
    assigned: dict[str, tuple[Assigned, ...]]
    images: tuple[ImageCall, ...] = ()
    compose: ComposeFiles = field(default_factory=lambda: ComposeFiles((), (), ()))
    compose_uses: tuple[ComposeUse, ...] = ()

    def values_of(self, name: str) -> tuple[str, ...]:
        """All values that the snapshot assigns to a variable, in order of their places."""
        return tuple(dict.fromkeys(a.text for a in self.assigned.get(name, ())))


def find_builds(
    snapshot: Snapshot, pipeline: Pipeline | YamlError | SnapshotError | None
) -> BuildList:
    """All builds: those of scripts (GitLab, workflows, package.json, documents, Python,
    Makefiles, shell scripts), then Compose services, actions and SDKs, and what bake makes.

    `pipeline` is the error where its root file cannot be read.
    """
    finder = _Finder(snapshot)
    if isinstance(pipeline, YamlError | SnapshotError):
        finder.unread_pipeline(pipeline)
        pipeline = None
    elif pipeline is not None:
        finder.pipeline(pipeline)
    finder.files()
    finder.compose()
    finder.bakes()
    finder.unread()
    return finder.result(pipeline)


class _Finder:
    """Gathers over one snapshot. Private to `find_builds`."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.follower = Follower(snapshot)
        self.compose_files = ComposeFiles((), (), ())
        self.services: list[Build] = []
        self.extra: list[Build] = []
        self.baked: list[Build] = []
        self.sources: dict[str, Source] = {}
        """Files that name a build tool, but documents and Python, for what stays unread."""
        self.alone: list[tuple[str, Found]] = []
        self.bake_files: list[str] = []
        self.other_yaml: list[str] = []
        self.needles: tuple[bytes, ...] = TOOLS
        """What a file names that has builds in it, or runs a script that has."""

    @property
    def found(self) -> Found:
        """What following has gathered."""
        return self.follower.found

    def source(self, path: str, needed: Iterable[bytes] | None = None) -> Source | None:
        """A file that names a build tool or a script that does (or one of `needed`); None for
        others, and for what is too large, is no text, or cannot be read, which is said."""
        try:
            data = self.snapshot.peek(path)
        except SnapshotError as error:
            if not self.is_link(path):
                start = Source(path, b"").place(Span(0, 0))
                self.follower.blind(start, "a file", f"it cannot be read: {error.why}")
            return None
        for name in self.needles if needed is None else needed:
            if name in data:
                break
        else:
            return None  # most files: nothing else is made of them
        if b"\0" in data[:1024] or self.is_link(path):
            return None
        source = Source(path, data)
        if len(data) <= MAX_BYTES:
            return source
        if next(build_text(source), None) is not None:
            start = source.place(Span(0, 0))
            self.follower.blind(start, "a file", f"it is larger than {MAX_BYTES} bytes")
        return None

    def is_link(self, path: str) -> bool:
        """Whether a path is a symbolic link: what it leads to is read where it stands, and nobody
        edits through a link."""
        return self.snapshot.entries[path].kind is Kind.SYMLINK

    def pipeline(self, pipeline: Pipeline, started: frozenset[str] = frozenset()) -> None:
        """The jobs of a pipeline that can run, and of the child pipelines that they start."""
        suffix = f" ({pipeline.path})" if started else ""
        for job in pipeline.visible:
            for lines in runs_of(pipeline, job, self.found.assigned):
                for mapped, source, state in lines:
                    carrier = Carrier(SiteKind.GITLAB, job.name + suffix, source)
                    self.follower.run(mapped, carrier, state)
            for scalar in job.child:
                self.child(scalar, started | {pipeline.path})
        for place, why in pipeline.unread:
            self.follower.blind(place, "an include", why, apart=True)
        for path, file in pipeline.files.items():
            self.sources[path] = file.source

    def unread_pipeline(self, error: YamlError | SnapshotError) -> None:
        """A pipeline whose root file cannot be read: whatever it names, it may build."""
        if isinstance(error, YamlError) and error.path in self.snapshot:
            source = self.snapshot.source(error.path)
            self.broken(source, error)
            self.keep(source)
        else:
            start = Source(ROOT, b"").place(Span(0, 0))
            self.follower.blind(start, "a file", f"it cannot be read: {error}")

    def child(self, scalar: Scalar, started: frozenset[str]) -> None:
        """A pipeline that a job starts; its jobs are named with its file."""
        path = posixpath.normpath(scalar.text.lstrip("/"))
        if path in started:
            return
        place = scalar.file.source.place(scalar.span)
        try:
            pipeline = find_pipeline(self.snapshot, path)
        except (YamlError, SnapshotError) as error:
            self.follower.blind(place, "a child pipeline", str(error))
            return
        if pipeline is None:
            self.follower.blind(place, "a child pipeline", f"{path} does not exist", apart=True)
        else:
            self.pipeline(pipeline, started)

    def files(self) -> None:
        """Every file that may hold call sites, by path; scripts that others run come last."""
        by_kind: dict[Candidate, list[str]] = {kind: [] for kind in Candidate}
        for path in self.snapshot.paths:
            kind = candidate(path)
            # Programs are the most, and what a file is costs a look at the disk: `source` asks.
            if kind is Candidate.PROGRAM or (kind is not None and not self.is_link(path)):
                by_kind[kind].append(path)
        self.bake_files = by_kind[Candidate.BAKE]
        unread = by_kind[Candidate.UNREAD]
        self.other_yaml = [path for path in unread if path.endswith((".yml", ".yaml"))]
        readers: tuple[tuple[Candidate, Callable[[Source], None]], ...] = (
            (Candidate.PACKAGE, self.package),
            (Candidate.DOCUMENT, self.document),
            (Candidate.PYTHON, self.python),
            (Candidate.CI, self.ci),
            (Candidate.JUST, self.just),
            (Candidate.SKAFFOLD, self.skaffold),
            (Candidate.CLOUD_BUILD, self.cloud_build),
            (Candidate.PROGRAM, self.keep),
            (Candidate.UNREAD, self.keep),
        )
        scripts = self.building_scripts(by_kind[Candidate.SHELL])
        self.workflows(by_kind[Candidate.WORKFLOW])
        for kind, read in readers:
            for path in by_kind[kind]:
                needed = (b"artifacts",) if kind is Candidate.SKAFFOLD else None
                source = self.source(path, needed)
                if source is not None:
                    read(source)
        self.makefiles(by_kind[Candidate.MAKE])
        self.scripts(scripts)
        self.keep_alone()

    def building_scripts(self, paths: list[str]) -> list[Source]:
        """Scripts that name a build tool, and those that name such a script."""
        found: dict[str, Source] = {}
        for _ in range(3):
            for path in paths:
                source = self.source(path) if path not in found else None
                if source is not None and _is_shell(source):
                    found[path] = source
            names = {posixpath.basename(path).encode() for path in found}
            needles = (*TOOLS, *sorted(names), b"make")
            if needles == self.needles:
                break
            self.needles = needles
            self.follower.words |= {name.decode("utf-8", "surrogateescape") for name in names}
        return [found[path] for path in paths if path in found]

    def keep(self, source: Source) -> None:
        """Remember a file for what stays unread in it."""
        self.sources.setdefault(source.path, source)

    def makefiles(self, paths: list[str]) -> None:
        """Rules of Makefiles; a file that another includes is part of that one."""
        included: set[str] = set()
        for path in sorted(paths, key=lambda path: (path.endswith((".mk", ".mak")), path)):
            source = self.source(path)
            makefile = self.follower.makefiles.read(path) if path not in included else None
            if makefile is None:
                continue
            included |= makefile.included
            for name in (path, *makefile.included):
                part = source if name == path else self.source(name)
                if part is not None:
                    self.keep(part)
            self.rules(makefile)

    def rules(self, makefile: Makefile) -> None:
        """Every rule once for each of its targets; a pattern that something else makes targets
        of stands for those."""
        for rule, target in makefile.runs():
            if not makefile.says(rule, self.follower.words):
                continue
            made = (name.partition(":")[2] for name in self.found.entered)
            if "%" in target and any(rule.makes(target, name) for name in made):
                continue
            expander = makefile.of_target(makefile.expander(), rule, target)
            scope = makefile.scope(expander)
            carrier = Carrier(SiteKind.MAKE, target, rule.source)
            folder = posixpath.dirname(makefile.path)
            with self.apart(f"{rule.source.path}:{target}") as wanted:
                for text in makefile.recipe(expander, rule) if wanted else ():
                    self.follower.run(text, carrier, State(folder, scope))

    def scripts(self, sources: list[Source]) -> None:
        """Scripts as a person would run them."""
        for source in sources:
            self.keep(source)
            path = source.path
            carrier = Carrier(SiteKind.SHELL, posixpath.basename(path), source)
            run = partial(self.text, MappedText.whole(source.data), carrier, Scope(script=path))
            with self.apart(path) as wanted:
                if wanted:
                    self.somewhere(run, posixpath.dirname(path))

    @contextmanager
    def apart(self, name: str) -> Iterator[bool]:
        """Gather what a script or rule asks for when it is run by itself, which counts only
        when nothing else runs it; False when something does already."""
        before = self.found
        if name in before.entered:
            yield False
            return
        self.follower.found = Found()
        yield True
        self.alone.append((name, self.found))
        self.follower.found = before

    def keep_alone(self) -> None:
        """Count the scripts and rules that no other one runs."""
        inner = {entered for name, found in self.alone for entered in found.entered - {name}}
        for name, found in sorted(self.alone, key=lambda pair: pair[0] in inner):
            # One that is run only in a circle is entered by none before it.
            if name not in self.found.entered:
                self.found.with_more(found)

    def text(self, mapped: MappedText, carrier: Carrier, scope: Scope, folder: str) -> None:
        """Follow a text in a folder."""
        self.follower.run(mapped, carrier, State(folder, scope))

    def document(self, source: Source) -> None:
        """Commands in a document, run in the root or beside it."""
        carrier = Carrier(SiteKind.DOCUMENT, posixpath.basename(source.path), source)
        before = len(self.found.builds)
        for mapped in documents.commands(source):
            run = partial(self.text, mapped, carrier, Scope())
            self.somewhere(run, posixpath.dirname(source.path), beside_first=True)
        told = self.found.builds[before:]
        self.found.builds[before:] = [self.placed(build) for build in told]

    def placed(self, build: Build) -> Build:
        """A document's `docker build .`; where its Dockerfile is in no folder that was tried,
        the folder that the prose speaks of is not known."""
        path, context = build.dockerfile, build.context_written
        if build.dockerfile_written is not None or context is None or context.text != ".":
            return build
        if path is None or path in self.snapshot or self.snapshot.why_unknown(path) is not None:
            return build
        name = posixpath.basename(path)
        if not any(other.rpartition("/")[2] == name for other in self.snapshot.paths):
            return build  # it is in no folder, whichever is meant
        why = f"the folder in which it runs does not exist: {path}"
        return replace(build, dockerfile=None, context=None, unknown=(*build.unknown, why))

    def somewhere(
        self, run: Callable[[str], None], beside: str, beside_first: bool = False
    ) -> None:
        """Follow what does not say where it runs: in the root, or in the folder beside it
        when only there its Dockerfiles exist."""
        if not beside:
            run("")
            return
        before = self.found
        tries = []
        for folder in (beside, "") if beside_first else ("", beside):
            self.follower.found = Found(entered=set(before.entered))
            run(folder)
            missing = self.missing(self.found.builds)
            tries.append((missing, folder, self.found))
            if not missing:
                break
        _, _, best = min(tries, key=lambda found: found[:2])
        self.follower.found = before.with_more(best)

    def missing(self, builds: Iterable[Build]) -> int:
        """How many builds ask for a Dockerfile that does not exist."""
        return sum(b.dockerfile is not None and b.dockerfile not in self.snapshot for b in builds)

    def package(self, source: Source) -> None:
        """`scripts` of a package.json; YAML reads JSON and knows places."""
        try:
            json.loads(source.data)
            root = parse_yaml(source).root
        except (ValueError, RecursionError, YamlError):
            self.keep(source)
            return
        scripts = root.get("scripts") if root is not None else None
        for entry in scripts.entries if isinstance(scripts, YamlMapping) else ():
            if isinstance(entry.value, Scalar):
                carrier = Carrier(SiteKind.PACKAGE_JSON, entry.key.text, source)
                state = State(posixpath.dirname(source.path), Scope())
                self.follower.run(entry.value.mapped, carrier, state)

    def workflows(self, paths: list[str]) -> None:
        """Steps of GitHub workflows and composite actions, with what they call."""
        files = self.workflow_files(paths)
        if not files:
            return
        from dockerfix.facts.builds.workflows import Workflows, foreign_workflows

        for step in Workflows(files.get).steps(files):
            self.step(step)
        for file in files.values():
            for place, why in foreign_workflows(file):
                self.follower.blind(place, "a reusable workflow", why, apart=True)

    def workflow_files(self, paths: list[str]) -> dict[str, YamlFile]:
        """Workflows and actions that name a build tool, and those that name such a one."""
        found: dict[str, YamlFile] = {}
        needles = self.needles
        for _ in range(3):
            for path in paths:
                source = self.source(path, (*needles, *_ACTIONS)) if path not in found else None
                file = self.yaml(source) if source is not None else None
                if file is not None:
                    found[path] = file
            more = (*self.needles, *sorted(_called_as(path) for path in found))
            if more == needles:
                break
            needles = more
        return {path: found[path] for path in paths if path in found}

    def ci(self, source: Source) -> None:
        """Commands of a CI system or task runner that writes YAML."""
        kind, file = dialect(source.path), self.yaml(source)
        if kind is None or file is None:
            return
        for item in commands(file, kind):
            carrier = Carrier(SiteKind.CI, item.name or posixpath.basename(source.path), source)
            self.follower.run(item.text, carrier, State(item.folder, item.scope))

    def just(self, source: Source) -> None:
        """Recipes of a justfile."""
        from dockerfix.facts.builds import justfiles

        self.keep(source)
        folder = posixpath.dirname(source.path)
        for recipe in justfiles.recipes(source):
            carrier = Carrier(SiteKind.JUST, recipe.name, source)
            for text in recipe.texts:
                self.follower.run(text, carrier, State(folder, recipe.scope))

    def cloud_build(self, source: Source) -> None:
        """Steps of Cloud Build."""
        from dockerfix.facts.builds import cloud_build

        file = self.yaml(source)
        for step in cloud_build.steps(file) if file is not None else ():
            state = State(step.folder, step.scope)
            if step.script is not None:
                self.follower.run(step.script, Carrier(SiteKind.CI, step.name, source), state)
            site = CallSite(SiteKind.CLOUD_BUILD, step.name, step.place)
            self.words(step.words, site, state)

    def words(self, words: tuple[Value, ...], site: CallSite, state: State) -> None:
        """A command that is given as a list of words."""
        recognised = recognise(words)
        if recognised is None:
            return
        build = make_build(recognised, site, state.folder, self.snapshot.entries)
        if build is not None:
            self.found.builds.append(build)
        else:
            self.follower.indirect(recognised, site, state)

    def skaffold(self, source: Source) -> None:
        """Artifacts of skaffold."""
        from dockerfix.facts.builds import skaffold

        file = self.yaml(source)
        if file is None:
            return
        self.extra += skaffold.artifact_builds(file)
        for place in skaffold.custom_artifacts(file):
            self.follower.blind(place, "a skaffold artifact", "a command of its own builds it")

    def yaml(self, source: Source) -> YamlFile | None:
        """A YAML file, kept for what stays unread in it; None for one that is broken, which
        is said."""
        try:
            file = parse_yaml(source)
        except YamlError as error:
            self.broken(source, error)
            return None
        self.keep(source)
        return file

    def step(self, step: Step) -> None:
        """The builds of one step."""
        from dockerfix.facts.builds import actions

        build, call = actions.action_build(step), actions.action_bake(step)
        self.extra += [build] if build is not None else []
        self.found.bakes += [call] if call is not None else []
        unread = actions.unread_action(step) if build is None and call is None else None
        if unread is not None:
            self.follower.blind(unread[0], "an action", unread[1], apart=True)
        script = step.script
        if script is not None:
            source = step.keys.file.source
            carrier = Carrier(SiteKind.GITHUB, step.job, source, step.through)
            self.follower.run(script, carrier, State(step.folder, step.scope))

    def broken(self, source: Source, error: YamlError) -> None:
        """A file that YAML cannot read, at the place where it breaks."""
        starts = source.line_starts
        at = min(starts[min(error.line, len(starts)) - 1] + error.column - 1, len(source.data))
        self.follower.blind(source.place(Span(at, at)), "a YAML file", error.what)

    def python(self, source: Source) -> None:
        """Calls in a Python file."""
        if not may_build_in_python(source.data):
            return
        from dockerfix.facts.builds import python_calls

        calls = python_calls.python_calls(source)
        for place, why in calls.unread:
            self.follower.blind(place, "a build in Python", why)
        for item in python_calls.each(calls):
            run = partial(self.python_call, source, item)
            self.somewhere(run, posixpath.dirname(source.path))
        beside = posixpath.dirname(source.path)
        for make in calls.sdk:
            # A Tiltfile's paths count from its folder; where a program runs is not known.
            folders = (beside,) if python_calls.is_tilt(source.path) else ("", beside)
            tries = [make(folder) for folder in folders]
            self.extra.append(min(tries, key=lambda build: self.missing([build])))

    def python_call(
        self, source: Source, item: python_calls.Words | python_calls.Text, folder: str
    ) -> None:
        """One command of a Python file, for a program that runs in `folder`."""
        from dockerfix.facts.builds import python_calls

        tilt = python_calls.is_tilt(source.path)
        kind = SiteKind.TILT if tilt else SiteKind.PYTHON
        where = python_calls.folder_of(item, posixpath.dirname(source.path) if tilt else folder)
        if isinstance(item, python_calls.Text):
            carrier = Carrier(kind, item.name, source)
            self.follower.run(item.mapped, carrier, State(where, Scope()))
            return
        self.words(item.words, CallSite(kind, item.name, item.place), State(where, Scope()))

    def compose(self) -> None:
        """Compose services, those of files that a command names among them."""
        named = named_files(self.found.composes, self.snapshot)
        below = layers(self.found.composes, self.snapshot)
        self.compose_files = find_compose(self.snapshot, named, below, self.composed())
        for error in self.compose_files.broken:
            self.broken(self.snapshot.source(error.path), error)
        for place, why in self.compose_files.unread:
            self.follower.blind(place, "a Compose service", why, apart=True)
        self.services = [
            service_build(service, self.snapshot) for service in self.compose_files.services
        ]

    def composed(self) -> Iterator[str]:
        """YAML files of other names that are Compose files by what they hold."""
        for path in self.other_yaml:
            source = self.source(path, (b"services:",))
            if source is None or b"build:" not in source.data:
                continue
            try:
                file = self.snapshot.derive(path, parse_yaml)
            except YamlError:
                continue  # it is no file that Compose reads
            if looks_composed(file):
                yield path

    def bakes(self) -> None:
        """The targets that bake calls name, and bake files that no call names."""
        if not self.found.bakes and not self.bake_files:
            return
        from dockerfix.facts.builds.bakes import Bakes

        bakes = Bakes(self.snapshot, self.compose_files, self.follower.blind, set())
        for call in self.found.bakes:
            self.baked += bakes.builds(call)
        for path in self.bake_files:
            if path not in bakes.used and self.source(path, (b"target", b"group")) is not None:
                self.baked += bakes.uncalled(path)
        self.baked += bakes.unpicked()
        self.bake_files += sorted(bakes.used)  # a call may name a file of any name

    def unread(self) -> None:
        """What looks like a build where nothing was read."""
        skipped = {file.source.path for file in self.compose_files.files} | set(self.bake_files)
        read: dict[str, list[Span]] = {}
        for place in self.places():
            read.setdefault(place.path, []).append(place.span)
        for plugin in self.plugins():
            read.setdefault(plugin.place.path, []).append(plugin.settings)
            self.follower.blind(plugin.place, plugin.what, "dockerfix does not read what it builds")
        for path, source in self.sources.items():
            if path in skipped:
                continue
            for span in uncovered(source, read.get(path, ())):
                why = "nothing that dockerfix follows runs it"
                self.follower.blind(source.place(span), "what looks like a build", why)

    def plugins(self) -> Iterator[Plugin]:
        """Plugins of CI systems and files of services that build."""
        for path, entry in self.snapshot.entries.items():
            if may_hold_plugins(path) and entry.kind is Kind.FILE and entry.size <= MAX_BYTES:
                source = self.source(path, (b"",))
                yield from plugins(source) if source is not None else ()

    def places(self) -> Iterable[Place]:
        """Places of everything that was read or is said already."""
        found = self.found
        sites: list[CallSite] = [build.site for build in (*found.builds, *self.extra)]
        sites += [call.site for call in found.bakes]
        sites += [call.site for call in found.composes]
        sites += [image.site for image in found.images]
        for build in found.builds:
            yield from (call.place for call in build.calls)
        yield from (site.place for site in sites)
        yield from (blind.place for blind in found.blind)

    def uses(self) -> tuple[ComposeUse, ...]:
        """What commands do with Compose services."""
        uses = (compose_use(call, self.snapshot) for call in self.found.composes)
        return tuple(use for use in uses if use is not None)

    def result(self, pipeline: Pipeline | None) -> BuildList:
        """Everything found, in order."""
        found = self.found
        builds = (*found.builds, *self.services, *self.extra, *self.baked)
        return BuildList(
            builds,
            tuple(found.blind),
            assigned_values(self.snapshot, pipeline, builds, found.assigned),
            tuple(found.images),
            self.compose_files,
            self.uses(),
        )


def _is_shell(source: Source) -> bool:
    first = source.data[:80].split(b"\n")[0]
    by_shebang = first.startswith(b"#!") and b"sh" in first
    return by_shebang or source.path.endswith((".sh", ".bash"))


_ACTIONS = (b"build-push", b"bake-action", b"kaniko")
"""Names of actions that build and that hold no tool's name."""


def _called_as(path: str) -> bytes:
    """How others name a workflow or an action: by its file, or by its folder."""
    folder, name = posixpath.split(path)
    return (posixpath.basename(folder) if name.startswith("action.") else name).encode()


def job_of(build: Build) -> str | None:
    """The GitLab job that holds the build; None for other call sites."""
    return build.site.name if build.site.kind is SiteKind.GITLAB else None
