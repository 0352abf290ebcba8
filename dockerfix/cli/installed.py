"""The transforms that are installed, as commands ask for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from dockerfix.cli.output import tell
from dockerfix.engine.registry import Registry, TransformError

if TYPE_CHECKING:
    from dockerfix.cli.application import Application
    from dockerfix.engine.proposal import Transform


def registry_of(ctx: click.Context) -> Registry:
    """The application's registry, so that the entry points are read once."""
    application: Application = ctx.find_root().command  # type: ignore[assignment]  # always ours
    return application.registry


def transforms_of(registry: Registry, names: Iterable[str]) -> list[Transform]:
    """The transforms of those names; one that cannot be loaded is a line on stderr."""
    loaded = []
    for name in names:
        try:
            loaded.append(registry.load(name))
        except TransformError as error:
            tell(f"dockerfix: {error.what}\n  -> {error.action}\n")
    return loaded
