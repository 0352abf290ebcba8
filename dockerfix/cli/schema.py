"""`dockerfix schema NAME`: the JSON Schemas of what dockerfix reads and prints."""

from __future__ import annotations

from pathlib import Path

import click

from dockerfix.cli.common import OUTPUT, shared
from dockerfix.cli.installed import registry_of, transforms_of
from dockerfix.cli.output import emit


@shared(OUTPUT)
@click.command()
@click.argument("name", type=click.Choice(("settings", "report")))
@click.pass_context
def schema(ctx: click.Context, name: str, output: Path | None) -> None:
    """Print a JSON Schema.

    `settings` is for .dockerfix.toml, with the options of every installed transform: an editor
    completes and checks the file with it. `report` is for what --format json prints.
    """
    from dockerfix.report.json_ import dumped

    emit(dumped(_settings(ctx) if name == "settings" else _report()).encode(), output)


def _report() -> dict[str, object]:
    from dockerfix.report.json_model import report_schema

    return report_schema()


def _settings(ctx: click.Context) -> dict[str, object]:
    from dockerfix.repo.settings_schema import settings_schema

    registry = registry_of(ctx)
    return settings_schema(transforms_of(registry, registry.names))
