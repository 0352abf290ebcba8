"""Compose services as builds. Knows the Compose Specification's `build`; knows no commands."""

from __future__ import annotations

import posixpath
import re

from dockerfix.facts.builds.docker_command import is_remote, located
from dockerfix.facts.builds.words import remaining
from dockerfix.facts.compose import Service, pairs
from dockerfix.facts.model import Build, BuildArgument, CallSite, SiteKind, Tool, Value
from dockerfix.syntax.yaml.tree import Node, Scalar, Sequence


def service_build(service: Service) -> Build:
    """The build of a Compose service, as `docker compose build` runs it from its folder."""
    unknown: list[str] = []
    context = service.scalar("context")
    where = _context(service, context, unknown)
    file = service.scalar("dockerfile")
    dockerfile = None
    if service.part("dockerfile_inline") is not None:
        unknown.append("the Dockerfile is written in the Compose file")
    elif where is not None:
        text = _interpolated(file.text) if file is not None else "Dockerfile"
        dockerfile = located(text, where, "the Dockerfile", unknown)
    target = service.scalar("target")
    images = (_value(service.image),) if service.image is not None else ()
    return Build(
        site=CallSite(SiteKind.COMPOSE, service.name, service.place),
        tool=Tool.COMPOSE,
        context=where,
        dockerfile=dockerfile,
        context_written=_value(context) if context is not None else None,
        dockerfile_written=_value(file) if file is not None else None,
        target=_value(target) if target is not None and target.text else None,
        arguments=_arguments(service.part("args")),
        tags=(*images, *_values(service.part("tags"))),
        cache_from=_values(service.part("cache_from")),
        cache_to=_values(service.part("cache_to")),
        platforms=_values(service.part("platforms")),
        named_contexts=_arguments(service.part("additional_contexts")),
        folder=posixpath.dirname(service.file.source.path),
        unknown=tuple(unknown),
    )


def _context(service: Service, context: Scalar | None, unknown: list[str]) -> str | None:
    """The context; it counts from the file in which it is written."""
    holder = context.file if context is not None else service.build.file
    text = _interpolated(context.text) if context is not None else "."
    if is_remote(text):
        unknown.append("the context is an address or standard input")
        return None
    return located(text, posixpath.dirname(holder.source.path), "the context", unknown)


_SIGN = re.compile(r"\$(\$|[A-Za-z_][A-Za-z0-9_]*)")


def _interpolated(text: str) -> str:
    """`$NAME` as `${NAME}`, so that one spelling stands for a variable; `$$` is a dollar."""
    return _SIGN.sub(lambda m: "$" if m[1] == "$" else "${" + m[1] + "}", text)


def _value(scalar: Scalar, written: str | None = None) -> Value:
    """A scalar as a value; its place is the whole scalar, quotes included."""
    written = scalar.text if written is None else written
    text = _interpolated(written)
    return Value(written, text, remaining(text), (), scalar.file.source.place(scalar.span))


def _values(node: Node | None) -> tuple[Value, ...]:
    items = node.items if isinstance(node, Sequence) else (node,)
    return tuple(_value(item) for item in items if isinstance(item, Scalar))


def _arguments(node: Node | None) -> tuple[BuildArgument, ...]:
    found = []
    for name, scalar, key in pairs(node):
        listed = scalar is not None and isinstance(node, Sequence)
        written = scalar.text.partition("=")[2] if scalar is not None and listed else None
        value = _value(scalar, written) if scalar is not None else None
        found.append(BuildArgument(name, value, key.file.source.place(key.span)))
    return tuple(found)
