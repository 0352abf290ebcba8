"""Steps and settings in YAML that build an image without a command of their own.

A CI system's plugin, orb or task builds what its settings name, a Dockerfile at the default place
among them. Each is said at its place. Knows the keys of those systems; reads no settings.
"""

from __future__ import annotations

import enum
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, Sequence, YamlError, YamlFile, parse_yaml
from dockerfix.text import Place, Source, Span

_IMAGES = re.compile(
    r"(?:^|/)plugins/(?:docker|buildx|kaniko|ecr|gcr|gar|acr|heroku)\b|plugin-(?:docker-buildx|kaniko)"
    r"|(?:^|/)drone-(?:docker|kaniko|ecr|buildx)\b"
)
"""Images of Drone's and Woodpecker's plugins that build."""
_STEPS = re.compile(r"[\w-]+/(?:build|publish)(?:[-_]and[-_]\w++)*+(?:[-_]image)?")
"""Commands and jobs of an orb that build."""
_ORBS = re.compile(r"docker|ecr|gcr|acr|kaniko|buildah|container")
_TASKS = re.compile(r"(?:Docker|DockerCompose|ContainerBuild)@\d")
_PLUGINS = re.compile(r"docker-compose#|docker-build|kaniko|docker-ecr-cache|docker-image-builder")
_NOT_BUILDING = re.compile(r"log(?:in|out)|push|start|stop|run|lock|config|combine", re.IGNORECASE)


class PluginKind(enum.Enum):
    """Whose plugin it is."""

    DRONE = "Drone, Woodpecker"
    CIRCLE = "CircleCI"
    AZURE = "Azure Pipelines"
    BUILDKITE = "Buildkite"
    GORELEASER = "GoReleaser"
    ACTION = "GitHub"


class Plugin(Struct, frozen=True):
    """A plugin or service that builds: where it is named, the whole of its settings, what it is,
    whose, the settings themselves and the name of its step."""

    place: Place
    settings: Span
    what: str
    kind: PluginKind
    node: YamlMapping
    name: str = ""
    pushes: bool = True


def may_hold_plugins(path: str) -> bool:
    """Whether a file is one that `plugins` reads, by its path."""
    return _reader(path) is not None


def plugins(source: Source) -> tuple[Plugin, ...]:
    """The plugins and services of one file that build."""
    return tuple(_plugins(source))


def _plugins(source: Source) -> Iterator[Plugin]:
    read = _reader(source.path)
    if read is None or not any(name in source.data for name in _NAMES):
        return
    try:
        file = parse_yaml(source)
    except YamlError:
        return  # its reader says so
    reader, kind = read
    for name, node in _mappings(file):
        for found, what in reader(node, file):
            whole = found if isinstance(found, YamlMapping) else node
            given = _settings(whole, kind)
            verb = _verb(given.resolved)
            yield Plugin(
                *(source.place(found.span), whole.span, what, kind, given),
                *(_text(node, "name", "displayName") or name or what, verb != "build"),
            )


def _settings(node: YamlMapping, kind: PluginKind) -> YamlMapping:
    """Where a plugin is told what to build: in a mapping of its own, or beside its name."""
    key = {PluginKind.DRONE: "settings", PluginKind.AZURE: "inputs"}.get(kind, "")
    given = node.get(key)
    return given if isinstance(given, YamlMapping) else node


def _text(node: YamlMapping, *keys: str) -> str:
    found = (node.get(key) for key in keys)
    return next((item.text for item in found if isinstance(item, Scalar)), "")


_NAMES = (b"ocker", b"kaniko", b"ecr", b"gcr", b"acr", b"gar", b"ContainerBuild")
"""One of these stands in every file with a plugin that builds."""
_Found = Iterator[tuple[Node, str]]


