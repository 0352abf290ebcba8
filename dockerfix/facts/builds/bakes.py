"""Bake targets as builds: variables filled in, paths taken from the folder of the call."""

from __future__ import annotations

from collections.abc import Callable

from dockerfix.facts.bake import BakeTarget, Plain
from dockerfix.facts.builds.follow import BakeCall
from dockerfix.facts.builds.services import file_path
from dockerfix.facts.builds.words import remaining
from dockerfix.facts.model import Build, BuildArgument, CallSite, Option, Tool, Value


def bake_build(call: BakeCall, target: BakeTarget, defaults: dict[str, str]) -> Build:
    """A bake target as a build; variables come from the environment, else the default."""
    folder = call.folder or ""
    unknown: list[str] = []

    def fill(text: str) -> str:
        for name in remaining(text):
            bound = call.variables.look(name)
            value = bound.text if bound is not None else defaults.get(name, "")
            if value:
                text = text.replace("${" + name + "}", value)
        return text

    def value(plain: Plain) -> Value | None:
        if not isinstance(plain, str):
            return None
        text = fill(plain)
        return Value(plain, text, remaining(text), (), target.place)

    def values(key: str) -> tuple[Value, ...]:
        plain = target.attributes.get(key)
        found = (value(item) for item in plain) if isinstance(plain, list) else ()
        return tuple(item for item in found if item is not None)

    context_text = target.attributes.get("context")
    context = value(context_text) or Value(".", ".")
    where = file_path(folder, context.text, unknown)
    file = value(target.attributes.get("dockerfile"))
    dockerfile = None
    if where is not None:
        dockerfile = file_path(where, file.text if file is not None else "Dockerfile", unknown)
    arguments = target.attributes.get("args")
    contexts = target.attributes.get("contexts")
    return Build(
        site=CallSite(
            call.site.kind, call.site.name, call.site.place,
            (*call.site.through, f"bake target {target.name}"),
        ),
        tool=Tool.BAKE,
        context=where,
        dockerfile=dockerfile,
        context_written=context,
        dockerfile_written=file,
        target=value(target.attributes.get("target")),
        arguments=_map(arguments, value),
        tags=values("tags"),
        cache_from=values("cache-from"),
        cache_to=values("cache-to"),
        platforms=values("platforms"),
        secrets=values("secret"),
        named_contexts=_map(contexts, value),
        push=call.push or any("type=registry" in v.text for v in values("output")),
        options=_options(target, value),
        definition=target.place,
        folder=folder,
        unknown=tuple(unknown),
    )  # fmt: skip


def _options(target: BakeTarget, value: Callable[[Plain], Value | None]) -> tuple[Option, ...]:
    """Attributes that `docker buildx build` takes as options and that change the image."""
    labels = target.attributes.get("labels")
    found = [
        Option("label", value(f"{name}={text}"), target.place, True)
        for name, text in (labels.items() if isinstance(labels, dict) else ())
    ]
    for attribute in ("annotations", "attest", "network", "no-cache", "shm-size", "ssh"):
        plain = target.attributes.get(attribute)
        name = attribute.removesuffix("s") if attribute == "annotations" else attribute
        found += [
            Option(name, value(text), target.place, True)
            for text in (plain if isinstance(plain, list) else [plain])
            if isinstance(text, str)
        ]
    return tuple(found)


def _map(plain: Plain, value: object) -> tuple[BuildArgument, ...]:
    if not isinstance(plain, dict) or not callable(value):
        return ()
    return tuple(BuildArgument(name, value(text)) for name, text in plain.items())
