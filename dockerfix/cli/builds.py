"""`dockerfix builds`: what dockerfix understands of a repository, to be checked by a person."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dockerfix.cli.budget import TIMEOUT
from dockerfix.cli.common import COLOUR, EXCLUDE, OUTPUT, ROOT, shared
from dockerfix.cli.complete import PATH
from dockerfix.cli.output import emit, style_for, tell
from dockerfix.cli.repository import open_repository

if TYPE_CHECKING:
    from dockerfix.facts.model import Build
    from dockerfix.text import Snapshot


@shared(ROOT, EXCLUDE, TIMEOUT, OUTPUT, COLOUR)
@click.command()
@click.argument("path", default=".", type=PATH)
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@click.option(
    "-v", "--verbose", is_flag=True, help="Also list tags, cache references and arguments."
)
def builds(
    path: str,
    form: str,
    verbose: bool,
    root: str | None,
    exclude: tuple[str, ...],
    output: Path | None,
    colour: str,
) -> None:
    """List every image build that some file asks for.

    For each: where it is asked for, the Dockerfile, the context and the target. What cannot be
    known is printed as `unknown`, with the reason; what looks like a build and cannot be followed
    is listed below, as are images that are made without a Dockerfile.

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
        emit(render_builds_json(chosen, blind, found.bare).encode(), output)
        return
    style = style_for(sys.stdout, colour if output is None else "never")
    missing = _missing(repository.facts.snapshot, chosen)
    text = render_builds(chosen, blind, style, verbose, missing, found.bare)
    emit(text.encode("utf-8", "surrogateescape"), output)


def _missing(snapshot: Snapshot, builds: Iterable[Build]) -> frozenset[str]:
    """Dockerfiles of builds that are not in the repository, nor anything unread there."""
    named = {build.dockerfile for build in builds if build.dockerfile is not None}
    return frozenset(
        path for path in named if path not in snapshot and snapshot.why_unknown(path) is None
    )


def _concerns(build: Build, folder: str) -> bool:
    """Whether a build is written below a folder, or uses something there, or may do so."""
    if build.unknown:
        return True
    paths: Iterable[str | None] = (build.site.place.path, build.dockerfile, build.context)
    return any(path is not None and _below(path, folder) for path in paths)


def _below(path: str, folder: str) -> bool:
    return folder == "" or path == folder or path.startswith(f"{folder}/")