def _reader(
    path: str,
) -> tuple[Callable[[YamlMapping, YamlFile], _Found], PluginKind] | None:
    """What finds builds in the mappings of a file, by its path."""
    folder, name = posixpath.split(path)
    stem = name.rpartition(".")[0].lower()
    if not name.endswith((".yml", ".yaml")):
        return None
    if ".circleci" in folder.split("/"):
        return _circle, PluginKind.CIRCLE
    if ".buildkite" in folder.split("/"):
        return _buildkite, PluginKind.BUILDKITE
    if "azure" in path or "pipelines" in path:
        return _azure, PluginKind.AZURE
    if stem in (".drone", ".woodpecker") or ".woodpecker" in folder.split("/"):
        return _drone, PluginKind.DRONE
    if "goreleaser" in stem:
        return _goreleaser, PluginKind.GORELEASER
    return (_action, PluginKind.ACTION) if stem == "action" else None


def _mappings(file: YamlFile) -> Iterator[tuple[str, YamlMapping]]:
    """Every mapping of a file, each where it is written, with the key that it stands under."""
    queue: list[tuple[str, Node]] = [("", node) for node in file.documents]
    while queue:
        key, node = queue.pop()
        if isinstance(node, Sequence):
            queue += ((key, item) for item in node.items)
        elif isinstance(node, YamlMapping):
            yield key, node
            queue += ((e.key.text, e.value) for e in node.entries if not e.aliased)


def _drone(node: YamlMapping, _file: YamlFile) -> _Found:
    """A step that has commands runs these in the image, and not the plugin."""
    image = node.get("image")
    runs = node.get("commands") is not None
    if isinstance(image, Scalar) and _IMAGES.search(image.text) and not runs:
        yield image, f"the plugin {image.text}"


def _circle(node: YamlMapping, file: YamlFile) -> _Found:
    orbs = file.root.get("orbs") if file.root is not None else None
    named = orbs.resolved if isinstance(orbs, YamlMapping) else {}
    building = {
        name
        for name, value in named.items()
        if not isinstance(value, Scalar) or _ORBS.search(value.text)
    }
    for key in ("steps", "jobs"):
        listed = node.get(key)
        for item in listed.items if isinstance(listed, Sequence) else ():
            first = item.entries[0].key if isinstance(item, YamlMapping) and item.entries else item
            if not isinstance(first, Scalar) or not _STEPS.fullmatch(first.text):
                continue
            if first.text.partition("/")[0] in building:
                yield first, f"the orb's {first.text}"


def _azure(node: YamlMapping, _file: YamlFile) -> _Found:
    task, inputs = node.get("task"), node.get("inputs")
    if not isinstance(task, Scalar) or not _TASKS.match(task.text):
        return
    verb = _verb(inputs.resolved if isinstance(inputs, YamlMapping) else {})
    if "build" in verb.lower() or not _NOT_BUILDING.search(verb):
        yield task, f"the task {task.text}"


def _verb(given: Mapping[str, Node]) -> str:
    """What a task of Azure does."""
    values = (given.get(key) for key in ("command", "action"))
    return next((value.text for value in values if isinstance(value, Scalar)), "buildAndPush")


def _buildkite(node: YamlMapping, _file: YamlFile) -> _Found:
    plugins = node.get("plugins")
    for item in plugins.items if isinstance(plugins, Sequence) else (plugins,):
        for entry in item.entries if isinstance(item, YamlMapping) else ():
            name, given = entry.key.text, entry.value
            composed = "docker-compose#" in name
            builds = isinstance(given, YamlMapping) and given.get("build") is not None
            if _PLUGINS.search(name) and (builds or not composed):
                yield entry.key, f"the plugin {name}"


def _goreleaser(node: YamlMapping, file: YamlFile) -> _Found:
    for key in ("dockers", "dockers_v2"):
        listed = node.get(key) if node is file.root else None
        for item in listed.items if isinstance(listed, Sequence) else ():
            yield item, "an image of GoReleaser"


def _action(node: YamlMapping, file: YamlFile) -> _Found:
    runs = node.get("runs") if node is file.root else None
    image = runs.get("image") if isinstance(runs, YamlMapping) else None
    if isinstance(image, Scalar) and not image.text.startswith("docker://"):
        yield image, "a Docker action"
