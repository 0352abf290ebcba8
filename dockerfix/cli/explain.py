"""`dockerfix explain NAME`: a transform's own documentation, from its docstring, or what a
finding means, from `findings.md`."""

from __future__ import annotations

import re
import sys

import click

from dockerfix.cli.common import COLOUR, shared
from dockerfix.cli.complete import explained_names
from dockerfix.cli.installed import registry_of
from dockerfix.cli.output import emit, style_for
from dockerfix.engine.documentation import SECTIONS, documentation
from dockerfix.engine.findings import FindingPage, examples, pages
from dockerfix.engine.proposal import Transform
from dockerfix.engine.registry import UnknownTransformError
from dockerfix.repo.settings import CHECKS
from dockerfix.report.style import PLAIN, Style


@shared(COLOUR)
@click.command()
@click.argument("name", shell_complete=explained_names)
@click.pass_context
def explain(ctx: click.Context, name: str, colour: str) -> None:
    """Explain a transform, or a finding of a report.

    For a transform (`merge-rust`): what it does, why, an example, and what is safe about it. For
    a finding (`left-behind`): what it means, an example, what to do, and how to accept it.
    """
    style = style_for(sys.stdout, colour)
    found = [page for page in pages() if page.name == name.strip("[]")]
    if found:
        text = "\n".join(_finding(page, style) for page in found)
    else:
        text = explained(_transform(ctx, name), style)
    emit(text.encode("utf-8", "surrogateescape"), None)


def _transform(ctx: click.Context, name: str) -> Transform:
    """The transform of that name; raises `click.UsageError` with the nearest name."""
    registry = registry_of(ctx)
    try:
        return registry.load(name)
    except UnknownTransformError as error:
        from difflib import get_close_matches

        known = [*registry.names, *(page.name for page in pages())]
        near = get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise click.UsageError(f"{error}; no finding has that name either{hint}", ctx) from None


_SEVERITIES = {
    "note": "A note: worth knowing; the patch does not depend on it.",
    "assume": "An assumption: reading cannot prove it harmless; shown until you accept it.",
    "refuse": "A refusal: this file, call site or command is left as it is.",
    "left": "Left as it was: the rest of the patch is valid without it, and nothing breaks.",
}


def _finding(page: FindingPage, style: Style) -> str:
    """One page: what it means, an example, what to do, how to accept."""
    title = f"{page.name} ({', '.join(page.transforms)})"
    lines = [style.heading(title), "", page.what]
    severities = [word for word in re.split(r", | or ", page.severity) if word in _SEVERITIES]
    lines += ["", style.heading("Severity"), *(f"  {_SEVERITIES[word]}" for word in severities)]
    shown = (examples().get(f"{name}/{page.name}", "") for name in page.transforms)
    if example := next(filter(None, shown), ""):
        lines += ["", style.heading("Example"), *_indented(example)]
    if page.action:
        lines += ["", style.heading("What to do"), *_indented(page.action)]
    lines += ["", style.heading("How to accept it"), *_accepting(page)]
    return "\n".join(lines) + "\n"


def _accepting(page: FindingPage) -> list[str]:
    if page.severity == "note":
        return ["  A note needs none: it asks nothing of the patch."]
    if not page.acceptable:
        return ["  It cannot be accepted: change what it names, or leave the file out."]
    once = f"--accept {page.name}, or --accept {page.name}@PATH for a file or folder"
    if page.transforms == (CHECKS,):
        once = f"leave the check out: dockerfix check --skip {page.name}"
    lines = [
        f"  Once:      {once}",
        "  For good:  in .dockerfix.toml, with the reason",
        f"               [{page.transforms[0]}.accept]",
        f'               {page.name} = "why it is fine"',
    ]
    if "assume" in page.severity:
        lines.append(f"  In place:  # dockerfix: accept {page.name} why it is fine")
    return lines


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
