"""`--interactive`: a person looks at each Dockerfile of a patch with its call sites, and decides.

What is left is left by the transform itself, asked again without the file, so that the rest is as
proved as ever. Knows questions and answers; what is asked goes to standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import click

from dockerfix.cli.output import tell
from dockerfix.engine.patch import make_patch
from dockerfix.engine.plan import NothingToDo, Outcome, Planned
from dockerfix.facts.repository import Facts
from dockerfix.report.coloured_patch import coloured_patch
from dockerfix.report.style import Style

REWRITE, LEAVE, QUIT = "r", "l", "q"
Ask = Callable[[str], str]
"""Puts a question; gives one of the three answers."""
Again = Callable[[Collection[str]], Outcome]
"""The outcome in which some files stay as they are."""


def ask(question: str) -> str:
    """Ask the person at the terminal."""
    kinds = click.Choice([REWRITE, LEAVE, QUIT])
    prompt = f"{question} [r]ewrite, [l]eave as it is, [q]uit"
    return str(click.prompt(prompt, type=kinds, show_choices=False, err=True))


def reviewed(
    facts: Facts, outcome: Outcome, again: Again, style: Style, ask: Ask = ask
) -> Outcome | None:
    """The outcome that the person wants; None when they quit."""
    seen: set[str] = set()
    left: list[str] = []
    while isinstance(outcome, Planned):
        subjects = _subjects(facts, outcome)
        path = next((path for path in subjects if path not in seen), None)
        if path is None:
            break
        seen.add(path)
        tell(_shown(facts, outcome, path, style))
        answer = ask(f"{path} ({len(seen & {*subjects})} of {len(subjects)}):")
        if answer == QUIT:
            return None
        if answer == LEAVE:
            other = again((*left, path))
            if not _leaves(other, path):
                tell(f"{path} cannot be left alone: the rest of the patch needs the change\n")
                continue
            left.append(path)
            outcome = other
    return outcome


def _leaves(outcome: Outcome, path: str) -> bool:
    """Whether a file stays as it is."""
    if isinstance(outcome, Planned):
        return path not in outcome.changes
    return isinstance(outcome, NothingToDo) or outcome.proposal.refused


def _subjects(facts: Facts, outcome: Planned) -> list[str]:
    """What is asked about: the old Dockerfiles, else each file that was there."""
    there = [path for path in outcome.changes if path in facts.snapshot]
    return [path for path in there if path in facts.dockerfiles] or there


def _shown(facts: Facts, outcome: Planned, path: str, style: Style) -> str:
    """The change of a file and of the files that build it."""
    sites = [build.site for build in facts.builds.builds if build.dockerfile == path]
    paths = dict.fromkeys([path, *_changed(outcome, (site.place.path for site in sites))])
    patch = make_patch(facts.snapshot, {name: outcome.changes[name] for name in paths})
    lines = [f"  built by {site}" for site in sites] or ["  nothing that was read builds it"]
    told = "\n".join(lines) if path in facts.dockerfiles else ""
    shown = coloured_patch(patch, style).decode("utf-8", "replace")
    return f"\n{shown}{style.heading(path)}\n{told}\n" if told else f"\n{shown}"


def _changed(outcome: Planned, paths: Iterator[str]) -> Iterator[str]:
    return (path for path in paths if path in outcome.changes)
