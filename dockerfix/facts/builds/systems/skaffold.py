"""Artifacts of skaffold as builds.

Follows the skaffold.yaml reference: `context` is `.` and `dockerfile` is `Dockerfile` in it
unless they are given; profiles may add artifacts. Knows skaffold's keys; runs nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from dockerfix.facts.commands.docker_command import located
from dockerfix.facts.model import BareBuild, Build, BuildArgument, CallSite, SiteKind, Tool, Value
from dockerfix.facts.shell.words import remaining
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, Sequence, YamlFile
from dockerfix.text import Place

_ELSEWHERE = frozenset({"bazel", "buildpacks", "custom", "jib", "jibMaven", "jibGradle", "ko"})
"""Builders that use no Dockerfile, or that only a command of their own knows."""


def artifact_builds(file: YamlFile) -> Iterator[Build]:
    """The builds of the artifacts that docker or kaniko makes."""
    for artifact in artifacts(file):
        if not _ELSEWHERE & set(artifact.resolved):
            yield _build(file, artifact)


def bare_artifacts(file: YamlFile) -> Iterator[BareBuild]:
    """Artifacts that a builder makes without a Dockerfile."""
    for artifact in artifacts(file):
        builder = next(iter(_ELSEWHERE & set(artifact.resolved)), "custom")
        if builder != "custom":
            named = _value(artifact, "image")
            name = named.text if named is not None else ""
            site = CallSite(SiteKind.SKAFFOLD, name, file.source.place(artifact.span))
            yield BareBuild(site, f"skaffold {builder}")


def custom_artifacts(file: YamlFile) -> Iterator[Place]:
    """Artifacts that a command of their own builds."""
    for artifact in artifacts(file):
        custom = artifact.get("custom")
        if custom is not None:
            yield file.source.place(artifact.span)


def artifacts(file: YamlFile) -> Iterator[YamlMapping]:
    """The artifacts of a file and of its profiles."""
    for root in file.documents:
        profiles = root.get("profiles") if isinstance(root, YamlMapping) else None
        several = profiles.items if isinstance(profiles, Sequence) else ()
        for holder in (root, *several):
            build = holder.get("build") if isinstance(holder, YamlMapping) else None
            listed = build.get("artifacts") if isinstance(build, YamlMapping) else None
            for item in listed.items if isinstance(listed, Sequence) else ():
                if isinstance(item, YamlMapping):
                    yield item


def _build(file: YamlFile, artifact: YamlMapping) -> Build:
    unknown: list[str] = []
    docker = artifact.get("docker") or artifact.get("kaniko")
    image, context = _value(artifact, "image"), _value(artifact, "context")
    given, target = _value(docker, "dockerfile"), _value(docker, "target")
    folder = posixpath.dirname(file.source.path)
    where = located(context.text if context else ".", folder, "the context", unknown)
    dockerfile = None
    if where is not None:
        name = given.text if given is not None else "Dockerfile"
        dockerfile = located(name, where, "the Dockerfile", unknown)
    named = image.text if image is not None else ""
    return Build(
        site=CallSite(SiteKind.SKAFFOLD, named, file.source.place(artifact.span)),
        tool=Tool.SKAFFOLD,
        context=where,
        dockerfile=dockerfile,
        context_written=context,
        dockerfile_written=given,
        target=target,
        arguments=_arguments(docker),
        tags=(image,) if image is not None else (),
        folder=folder,
        unknown=tuple(unknown),
    )


def _value(node: Node | None, key: str) -> Value | None:
    scalar = node.get(key) if isinstance(node, YamlMapping) else None
    if not isinstance(scalar, Scalar) or not scalar.text:
        return None
    text = scalar.text.replace("{{.", "${").replace("}}", "}")
    place = scalar.file.source.place(scalar.span)
    return Value(scalar.text, text, remaining(text), (), place)


def _arguments(docker: Node | None) -> tuple[BuildArgument, ...]:
    given = docker.get("buildArgs") if isinstance(docker, YamlMapping) else None
    names = given.resolved if isinstance(given, YamlMapping) else {}
    return tuple(BuildArgument(name, _value(given, name)) for name in names)
