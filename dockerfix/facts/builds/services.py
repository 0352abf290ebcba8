"""Compose services as builds, with the values of `.env`.

Follows the Compose Specification, "build" and "Interpolation": a variable has the environment's
value, else that of the `.env` beside the file, else its default. Knows services; knows no
commands.
"""

from __future__ import annotations

import posixpath
import re

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.builds.assigned import environment_beside
from dockerfix.facts.commands.docker_command import is_remote, located
from dockerfix.facts.compose import Service, pairs
from dockerfix.facts.model import Build, BuildArgument, CallSite, SiteKind, Tool, Value
from dockerfix.facts.shell.words import closing, remaining
from dockerfix.syntax.yaml.tree import Node, Scalar, Sequence
from dockerfix.text import Snapshot


def service_build(service: Service, snapshot: Snapshot) -> Build:
    """The build of a Compose service, as `docker compose build` runs it from its folder."""
    folder = posixpath.dirname(service.file.source.path)
    build = _ServiceBuild(service, environment_beside(snapshot, folder)).build()
    written = (build.context_written, build.dockerfile_written)
    if build.dockerfile is None or build.dockerfile in snapshot or any(written):
        return build
    if snapshot.why_unknown(build.dockerfile) is not None:
        return build
    why = "it says no context, as a file that is laid over another"
    return replace(build, context=None, dockerfile=None, unknown=(*build.unknown, why))


class _ServiceBuild(Struct, frozen=True):
    """One service with the values of its `.env`. Private to `service_build`."""

    service: Service
    environment: dict[str, str]

    def build(self) -> Build:
        """The service as a build."""
        service, unknown = self.service, list[str]()
        context, file = service.scalar("context"), service.scalar("dockerfile")
        target, where = service.scalar("target"), self.context(context, unknown)
        images = (self.value(service.image),) if service.image is not None else ()
        return Build(
            site=CallSite(SiteKind.COMPOSE, service.name, service.place),
            tool=Tool.COMPOSE,
            context=where,
            dockerfile=self.dockerfile(file, where, unknown),
            context_written=self.value(context) if context is not None else None,
            dockerfile_written=self.value(file) if file is not None else None,
            target=self.value(target) if target is not None and target.text else None,
            arguments=self.arguments(service.part("args")),
            tags=(*images, *self.values(service.part("tags"))),
            cache_from=self.values(service.part("cache_from")),
            cache_to=self.values(service.part("cache_to")),
            platforms=self.values(service.part("platforms")),
            named_contexts=self.arguments(service.part("additional_contexts")),
            folder=posixpath.dirname(service.file.source.path),
            unknown=tuple(unknown),
        )

    def context(self, context: Scalar | None, unknown: list[str]) -> str | None:
        """The context; it counts from the file in which it is written."""
        holder = context.file if context is not None else self.service.build.file
        text = self.interpolated(context.text) if context is not None else "."
        if is_remote(text):
            unknown.append("the context is an address or standard input")
            return None
        if _from_working_folder(text):
            unknown.append(f"the context holds a variable: {text}")
            return None
        if "\\" in text:
            unknown.append(f"the context is a path of Windows: {text}")
            return None
        return located(text, posixpath.dirname(holder.source.path), "the context", unknown)

    def dockerfile(self, file: Scalar | None, where: str | None, unknown: list[str]) -> str | None:
        """The Dockerfile; it counts from the context."""
        if self.service.part("dockerfile_inline") is not None:
            unknown.append("the Dockerfile is written in the Compose file")
            return None
        text = self.interpolated(file.text) if file is not None else "Dockerfile"
        if _from_working_folder(text):
            unknown.append(f"the Dockerfile holds a variable: {text}")
            return None
        return located(text, where, "the Dockerfile", unknown) if where is not None else None

    def interpolated(self, text: str) -> str:
        """`$NAME` as `${NAME}`, so that one spelling stands for a variable, and a value of
        `.env` as its default, since the environment goes before it; `$$` is a dollar."""
        text = _SIGN.sub(lambda m: "$" if m[1] == "$" else "${" + m[1] + "}", text)
        for name in remaining(text):
            value = self.environment.get(name)
            at = text.find("${" + name)
            end = closing(text, at) if at >= 0 else -1
            if value and end > 0 and "$" not in value:
                text = text[:at] + "${" + name + ":-" + value + "}" + text[end + 1 :]
        return text

    def value(self, scalar: Scalar, written: str | None = None) -> Value:
        """A scalar as a value; its place is the whole scalar, quotes included."""
        written = scalar.text if written is None else written
        text = self.interpolated(written)
        return Value(written, text, remaining(text), (), scalar.file.source.place(scalar.span))

    def values(self, node: Node | None) -> tuple[Value, ...]:
        """A scalar or a list of them."""
        items = node.items if isinstance(node, Sequence) else (node,)
        return tuple(self.value(item) for item in items if isinstance(item, Scalar))

    def arguments(self, node: Node | None) -> tuple[BuildArgument, ...]:
        """A map, or a list of `NAME=value`."""
        found = []
        for name, scalar, key in pairs(node):
            listed = scalar is not None and isinstance(node, Sequence)
            written = scalar.text.partition("=")[2] if scalar is not None and listed else None
            value = self.value(scalar, written) if scalar is not None else None
            found.append(BuildArgument(name, value, key.file.source.place(key.span)))
        return tuple(found)


_SIGN = re.compile(r"\$(\$|[A-Za-z_][A-Za-z0-9_]*)")


def _from_working_folder(text: str) -> bool:
    """Whether a path counts from where the caller stands, which no file says."""
    return "${PWD" in text
