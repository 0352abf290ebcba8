"""Options that several commands share, with one wording each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

ROOT = click.Option(
    ["--root"],
    metavar="FOLDER",
    help="The repository's top folder. Default: the nearest folder above with "
    "`root = true` in its .dockerfix.toml, else the top of the Git work tree.",
)
EXCLUDE = click.Option(
    ["--exclude"],
    metavar="PATTERN",
    multiple=True,
    help="Do not read or rewrite files that match, relative to the root. Repeatable.",
)
OUTPUT = click.Option(
    ["-o", "--output"],
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the output to FILE instead of standard output.",
)
COLOUR = click.Option(
    ["--color", "colour"],
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Default: on a terminal only; NO_COLOR is respected.",
)


INLINE = click.Option(
    ["--no-inline-accept", "inline"],
    is_flag=True,
    flag_value=False,
    default=True,
    help="Ignore comments `# dockerfix: accept NAME reason` in files.",
)


def shared(*options: click.Option) -> Callable[[Any], Any]:
    """A decorator that gives a command these options, after its own."""

    def add(command: click.Command) -> click.Command:
        command.params.extend(options)
        return command

    return add
