"""Compose services as builds. Knows the Compose Specification's `build`; knows no commands."""

from __future__ import annotations

import posixpath

from dockerfix.facts.builds.words import remaining
from dockerfix.facts.compose import Service, pairs
from dockerfix.facts.model import Build, BuildArgument, CallSite, SiteKind, Tool, Value
from dockerfix.facts.yaml_tree import Node, Scalar, Sequence
from dockerfix.text import join_path


def _scalar_value(scalar: Scalar) -> Value:
    text = scalar.text
    return Value(text, text, remaining(text), (), scalar.file.source.place(scalar.span))


def service_build(service: Service) -> Build:
    """The build of a Compose service, as `docker compose build` runs it from its folder."""
    folder = posixpath.dirname(service.file.source.path)
    context = service.scalar("context")
    file = service.scalar("dockerfile")
    unknown: list[str] = []
    where = file_path(folder, context.text if context is not None else ".", unknown)
    dockerfile = None
    if where is not None:
        dockerfile = file_path(where, file.text if file is not None else "Dockerfile", unknown)
    target = service.scalar("target")
    image = service.image
    return Build(
        site=CallSite(SiteKind.COMPOSE, service.name, service.place),
        tool=Tool.COMPOSE,
        context=where,
        dockerfile=dockerfile,
        context_written=_scalar_value(context) if context is not None else None,
        dockerfile_written=_scalar_value(file) if file is not None else None,
        target=_scalar_value(target) if target is not None else None,
        arguments=_compose_arguments(service.part("args")),
        tags=(_scalar_value(image),) if image is not None else (),
        cache_from=_list(service.part("cache_from")),
        cache_to=_list(service.part("cache_to")),
        platforms=_list(service.part("platforms")),
        named_contexts=_compose_arguments(service.part("additional_contexts")),
        folder=folder,
        unknown=tuple(unknown),
    )


def file_path(folder: str, text: str, unknown: list[str]) -> str | None:
    """A path written relative to `folder`, relative to the root; None, with the reason added to
    `unknown`, where reading cannot know it."""
    if "$" in text or "://" in text or text.startswith("git@"):
        unknown.append(f"a path that is not known: {text}")
        return None
    joined = join_path(folder, text)
    if joined is None:
        unknown.append(f"a path that leaves the repository: {text}")
    return joined


def _compose_arguments(node: Node | None) -> tuple[BuildArgument, ...]:
    found = []
    for name, scalar, key in pairs(node):
        value = None
        if scalar is not None:
            text = scalar.text.partition("=")[2] if isinstance(node, Sequence) else scalar.text
            place = scalar.file.source.place(scalar.span)
            value = Value(text, text, remaining(text), (), place)
        found.append(BuildArgument(name, value, key.file.source.place(key.span)))
    return tuple(found)


def _list(node: Node | None) -> tuple[Value, ...]:
    items = node.items if isinstance(node, Sequence) else (node,)
    return tuple(_scalar_value(item) for item in items if isinstance(item, Scalar))
