"""What the plugins and tasks of CI systems build, by their settings.

Follows the reference pages of Drone's and Woodpecker's docker plugins, of Azure's Docker and
ContainerBuild tasks, and of GoReleaser's `dockers`. A plugin whose Dockerfile is not in the
repository, or not known, is none of these: whoever reads it says so. Knows settings; finds no
plugin.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from itertools import repeat

from msgspec import Struct

from dockerfix.facts.builds.systems.parameters import azure_values
from dockerfix.facts.builds.systems.plugins import Plugin, PluginKind
from dockerfix.facts.commands.docker_command import located
from dockerfix.facts.gitlab.shell_texts import braced
from dockerfix.facts.model import Build, BuildArgument, CallSite, SiteKind, Tool, Value
from dockerfix.facts.shell.words import remaining
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, Sequence
from dockerfix.text import Snapshot

_HERE = re.compile(r"\$\((?:Build\.SourcesDirectory|System\.DefaultWorkingDirectory)\)/?")
"""The repository's own folder, as Azure writes it."""
_VARIABLE = re.compile(r"\$\(([\w.]+)\)")
_OTHER_FOLDER = "GoReleaser builds in a folder of its own, with binaries and `extra_files`"


class _Settings(Struct, frozen=True):
    """The settings of one plugin, whatever the case of their names."""

    keys: Mapping[str, Node]

    def value(self, *names: str) -> Value | None:
        """The text of the first setting of these that is given."""
        found = (self.keys.get(name) for name in names)
        scalar = next((node for node in found if isinstance(node, Scalar) and node.text), None)
        return _value(scalar, scalar.text) if scalar is not None else None

    def values(self, *names: str) -> tuple[Value, ...]:
        """The texts of a setting that may hold several: a list, or words between commas."""
        for name in names:
            node = self.keys.get(name)
            if isinstance(node, Sequence):
                return tuple(_value(i, i.text) for i in node.items if isinstance(i, Scalar))
            if isinstance(node, Scalar) and node.text:
                parts = re.split(r"[,\n]", node.text)
                return tuple(_value(node, part.strip()) for part in parts if part.strip())
        return ()

    def arguments(self, *names: str) -> Iterator[BuildArgument]:
        """Build arguments: a mapping, a list of `NAME=value`, or words between commas."""
        node = next((self.keys[name] for name in names if name in self.keys), None)
        if isinstance(node, YamlMapping):
            for name, scalar in node.resolved.items():
                if isinstance(scalar, Scalar):
                    yield BuildArgument(name, _value(scalar, scalar.text))
            return
        for value in self.values(*names):
            name, equals, text = value.text.partition("=")
            inner = Value(text, text, remaining(text), place=value.place) if equals else None
            yield BuildArgument(name, inner)


def _value(scalar: Scalar, text: str) -> Value:
    known = braced(text)
    return Value(text, known, remaining(known), place=scalar.file.source.place(scalar.span))


def plugin_build(plugin: Plugin, snapshot: Snapshot) -> Build | None:
    """The build of a plugin; None where its settings do not tell a Dockerfile that is there."""
    settings = _Settings({key.lower(): node for key, node in plugin.node.resolved.items()})
    if plugin.kind is PluginKind.DRONE:
        build = _drone(plugin, settings)
    elif plugin.kind is PluginKind.AZURE:
        build = _azure(plugin, settings)
    elif plugin.kind is PluginKind.GORELEASER:
        build = _goreleaser(plugin, settings)
    else:
        return None
    return build if build.dockerfile is not None and build.dockerfile in snapshot else None


def _drone(plugin: Plugin, settings: _Settings) -> Build:
    unknown: list[str] = []
    context, file = settings.value("context"), settings.value("dockerfile")
    where = located(context.text if context else ".", "", "the context", unknown)
    named = file.text if file is not None else "Dockerfile"
    dry = settings.value("dry_run", "dry-run")
    return Build(
        site=_site(plugin),
        tool=Tool.PLUGIN,
        context=where,
        dockerfile=located(named, "", "the Dockerfile", unknown),
        context_written=context,
        dockerfile_written=file,
        target=settings.value("target"),
        arguments=tuple(settings.arguments("build_args", "build-args")),
        tags=_tags(settings.values("repo"), settings.values("tags", "tag")),
        platforms=settings.values("platforms", "platform"),
        push=dry is None or dry.text != "true",
        unknown=tuple(unknown),
    )


def _azure(plugin: Plugin, settings: _Settings) -> Build:
    """A Docker task that says no context, or `**`, takes the folder of its Dockerfile; one that
    finds its Dockerfile by a pattern is left to be said."""
    unknown: list[str] = []
    context, file = settings.value("buildcontext", "context"), settings.value("dockerfile")
    path = _in_azure(file, "the Dockerfile", unknown)
    named = map(_filled, settings.values("repository", "imagename"), repeat(plugin))
    tags = map(_filled, settings.values("tags"), repeat(plugin))
    beside = context is None or context.text == "**"
    if beside and plugin.what.endswith("Docker@2"):
        where = posixpath.dirname(path) if path is not None else None
    else:
        where = _in_azure(context, "the context", unknown)
    path = path if where is not None else None
    more = settings.value("arguments")
    if more is not None:
        unknown.append(f"its arguments are not read: {more.text}")
    return Build(
        site=_site(plugin),
        tool=Tool.PLUGIN,
        context=where,
        dockerfile=path,
        context_written=context,
        dockerfile_written=file,
        tags=_tags(tuple(named), tuple(tags)),
        push=plugin.pushes,
        loose=(more,) if more is not None else (),
        unknown=tuple(unknown),
    )


def _filled(value: Value, plugin: Plugin) -> Value:
    """A text with the variables of the file; those that it does not give stay unknown."""
    root = plugin.node.file.root
    known = azure_values(root) if root is not None else {}

    def held(match: re.Match[str]) -> str:
        texts = known.get(match[1], ())
        plain = len(texts) == 1 and not re.search(r"[<{$]", texts[0])
        return texts[0] if plain else "${" + re.sub(r"\W", "_", match[1]) + "}"

    text = _VARIABLE.sub(held, value.text)
    return Value(value.written, text, remaining(text), place=value.place)


def _in_azure(value: Value | None, what: str, unknown: list[str]) -> str | None:
    if value is None or any(sign in value.text for sign in "*{"):
        return None
    text = _HERE.sub("", value.text)
    if "$(" in text:
        unknown.append(f"{what} holds a variable: {value.text}")
        return None
    return located(text or ".", "", what, unknown)


def _goreleaser(plugin: Plugin, settings: _Settings) -> Build:
    file = settings.value("dockerfile")
    named = file.text if file is not None else "Dockerfile"
    unknown = [_OTHER_FOLDER]
    path = located(named, "", "the Dockerfile", unknown) if "{{" not in named else None
    return Build(
        site=_site(plugin),
        tool=Tool.PLUGIN,
        context=None,
        dockerfile=path,
        dockerfile_written=file,
        push=True,
        unknown=tuple(unknown),
    )


def _tags(repositories: tuple[Value, ...], tags: tuple[Value, ...]) -> tuple[Value, ...]:
    """What is pushed: every repository with every tag, `latest` where none is given."""
    found = []
    for repository in repositories:
        for tag in tags or (None,):
            text = f"{repository.text}:{tag.text if tag is not None else 'latest'}"
            place = tag.place if tag is not None else repository.place
            found.append(Value(text, text, remaining(text), place=place))
    return tuple(found)


def _site(plugin: Plugin) -> CallSite:
    return CallSite(SiteKind.PLUGIN, plugin.name, plugin.place)
