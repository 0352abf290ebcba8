"""`dockerfix explain NAME`: a transform's own documentation, from its docstring."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from dockerfix.cli.common import COLOUR, shared
from dockerfix.cli.output import emit, style_for
from dockerfix.engine.documentation import SECTIONS, documentation
from dockerfix.engine.proposal import Transform
from dockerfix.engine.registry import Registry, UnknownTransformError
from dockerfix.report.style import PLAIN, Style

if TYPE_CHECKING:
    from dockerfix.cli.application import Application


@shared(COLOUR)
@click.command()
@click.argument("name")
@click.pass_context
def explain(ctx: click.Context, name: str, colour: str) -> None:
    """Say what a transform does, why, with an example, and what is safe about it."""
    try:
        transform = _registry(ctx).load(name)
    except UnknownTransformError as error:
        raise click.UsageError(str(error), ctx) from None
    text = explained(transform, style_for(sys.stdout, colour))
    emit(text.encode("utf-8", "surrogateescape"), None)


def explained(transform: Transform, style: Style = PLAIN) -> str:
    """The documentation for reading: name, sections, options."""
    found = documentation(transform)
    lines = [style.heading(f"dockerfix {transform.name}"), "", found.summary]
    for title in SECTIONS:
        if found.sections.get(title):
            lines += ["", style.heading(title), *_indented(found.sections[title])]
    if transform.options:
        lines += ["", style.heading("Options")]
    for spec in transform.options:
        default = f" Default: {spec.default}." if spec.default not in (None, False, (), "") else ""
        lines += _indented(f"--{spec.name.replace('_', '-')}: {spec.help}{default}")
    return "\n".join(lines) + "\n"


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.splitlines()]


def _registry(ctx: click.Context) -> Registry:
    """The application's registry, so that the entry points are read once."""
    application: Application = ctx.find_root().command  # type: ignore[assignment]  # always ours
    return application.registry
