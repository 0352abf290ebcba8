"""What `plan` and `check` share: the installed transforms in their order, as one series."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from pathlib import Path

import click

from dockerfix.cli.complete import series_names
from dockerfix.cli.installed import installed, transforms_of
from dockerfix.cli.output import OutputError
from dockerfix.cli.repository import Repository, open_repository
from dockerfix.engine.registry import Registry
from dockerfix.engine.series import Link, Run, in_order, run_series
from dockerfix.report.report import Report

ONLY = click.Option(
    ["--only"],
    metavar="NAME",
    multiple=True,
    shell_complete=series_names,
    help="Run this transform only. Repeatable.",
)
SKIP = click.Option(
    ["--skip"],
    metavar="NAME",
    multiple=True,
    shell_complete=series_names,
    help="Leave this transform out. Repeatable.",
)


class Series:
    """The runs of a command line over a repository that has been read."""

    def __init__(
        self,
        paths: Sequence[str],
        root: str | None,
        exclude: tuple[str, ...],
        only: Collection[str],
        skip: Collection[str],
        inline: bool = True,
    ) -> None:
        self.registry = installed()
        self.last: str | None = None
        self.names = _chosen(self.registry, only, skip)
        self.repository: Repository = open_repository(
            paths or (".",), root, exclude, self.registry.names, inline
        )

    def end_with(self, name: str | None) -> None:
        """Leave out every transform behind that one; raises `click.UsageError`."""
        if name is not None and name not in self.names:
            raise click.UsageError(f"--stop-at {name}: the series has {', '.join(self.names)}")
        self.last = name

    def reports(self, pictures: bool = False) -> list[Report]:
        """One report a run, in order; a transform that cannot be loaded is a line on stderr."""
        return [report for _, report in self.linked(pictures)]

    def linked(self, pictures: bool = False) -> list[tuple[Link, Report]]:
        """Each run with the facts before and after it, and its report."""
        links = run_series(self.repository.facts, self._runs())
        return [(link, self.report_of(link, pictures)) for link in links]

    def _runs(self) -> list[Run]:
        order = in_order(transforms_of(self.registry, self.names))
        if self.last is not None:
            order = order[: [transform.name for transform in order].index(self.last) + 1]
        settings = self.repository.settings
        return [
            Run(
                transform,
                self.repository.paths,
                {
                    **settings.options(transform.name, transform.options),
                    "accept": settings.accepted(transform.name).keys(),
                },
            )
            for transform in order
        ]

    def report_of(self, link: Link, pictures: bool = False) -> Report:
        """The report of a run, with pictures of what it changes if they are wanted."""
        from dockerfix.report.pictures import pictures_of

        name = link.run.transform.name
        paths = [path or "." for path in link.run.paths]
        return Report(
            command=shlex.join(["dockerfix", name, *paths]),
            transform=name,
            outcome=link.outcome,
            accepted=self.repository.accepted(name, link.before),
            pictures=pictures_of(link.before, link.outcome) if pictures else (),
        )


def _chosen(registry: Registry, only: Collection[str], skip: Collection[str]) -> list[str]:
    for name in (*only, *skip):
        if name not in registry.names:
            known = ", ".join(registry.names)
            raise click.UsageError(f"no transform is called {name}; there are: {known}")
    return [name for name in registry.names if (not only or name in only) and name not in skip]


def output_folder(value: Path) -> Path:
    """The folder for a series' files, made where there is none; raises `OutputError`."""
    try:
        value.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(str(value), error) from None
    return value
