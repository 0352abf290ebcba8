"""The transforms that are installed, as commands ask for them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

import click

from dockerfix.cli.commands import COMMANDS
from dockerfix.cli.output import tell

if TYPE_CHECKING:
    from dockerfix.engine.proposal import Transform
    from dockerfix.engine.registry import Registry


class TransformGroup(click.Group):
    """A group of commands that knows the installed transforms."""

    @cached_property
    def registry(self) -> Registry:
        """The installed transforms; the entry points are read once."""
        return installed()


def installed() -> Registry:
    """The installed transforms, read now. None has the name of a built-in command."""
    from dockerfix.engine.registry import Registry

    return Registry.installed(frozenset(COMMANDS))


def registry_of(ctx: click.Context) -> Registry:
    """The application's registry."""
    group: TransformGroup = ctx.find_root().command  # type: ignore[assignment]  # always ours
    return group.registry


def transforms_of(registry: Registry, names: Iterable[str]) -> list[Transform]:
    """The transforms of those names; one that cannot be loaded is a line on stderr."""
    from dockerfix.engine.registry import TransformError

    loaded = []
    for name in names:
        try:
            loaded.append(registry.load(name))
        except TransformError as error:
            tell(f"dockerfix: {error.what}\n  -> {error.action}\n")
    return loaded
