"""`dockerfix init`: a settings file to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from dockerfix.cli.installed import registry_of, transforms_of
from dockerfix.cli.output import tell


@click.command()
@click.argument(
    "folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.pass_context
def init(ctx: click.Context, folder: Path | None) -> None:
    """Write a .dockerfix.toml in which every option is a commented example.

    It goes to FOLDER, else to the top of the Git work tree, else to this folder, and declares
    that folder the root. Settings that are there already are never overwritten.
    """
    from dockerfix.repo.root import work_tree_top
    from dockerfix.repo.settings_template import settings_template, write_settings

    here = Path.cwd()
    root = folder or work_tree_top(here) or here
    registry = registry_of(ctx)
    path = write_settings(root, settings_template(transforms_of(registry, registry.names)))
    tell(f"{path}: written; `dockerfix check` says what there is to do\n")
