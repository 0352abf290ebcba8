"""One image build made concrete: a call site's arguments with every variable replaced.

Knows builds as facts give them; knows no engine and no disk.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from msgspec import Struct

from dockerfix.facts.model import Build, BuildArgument, Value
from dockerfix.text import join_path
from dockerfix.verify.variables import Variables

_KEPT = {
    "add-host": "extra-hosts",
    "annotation": "annotations",
    "label": "labels",
    "network": "network",
    "shm-size": "shm-size",
    "ssh": "ssh",
    "ulimit": "ulimits",
}
"""Options of a call site that can change what is built, by their bake attributes."""
_ELSEWHERE = frozenset(
    {
        # Read into fields of the build.
        *("build-arg", "build-context", "context", "file", "platform", "secret", "tag", "target"),
        # Where the build runs, what it prints, where its result and its cache go.
        *("allow", "attest", "builder", "cache-from", "cache-to", "iidfile", "load", "no-cache"),
        *("metadata-file", "no-cache-filter", "output", "progress", "provenance", "pull", "push"),
        *("quiet", "q", "rm", "sbom", "force-rm", "set", "compress", "squash", "no-push"),
    }
)

Setting = tuple[str, str]
"""A name and its value."""


class Recipe(Struct, frozen=True):
    """Everything that decides what an image holds; two equal recipes are one build.

    `context` and `dockerfile` are relative to the root (`""` is the root itself), an empty
    `target` is the last stage. `contexts` maps names of named contexts to a folder, an address
    or the recipe of another image of the same tree. `options` are further bake attributes.
    """

    context: str
    dockerfile: str
    target: str = ""
    arguments: tuple[Setting, ...] = ()
    contexts: tuple[tuple[str, str | Recipe], ...] = ()
    platforms: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    options: tuple[Setting, ...] = ()

    @property
    def providers(self) -> Iterator[Recipe]:
        """The images of the same tree that this one is built from."""
        return (given for _, given in self.contexts if isinstance(given, Recipe))

    def __str__(self) -> str:
        """Dockerfile and target, for messages."""
        return f"{self.dockerfile}, target {self.target or '(last stage)'}"


class Order(Struct, frozen=True):
    """A build that can be made: the recipe, and what the call site does with the image.

    `tags` are filled in, `stood_in` names the variables that have a stand-in, `dropped` the
    call site's options that this tool does not pass on.
    """

    build: Build
    recipe: Recipe
    tags: tuple[str, ...]
    stood_in: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


class Unknown(Struct, frozen=True):
    """A build that cannot be made, since reading cannot know what it builds; `why` says so."""

    build: Build
    why: str


@dataclass(slots=True)
class _BuildOrder:
    """Fills in one build. Private to `order_of`."""

    build: Build
    variables: Variables
    stood_in: dict[str, None] = field(default_factory=dict)

    def text(self, value: Value) -> str:
        """A value whose content may be anything."""
        filled = self.variables.fill(value.text)
        self.stood_in.update(dict.fromkeys((*filled.stood_in, *filled.hidden)))
        return filled.text

    def settings(self, arguments: tuple[BuildArgument, ...]) -> Iterator[Setting]:
        """Names and values; one without a value comes from the given variables, or not at all."""
        for argument in arguments:
            if argument.value is not None:
                yield argument.name, self.text(argument.value)
            elif argument.name in self.variables.given:
                yield argument.name, self.variables.given[argument.name]


def order_of(
    build: Build, variables: Variables, provided: Callable[[str], Recipe | None]
) -> Order | Unknown:
    """A build with its variables filled in.

    `provided(name)` is the recipe of another build of the same tree that is tagged `name`, or
    the Compose service that a `service:` context names.
    """
    if build.context is None or build.dockerfile is None:
        return Unknown(build, "; ".join(build.unknown) or "its context is not known")
    target = variables.fill(build.target.text) if build.target is not None else None
    if target is not None and (target.stood_in or target.hidden):
        names = ", ".join((*target.stood_in, *target.hidden))
        return Unknown(build, f"its target holds {names}, which has no value here")
    reader = _BuildOrder(build, variables)
    arguments = tuple(sorted(dict(reader.settings(build.arguments)).items()))
    options, dropped = _options(build, reader)
    recipe = Recipe(
        context=build.context,
        dockerfile=build.dockerfile,
        target=target.text if target is not None else "",
        arguments=arguments,
        contexts=tuple(_contexts(build, reader, arguments, provided)),
        platforms=tuple(p for v in build.platforms for p in reader.text(v).split(",")),
        secrets=tuple(_secret(reader.text(value), build.folder) for value in build.secrets),
        options=tuple(sorted(options)),
    )
    seen = dict(reader.stood_in)
    tags = tuple(reader.text(tag) for tag in build.tags)
    return Order(build, recipe, tags, tuple(seen), tuple(dropped))


def _options(build: Build, reader: _BuildOrder) -> tuple[list[Setting], list[str]]:
    kept: list[Setting] = []
    dropped: list[str] = []
    for option in build.options:
        if option.name in _KEPT:
            value = reader.text(option.value) if option.value is not None else ""
            kept.append((_KEPT[option.name], value))
        elif option.name not in _ELSEWHERE:
            dropped.append(f"--{option.name}")
    return kept, dropped


def _secret(text: str, folder: str) -> str:
    """A secret whose file counts from the root, where bake is called."""
    parts = [part.partition("=") for part in text.split(",")]
    return ",".join(
        f"{name}={posixpath.join(folder, value)}"
        if name in ("src", "source")
        else name + sign + value
        for name, sign, value in parts
    )


def _contexts(
    build: Build,
    reader: _BuildOrder,
    arguments: tuple[Setting, ...],
    provided: Callable[[str], Recipe | None],
) -> Iterator[tuple[str, str | Recipe]]:
    """Named contexts. An argument that names an image of the same tree is one too: the image
    was never pushed, so that `FROM ${ARGUMENT}` finds it by its name."""
    for name, given in reader.settings(build.named_contexts):
        for scheme in ("docker-image://", "service:", "target:"):
            if given.startswith(scheme):
                yield name, provided(given.removeprefix(scheme)) or given
                break
        else:
            folder = given if "://" in given else join_path(build.folder, given)
            yield name, given if folder is None else folder
    for _, value in arguments:
        recipe = provided(value) if value else None
        if recipe is not None:
            yield value, recipe
