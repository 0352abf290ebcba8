"""`dockerfix context`: what a build context really costs, without building."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dockerfix.cli import exit_code
from dockerfix.cli.budget import TIMEOUT
from dockerfix.cli.common import COLOUR, EXCLUDE, OUTPUT, ROOT, shared
from dockerfix.cli.complete import PATH
from dockerfix.cli.output import emit, style_for, tell
from dockerfix.cli.repository import Repository, open_repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfix.facts.context.explored import Question
    from dockerfix.report.context_table import ContextAnswer


@shared(ROOT, EXCLUDE, TIMEOUT, OUTPUT, COLOUR)
@click.command()
@click.argument("path", default=".", type=PATH)
@click.option("--target", default="", metavar="STAGE", help="Look at this stage only.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
def context(
    path: str,
    target: str,
    form: str,
    root: str | None,
    exclude: tuple[str, ...],
    output: Path | None,
    colour: str,
) -> int:
    """Say what a build context costs, without building.

    PATH is a Dockerfile, or a folder: then the Dockerfiles in it and the builds whose context
    it is. For each build: what BuildKit is sent (only what COPY, ADD and bind mounts of the
    needed stages name), what the classic builder, kaniko or a remote API is sent (everything
    that the ignore file leaves), the largest entries, what is sent and never used, lines of
    the ignore file that do nothing, and ignore files that no build reads.

    Sizes are those of the working tree.
    """
    from dockerfix.facts.context.explored import questions
    from dockerfix.report.context_table import render_context, render_context_json

    repository = open_repository([path], root, exclude)
    if repository.recovered:
        tell(f"note: {repository.recovered}\n")
    found = questions(repository.facts, repository.paths[0], target)
    if not found:
        raise click.UsageError(_nothing(repository, target))
    answers = _answers(repository, found)
    if not answers:
        return exit_code.REFUSED
    if form == "json":
        emit(render_context_json(answers).encode(), output)
    else:
        style = style_for(sys.stdout, colour if output is None else "never")
        emit(render_context(answers, style).encode("utf-8", "surrogateescape"), output)
    return exit_code.DONE


def _nothing(repository: Repository, target: str) -> str:
    where = repository.paths[0] or "."
    if target:
        return f"no Dockerfile of {where} has a stage {target}; `dockerfix builds` lists targets"
    return (
        f"there is no Dockerfile in {where}, and no build has it as its context; "
        "`dockerfix builds` lists the builds"
    )


def _answers(repository: Repository, found: Sequence[Question]) -> list[ContextAnswer]:
    """One answer for each build; each context's folder is measured once. A build whose files
    cannot be read is told, and left out."""
    from dockerfix.facts.context.dormant import read_by_builds
    from dockerfix.facts.context.transfer import Measured, context_cost
    from dockerfix.facts.unreadable import unreadable
    from dockerfix.repo.measure import measure
    from dockerfix.report.context_table import ContextAnswer
    from dockerfix.text import UnreadableError

    facts = repository.facts
    read = read_by_builds(facts, facts.builds.builds)
    disk: dict[str, Measured] = {}
    answers = []
    for question in found:
        folder = question.given.context
        if folder not in disk:
            disk[folder] = Measured.of(measure(repository.root, folder), folder)
        try:
            cost = context_cost(facts, question.given, disk[folder], read)
        except UnreadableError as error:
            fault = unreadable(error)
            tell(f"dockerfix: {fault}\n" + (f"  -> {fault.action}\n" if fault.action else ""))
            continue
        answers.append(ContextAnswer(question, cost))
    return answers
