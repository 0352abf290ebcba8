"""All builds of a snapshot, and what looks like one but cannot be followed.

Each kind of file has a module that yields texts or builds; only files whose path makes them
candidates and whose bytes name a build tool are read. Knows in which order files are read; who
reads a kind of file stands in `file_kinds`, `standalone`, `workflow_steps` and `pipelines`.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from dockerfix.facts.builds.assigned import Assigned, assigned_values
from dockerfix.facts.builds.file_kinds import NEEDED, READERS
from dockerfix.facts.builds.files.candidates import Candidate
from dockerfix.facts.builds.files.naming import by_kind
from dockerfix.facts.builds.leftover import say_leftover
from dockerfix.facts.builds.pipelines import read_pipeline, unread_pipeline
from dockerfix.facts.builds.reading import ANY, Reading
from dockerfix.facts.builds.services import service_build
from dockerfix.facts.builds.standalone import Standalone, building_scripts
from dockerfix.facts.builds.workflow_steps import read_workflows
from dockerfix.facts.commands.cloud_names import CLOUD_BUILDERS
from dockerfix.facts.commands.compose_calls import compose_use, layers, named_files
from dockerfix.facts.compose import ComposeFiles, find_compose, looks_composed
from dockerfix.facts.gitlab.pipeline import Pipeline
from dockerfix.facts.model import BareBuild, Blind, Build, ComposeUse, ImageCall, SiteKind
from dockerfix.syntax.yaml.tree import YamlError, parse_yaml
from dockerfix.text import Snapshot, SnapshotError


class BuildList(Struct, frozen=True):
    """Every build of a snapshot, what could not be followed, the values that variables get
    anywhere in it, the commands that tag and push, and those that use Compose services."""

    builds: tuple[Build, ...]
    blind: tuple[Blind, ...]
    assigned: dict[str, tuple[Assigned, ...]]
    images: tuple[ImageCall, ...] = ()
    bare: tuple[BareBuild, ...] = ()
    """Images that are made without a Dockerfile."""
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
    finder = _Finder(Reading(snapshot))
    if isinstance(pipeline, YamlError | SnapshotError):
        unread_pipeline(finder.reading, pipeline)
        pipeline = None
    elif pipeline is not None:
        read_pipeline(finder.reading, pipeline)
    finder.files()
    finder.compose()
    finder.bakes()
    composed = {file.source.path for file in finder.compose_files.files}
    say_leftover(finder.reading, composed | set(finder.bake_files))
    return finder.result(pipeline)


class _Finder:
    """Reads one snapshot in order. Private to `find_builds`."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.compose_files = ComposeFiles((), (), ())
        self.services: list[Build] = []
        self.baked: list[Build] = []
        self.bake_files: list[str] = []

    def files(self) -> None:
        """Every file that may hold call sites, by path; scripts that others run come last."""
        reading = self.reading
        self.bake_files = list(by_kind(reading.snapshot).get(Candidate.BAKE, ()))
        cloud = self.cloud_builds()
        scripts = building_scripts(reading)
        read_workflows(reading)
        for kind, read in READERS.items():
            paths = reading.naming(kind, NEEDED.get(kind))
            if kind is Candidate.CLOUD_BUILD:
                paths = [*paths, *cloud]
            elif kind is Candidate.UNREAD:
                paths = [path for path in paths if path not in cloud]
            for path in paths:
                source = reading.source(path, ANY)
                if source is not None:
                    read(reading, source)
        standalone = Standalone(reading)
        standalone.makefiles()
        standalone.scripts(scripts)
        standalone.functions(scripts)
        standalone.keep_alone()

    def cloud_builds(self) -> list[str]:
        """YAML files of other names that Cloud Build reads by what they hold."""
        reading = self.reading
        paths = reading.naming(Candidate.UNREAD, CLOUD_BUILDERS)
        named = (path for path in paths if path.endswith((".yml", ".yaml")))
        return [path for path in named if reading.source(path, CLOUD_BUILDERS)]

    def compose(self) -> None:
        """Compose services, those of files that a command names among them."""
        named = named_files(self.reading.found.composes, self.reading.snapshot)
        below = layers(self.reading.found.composes, self.reading.snapshot)
        self.compose_files = find_compose(self.reading.snapshot, named, below, self.composed())
        for error in self.compose_files.broken:
            self.reading.broken(self.reading.snapshot.source(error.path), error)
        for place, why in self.compose_files.unread:
            self.reading.follower.blind(place, "a Compose service", why, apart=True)
        self.services = [
            service_build(service, self.reading.snapshot) for service in self.compose_files.services
        ]

    def composed(self) -> Iterator[str]:
        """YAML files of other names that are Compose files by what they hold."""
        services = (b"services:",)
        for path in self.reading.naming(Candidate.UNREAD, services):
            named = path.endswith((".yml", ".yaml"))
            source = self.reading.source(path, services) if named else None
            if source is None or b"build:" not in source.data:
                continue
            try:
                file = self.reading.snapshot.derive(path, parse_yaml)
            except YamlError:
                continue  # it is no file that Compose reads
            if looks_composed(file):
                yield path

    def bakes(self) -> None:
        """The targets that bake calls name, and bake files that no call names."""
        if not self.reading.found.bakes and not self.bake_files:
            return
        from dockerfix.facts.builds.bakes import Bakes

        bakes = Bakes(self.reading.snapshot, self.compose_files, self.reading.follower.blind, set())
        for call in self.reading.found.bakes:
            self.baked += bakes.builds(call)
        for path in self.bake_files:
            named = path in bakes.used
            if not named and self.reading.source(path, (b"target", b"group")) is not None:
                self.baked += bakes.uncalled(path)
        self.baked += bakes.unpicked()
        self.bake_files += sorted(bakes.used)  # a call may name a file of any name

    def uses(self) -> tuple[ComposeUse, ...]:
        """What commands do with Compose services."""
        uses = (compose_use(call, self.reading.snapshot) for call in self.reading.found.composes)
        return tuple(use for use in uses if use is not None)

    def result(self, pipeline: Pipeline | None) -> BuildList:
        """Everything found, in order."""
        found = self.reading.found
        builds = (*found.builds, *self.services, *self.reading.extra, *self.baked)
        return BuildList(
            builds,
            tuple(found.blind),
            assigned_values(self.reading.snapshot, pipeline, builds, found.assigned),
            tuple(found.images),
            tuple(dict.fromkeys(found.bare)),
            self.compose_files,
            self.uses(),
        )


def job_of(build: Build) -> str | None:
    """The GitLab job that holds the build; None for other call sites."""
    return build.site.name if build.site.kind is SiteKind.GITLAB else None
