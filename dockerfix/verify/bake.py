"""Recipes as one bake definition: the form in which buildx is asked for images.

A definition in JSON says exactly what a call site's arguments say, whatever tool wrote them.
Knows the Bake file reference; runs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from dockerfix.text import relative_path
from dockerfix.verify.recipe import Recipe

_LISTS = ("extra-hosts", "annotations", "ssh", "ulimits")


class Wanted(Struct, frozen=True):
    """One image to build: its name among the others, its recipe, and where the result goes.

    `outputs` are values of `--output`; `tags`, `cache_from` and `cache_to` as on a call site.
    """

    name: str
    recipe: Recipe
    tags: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ("type=docker",)
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()


@dataclass(slots=True)
class _Definition:
    """Gathers targets; images that others are built from get targets of their own."""

    network: str
    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    providers: dict[Recipe, str] = field(default_factory=dict)

    def add(self, name: str, recipe: Recipe, **more: object) -> None:
        """One target. Paths count from the root, where bake is called."""
        options = dict(_options(recipe))
        asked = options.pop("network", "")
        self.targets[name] = _without_empty(
            {
                "context": recipe.context or ".",
                "dockerfile": relative_path(recipe.dockerfile, recipe.context),
                "target": _literal(recipe.target),
                "args": {key: _literal(value) for key, value in recipe.arguments},
                "contexts": self._contexts(recipe),
                "platforms": list(recipe.platforms),
                "secret": [_literal(secret) for secret in recipe.secrets],
                "network": self.network or asked,
                **options,
                **more,
            }
        )

    def _contexts(self, recipe: Recipe) -> dict[str, str]:
        found = {}
        for name, given in recipe.contexts:
            if isinstance(given, Recipe):
                found[name] = f"target:{self._provider(given)}"
            else:
                found[name] = _literal(given)
        return found

    def _provider(self, recipe: Recipe) -> str:
        if recipe not in self.providers:
            self.providers[recipe] = f"provider-{len(self.providers) + 1}"
            self.add(self.providers[recipe], recipe)
        return self.providers[recipe]


def definition(wanted: Iterable[Wanted], network: str = "") -> bytes:
    """The bake definition, to be called from the root of the tree.

    `network` replaces what the recipes say (`docker buildx build --network`).
    """
    gathered = _Definition(network)
    names = []
    for image in wanted:
        names.append(image.name)
        gathered.add(
            image.name,
            image.recipe,
            tags=list(image.tags),
            output=list(image.outputs),
            **{"cache-from": list(image.cache_from), "cache-to": list(image.cache_to)},
        )
    data = {"group": {"default": {"targets": names}}, "target": gathered.targets}
    return json.dumps(data, indent=1).encode()


def _options(recipe: Recipe) -> Iterable[tuple[str, object]]:
    labels: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    for name, value in recipe.options:
        if name == "labels":
            key, _, text = value.partition("=")
            labels[key] = _literal(text)
        elif name in _LISTS:
            lists.setdefault(name, []).append(_literal(value))
        else:
            yield name, _literal(value)
    if labels:
        yield "labels", labels
    yield from lists.items()


def _without_empty(attributes: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in attributes.items() if value}


def _literal(text: str) -> str:
    """Bake reads JSON strings as HCL templates."""
    return text.replace("${", "$${").replace("%{", "%%{")
