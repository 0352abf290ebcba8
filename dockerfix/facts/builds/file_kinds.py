"""Readers of the kinds of files that hold commands: one for each, by the name of its kind.

Each takes a file that names a build tool and follows the commands in it, in the folder in which
that kind of file runs them. Knows what each kind of file holds; how it is written stands in the
module of that kind.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dockerfix.facts.builds import documents
from dockerfix.facts.builds.files.candidates import Candidate
from dockerfix.facts.builds.files.naming import by_kind
from dockerfix.facts.builds.files.unread import NAMES, build_text, may_build_in_python
from dockerfix.facts.builds.github.expressions import filled
from dockerfix.facts.builds.named_commands import named_commands
from dockerfix.facts.builds.reading import Reading
from dockerfix.facts.builds.systems.ci_files import commands, dialect
from dockerfix.facts.commands.docker_command import located
from dockerfix.facts.commands.gathered import Carrier, Found
from dockerfix.facts.model import BareBuild, Build, CallSite, SiteKind, Value
from dockerfix.facts.shell.state import State
from dockerfix.facts.shell.words import Scope
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Scalar, YamlError, parse_yaml
from dockerfix.text import Source, join_path

if TYPE_CHECKING:
    # Read only where such files are: start-up time is judged.
    from dockerfix.facts.builds.python import calls as python_calls
    from dockerfix.facts.builds.systems.cloud_build import CloudStep


def package(reading: Reading, source: Source) -> None:
    """`scripts` of a package.json; YAML reads JSON and knows places."""
    try:
        json.loads(source.data)
        root = reading.snapshot.derive(source.path, parse_yaml).root
    except (ValueError, RecursionError, YamlError):
        reading.keep(source)
        return
    scripts = root.get("scripts") if root is not None else None
    for entry in scripts.entries if isinstance(scripts, YamlMapping) else ():
        if isinstance(entry.value, Scalar):
            carrier = Carrier(SiteKind.PACKAGE_JSON, entry.key.text, source)
            reading.text(entry.value.mapped, carrier, Scope(), posixpath.dirname(source.path))


def document(reading: Reading, source: Source) -> None:
    """Commands in a document, run in the root or beside it."""
    carrier = Carrier(SiteKind.DOCUMENT, posixpath.basename(source.path), source)
    before = len(reading.found.builds)
    for mapped in reading.snapshot.derive(source.path, documents.commands):
        run = partial(reading.text, mapped, carrier, Scope())
        reading.somewhere(run, posixpath.dirname(source.path), beside_first=True)
    told = reading.found.builds[before:]
    folder = posixpath.dirname(source.path)
    beside = [_beside(reading, build, folder) for build in told]
    reading.found.builds[before:] = [_placed(reading, build) for build in beside]


def _beside(reading: Reading, build: Build, folder: str) -> Build:
    """A document's build that finds its Dockerfile in the document's own folder alone: it is run
    there, whatever the commands around it are."""
    written, context = build.dockerfile_written, build.context_written
    found = build.dockerfile is not None and build.dockerfile in reading.snapshot
    if found or written is None or context is None or build.folder or not folder:
        return build
    path = join_path(folder, written.text) if written.known else None
    where = join_path(folder, context.text) if context.known else None
    if path is None or where is None or path not in reading.snapshot:
        return build
    return replace(build, dockerfile=path, context=where, folder=folder)


def _placed(reading: Reading, build: Build) -> Build:
    """A document's `docker build .`; where its Dockerfile is in no folder that was tried,
    the folder that the prose speaks of is not known."""
    path, context = build.dockerfile, build.context_written
    if build.dockerfile_written is not None or context is None or context.text != ".":
        return build
    if path is None or path in reading.snapshot or reading.snapshot.why_unknown(path) is not None:
        return build
    name = posixpath.basename(path)
    if not any(other.rpartition("/")[2] == name for other in reading.snapshot.paths):
        return build  # it is in no folder, whichever is meant
    why = f"the folder in which it runs is not known: {path} does not exist"
    return replace(build, dockerfile=None, context=None, unknown=(*build.unknown, why))


def python(reading: Reading, source: Source) -> None:
    """Calls in a Python file."""
    if not may_build_in_python(source.data):
        return
    from dockerfix.facts.builds.python import calls as python_calls

    calls = reading.snapshot.derive(source.path, python_calls.python_calls)
    for place, why in calls.unread:
        reading.follower.blind(place, "a build in Python", why)
    for item in python_calls.each(calls):
        run = partial(_python_call, reading, source, item)
        reading.somewhere(run, posixpath.dirname(source.path))
    beside = posixpath.dirname(source.path)
    for make in calls.sdk:
        # A Tiltfile's paths count from its folder; where a program runs is not known.
        folders = (beside,) if python_calls.is_tilt(source.path) else ("", beside)
        tries = [make(folder) for folder in folders]
        reading.extra.append(min(tries, key=lambda build: reading.missing([build])))


def _python_call(
    reading: Reading, source: Source, item: python_calls.Words | python_calls.Text, folder: str
) -> None:
    """One command of a Python file, for a program that runs in `folder`."""
    from dockerfix.facts.builds.python import calls as python_calls

    tilt = python_calls.is_tilt(source.path)
    kind = SiteKind.TILT if tilt else SiteKind.PYTHON
    where = python_calls.folder_of(item, posixpath.dirname(source.path) if tilt else folder)
    if isinstance(item, python_calls.Text):
        carrier = Carrier(kind, item.name, source)
        reading.text(item.mapped, carrier, Scope(), where)
        return
    reading.words(item.words, CallSite(kind, item.name, item.place), State(where, Scope()))


def ci(reading: Reading, source: Source) -> None:
    """Commands of a CI system or task runner that writes YAML."""
    kind, file = dialect(source.path), reading.yaml(source)
    if kind is None or file is None:
        return
    for item in commands(file, kind):
        carrier = Carrier(SiteKind.CI, item.name or posixpath.basename(source.path), source)
        reading.text(item.text, carrier, item.scope, item.folder)


def unread(reading: Reading, source: Source) -> None:
    """A file of a kind that is not known. Of YAML, commands that build a Dockerfile which is there
    are read; the rest is said."""
    if source.path in reading.sources:
        return  # a file of the pipeline
    reading.keep(source)
    if not source.path.endswith((".yml", ".yaml")):
        return
    if next(build_text(source), None) is None:
        return
    try:
        file = reading.snapshot.derive(source.path, parse_yaml)
    except YamlError:
        return  # a template of Helm, say
    before = reading.found
    for name, scalar in named_commands(file):
        reading.follower.found = Found(entered=set(before.entered))
        carrier = Carrier(SiteKind.CI, name or posixpath.basename(source.path), source)
        run = partial(reading.text, scalar.mapped, carrier, Scope())
        reading.somewhere(run, posixpath.dirname(source.path))
        builds = reading.found.builds
        paths = [build.dockerfile for build in builds]
        known = bool(builds) and not reading.found.blind and all(map(reading.has, paths))
        kept = reading.found if known else Found()
        reading.follower.found = before = before.with_more(kept)


def just(reading: Reading, source: Source) -> None:
    """Recipes of a justfile."""
    from dockerfix.facts.builds.systems import justfiles

    reading.keep(source)
    folders = _importing(reading, source.path) or [posixpath.dirname(source.path)]
    for recipe, folder in product(justfiles.recipes(source), folders):
        carrier = Carrier(SiteKind.JUST, recipe.name, source)
        for text in recipe.texts:
            reading.text(text, carrier, recipe.scope, folder)


def _importing(reading: Reading, path: str) -> list[str]:
    """The folders in which the recipes of a justfile run that others import: those of the
    justfiles at the end of the chain."""
    users = reading.importers
    if users is None:
        from dockerfix.facts.builds.systems import justfiles

        users = reading.importers = {}
        for other in by_kind(reading.snapshot).get(Candidate.JUST, ()):
            source = reading.source(other, (b"import",))
            for named in justfiles.imported(source) if source is not None else ():
                users.setdefault(named, []).append(other)
    found: dict[str, None] = {}
    waiting, seen = [*users.get(path, ())], {path}
    while waiting:
        user = waiting.pop()
        if user not in seen:
            seen.add(user)
            waiting += users.get(user, ())
            if user not in users:
                found[posixpath.dirname(user)] = None
    return list(found)


def skaffold(reading: Reading, source: Source) -> None:
    """Artifacts of skaffold."""
    from dockerfix.facts.builds.systems import skaffold

    file = reading.yaml(source)
    if file is None:
        return
    reading.extra += skaffold.artifact_builds(file)
    reading.found.bare += skaffold.bare_artifacts(file)
    for place in skaffold.custom_artifacts(file):
        reading.follower.blind(place, "a skaffold artifact", "a command of its own builds it")


def cloud_build(reading: Reading, source: Source) -> None:
    """Steps of Cloud Build."""
    from dockerfix.facts.builds.systems import cloud_build

    file = reading.yaml(source)
    for step in cloud_build.steps(file) if file is not None else ():
        # The source that is submitted may be the repository, or the folder of the file.
        run = partial(_cloud_step, reading, source, step)
        reading.somewhere(run, posixpath.dirname(source.path))


def _cloud_step(reading: Reading, source: Source, step: CloudStep, root: str) -> None:
    """One step of Cloud Build, for a submitted source that is `root`."""
    where = join_path(root, step.folder or ".") if step.folder is not None else None
    state = State(where, step.scope)
    if step.script is not None:
        reading.follower.run(step.script, Carrier(SiteKind.CI, step.name, source), state)
    site = CallSite(SiteKind.CLOUD_BUILD, step.name, step.place)
    reading.words(step.words, site, state)


def deployment(reading: Reading, source: Source) -> None:
    """Images of deployment tools and hosting services; the commands that DevSpace runs."""
    from dockerfix.facts.builds.systems import deployment_files, deployments

    reading.keep(source)
    try:
        file = reading.snapshot.derive(source.path, deployment_files.parse_deployment)
    except YamlError:
        return  # a template, as most such files that are no YAML; its keys are said
    for image in deployments.images(file):
        build = deployments.image_build(image, reading.snapshot)
        named = build.dockerfile_written is not None
        if named or build.dockerfile is None or build.dockerfile in reading.snapshot:
            reading.extra.append(build)
        else:
            why = "no Dockerfile is named, and none is in its folder"
            reading.follower.blind(build.site.place, "an image of a deployment file", why)
    for name, command in deployments.custom_commands(file):
        carrier = Carrier(SiteKind.DEPLOYMENT, name, source)
        folder = posixpath.dirname(source.path)
        reading.follower.run(command, carrier, State(folder, Scope()))


def powershell(reading: Reading, source: Source) -> None:
    """Commands of a PowerShell script whose words are plain."""
    from dockerfix.facts.builds import powershell as script

    reading.keep(source)
    moved = script.moves(source)
    for span, words in script.commands(source):
        name = posixpath.basename(source.path)
        site = CallSite(SiteKind.POWERSHELL, name, source.place(span))
        if moved:
            reading.words(words, site, State(None, Scope()))
        else:
            run = partial(_in_folder, reading, words, site)
            reading.somewhere(run, posixpath.dirname(source.path))


def _in_folder(reading: Reading, words: tuple[Value, ...], site: CallSite, folder: str) -> None:
    reading.words(words, site, State(folder, Scope()))


def tasks(reading: Reading, source: Source) -> None:
    """Commands that an editor runs."""
    from dockerfix.facts.builds.systems import deployment_files, editor_tasks

    reading.keep(source)
    try:
        file = reading.snapshot.derive(source.path, deployment_files.parse_deployment)
    except YamlError:
        return  # what looks like a build in it is said
    scope = editor_tasks.scope_of(source.path)
    for task in editor_tasks.tasks(file):
        given = filled(task.folder or "${workspaceFolder}", scope)
        folder = located(given, editor_tasks.workspace(source.path), "the folder", [])
        reading.text(task.text, Carrier(SiteKind.CI, task.name, source), scope, folder)


def bazel(reading: Reading, source: Source) -> None:
    """Container rules of Bazel."""
    from dockerfix.facts.builds.systems import bazel as starlark

    for rule, name, span in starlark.rules(source):
        place = source.place(span)
        if rule == starlark.WITH_DOCKERFILE:
            reading.follower.blind(place, f"`{rule}`", "dockerfix does not read what it builds")
        else:
            site = CallSite(SiteKind.BAZEL, name, place)
            reading.found.bare.append(BareBuild(site, f"bazel {rule}"))


READERS: Mapping[Candidate, Callable[[Reading, Source], None]] = {
    Candidate.PACKAGE: package,
    Candidate.DOCUMENT: document,
    Candidate.PYTHON: python,
    Candidate.CI: ci,
    Candidate.JUST: just,
    Candidate.SKAFFOLD: skaffold,
    Candidate.CLOUD_BUILD: cloud_build,
    Candidate.DEPLOYMENT: deployment,
    Candidate.POWERSHELL: powershell,
    Candidate.BAZEL: bazel,
    Candidate.TASKS: tasks,
    Candidate.PROGRAM: Reading.keep,
    Candidate.UNREAD: unread,
}
"""In the order in which they read."""
NEEDED: Mapping[Candidate, tuple[bytes, ...]] = {
    Candidate.SKAFFOLD: (b"artifacts",),
    Candidate.DEPLOYMENT: (b"ocker", b"uild", b"custom", b"app"),
    Candidate.BAZEL: (b"_image",),
    Candidate.PROGRAM: NAMES,
    Candidate.UNREAD: NAMES,
}
"""What stands in the files of a kind that build, where that is no build tool, or none of those
that a script runs."""
