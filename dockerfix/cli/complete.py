"""What a shell may complete: paths, and the names of transforms, checks and findings.

Asked only while somebody presses the tab key, so that everything is imported late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class PathText(click.types.StringParamType):
    """A path as the person wrote it, which the shell completes."""

    name = "path"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Files and folders, found by the shell itself."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="file")]


PATH = PathText()


def series_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Transforms, and for `check` what it looks for by itself."""
    from dockerfix.cli.installed import registry_of

    names = [*registry_of(ctx).names]
    if ctx.command.name == "check":
        from dockerfix.checks.all import CHECKS

        names += [check.name for check in CHECKS]
    return _matching(names, incomplete)


def explained_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Transforms and findings."""
    from dockerfix.cli.installed import registry_of
    from dockerfix.engine.findings import pages

    names = [*registry_of(ctx).names, *sorted({page.name for page in pages()})]
    return _matching(names, incomplete)


def accepted_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The findings of the command's transform that can be accepted."""
    from dockerfix.engine.findings import acceptable

    return _matching([page.name for page in acceptable(ctx.command.name or "")], incomplete)


def _matching(names: list[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
