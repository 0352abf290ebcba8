"""`dockerfix builds`: what dockerfix understands of a repository, to be checked by a person."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dockerfix.cli.budget import TIMEOUT
from dockerfix.cli.common import COLOUR, EXCLUDE, OUTPUT, ROOT, shared
from dockerfix.cli.output import emit, style_for, tell
from dockerfix.cli.repository import open_repository

if TYPE_CHECKING:
    from dockerfix.facts.model import Blind, Build


@shared(ROOT, EXCLUDE, TIMEOUT, OUTPUT, COLOUR)
@click.command()
@click.argument("path", default=".")
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
def builds(
    path: str,
    form: str,
    root: str | None,
    exclude: tuple[str, ...],
    output: Path | None,
    colour: str,
) -> None:
    """List every image build that some file asks for.

    For each: where it is asked for, the Dockerfile, the context, the target, the arguments, the
    tags, the cache references. What cannot be known is printed as `unknown`, with the reason;
    what looks like a build and cannot be followed is listed below.

    With PATH, only builds that are written there, or that use a Dockerfile or a context there,
    or that may: what is unknown is never left out.
    """
    from dockerfix.report.builds_table import render_builds, render_builds_json

    repository = open_repository([path], root, exclude)
    if repository.recovered:
        tell(f"note: {repository.recovered}\n")
    found = repository.facts.builds
    folder = repository.paths[0]
    chosen = [build for build in found.builds if _concerns(build, folder)]
    # What cannot be followed may build anything, so that no folder hides it.
    blind = list(found.blind)
    if form == "json":
        emit(render_builds_json(chosen, blind).encode(), output)
    elif output is None and sys.stdout.isatty():
        _on_terminal(chosen, blind, colour)
    else:
        style = style_for(sys.stdout, colour if output is None else "never")
        text = render_builds(chosen, blind, style)
        emit(text.encode("utf-8", "surrogateescape"), output)


def _concerns(build: Build, folder: str) -> bool:
    """Whether a build is written below a folder, or uses something there, or may do so."""
    if build.unknown:
        return True
    paths: Iterable[str | None] = (build.site.place.path, build.dockerfile, build.context)
    return any(path is not None and _below(path, folder) for path in paths)


def _below(path: str, folder: str) -> bool:
    return folder == "" or path == folder or path.startswith(f"{folder}/")


def _on_terminal(builds: list[Build], blind: list[Blind], colour: str) -> None:
    from rich.console import Console

    from dockerfix.report.builds_table import render_builds, rich_table

    console = Console(no_color=not style_for(sys.stdout, colour).colour)
    if builds:
        console.print(rich_table(builds))
    if blind or not builds:
        emit(render_builds([], blind, style_for(sys.stdout, colour)).encode(), None)
