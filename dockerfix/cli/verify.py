"""`dockerfix verify`: a patch proved by building before and after on a real engine.

Also what `--verify` of the transforms runs. Decides what is printed and the exit code; how it
is proved stands in the verify layer.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from msgspec import Struct, field

from dockerfix.cli import exit_code
from dockerfix.cli.common import COLOUR, EXCLUDE, OUTPUT, ROOT, shared
from dockerfix.cli.output import emit, style_for, tell
from dockerfix.cli.progress import watching
from dockerfix.cli.repository import Repository, open_repository
from dockerfix.verify.errors import ReadingError, VerifyError
from dockerfix.verify.variables import Variables

if TYPE_CHECKING:
    from dockerfix.verify.outcome import Outcome
    from dockerfix.verify.prove import Request

_EPILOG = """\
\b
Examples:
  dockerfix merge-rust controlplane/ > merge.patch
  dockerfix verify merge.patch
  dockerfix merge-rust controlplane/ | dockerfix verify -
  dockerfix merge-rust controlplane/ --verify
  dockerfix verify merge.patch --cold --registry localhost:5000 \\
      --cold-option=--driver-opt=network=host

\b
Exit codes: 0 the images are equal; 1 they are different; 2 a side could not be
built, or some build cannot be read; 64 wrong command line.
"""

_EMPTY = """\
dockerfix: the patch from the pipe is empty, so there is nothing to verify
  -> see what the command before the pipe said; with `set -o pipefail`, or --verify of the
     transform instead of a pipe, its failure is not lost
"""

DIFFERENT = 1
NOT_BUILT = 2


_BUILDING = (
    click.Option(
        ["--builder", "builders"],
        metavar="NAME",
        multiple=True,
        help="The buildx builder. Default: current. Repeatable: several share the builds.",
    ),
    click.Option(
        ["--engine"],
        metavar="ADDRESS",
        default="",
        help="The Docker Engine. Default: as for docker.",
    ),
    click.Option(
        ["--network"], metavar="MODE", default="", help="Network of RUN instructions, such as host."
    ),
    click.Option(
        ["--variable", "variables"],
        metavar="NAME=VALUE",
        multiple=True,
        help="A value for a variable that only the pipeline knows. Repeatable.",
    ),
)
"""With what both sides are built."""
_COMPARING = (
    click.Option(
        ["--baseline"],
        is_flag=True,
        help="Build the old state twice, to find what differs from build to build.",
    ),
    click.Option(
        ["--seconds"],
        type=click.FloatRange(0),
        metavar="NUMBER",
        default=3,
        show_default=True,
        help="How long each image's command is watched; 0 starts nothing.",
    ),
)
"""How the two sides are compared."""
_MEASURING = (
    click.Option(
        ["--cold"], is_flag=True, help="Measure: run each job that builds once on a fresh builder."
    ),
    click.Option(
        ["--cold-option", "cold_options"],
        metavar="WORD",
        multiple=True,
        help="With --cold: a further word for `docker buildx create`. Repeatable.",
    ),
    click.Option(
        ["--registry"],
        metavar="ADDRESS",
        default="",
        help="With --cold: a registry to push to and to keep caches in, under a name of its own.",
    ),
)
"""How long the builds take on a fresh builder."""
_SAYING = (
    click.Option(
        ["--format", "form"], type=click.Choice(["text", "json"]), default="text", show_default=True
    ),
    click.Option(["-q", "--quiet"], is_flag=True, help="Show no progress."),
)
"""What is printed."""


@shared(*_BUILDING, *_COMPARING, *_MEASURING, *_SAYING, ROOT, EXCLUDE, OUTPUT, COLOUR)
@click.command(epilog=_EPILOG)
@click.argument("patch", type=click.File("rb"))
def verify(
    patch: IO[bytes],
    builders: tuple[str, ...],
    engine: str,
    network: str,
    variables: tuple[str, ...],
    baseline: bool,
    seconds: float,
    cold: bool,
    cold_options: tuple[str, ...],
    registry: str,
    form: str,
    quiet: bool,
    root: str | None,
    exclude: tuple[str, ...],
    output: Path | None,
    colour: str,
) -> int:
    """Prove PATCH by building before and after, and compare the images.

    PATCH is a git diff as dockerfix prints it, relative to the root; `-` reads it from standard
    input. Every image that the patch concerns is built twice, from a copy of the repository as
    it is and from one with the patch, with the call sites' own arguments. Configuration and
    files are compared, and what the image runs is started for a moment.

    Nothing is pushed unless --registry says where, and nothing stays on the engine but the
    builder's cache.
    """
    from dockerfix.verify.prove import Cold, Request

    if (registry or cold_options) and not cold:
        raise click.UsageError("--registry and --cold-option are for --cold")
    text = patch.read()
    if not text.strip() and patch is sys.stdin.buffer:
        tell(_EMPTY)
        return NOT_BUILT
    repository = open_repository(["."], root, exclude)
    request = Request(
        root=repository.root,
        facts=repository.facts,
        patch=text,
        exclude=(*repository.settings.exclude, *exclude),
        variables=Variables(dict(_pairs(variables))),
        engine=engine,
        builders=tuple(dict.fromkeys(builders)),
        network=network,
        baseline=baseline,
        seconds=seconds,
        cold=Cold(registry, 2 if registry else 1, cold_options) if cold else None,
    )
    if repository.recovered:
        tell(f"note: {repository.recovered}\n")
    outcome = _proved(request, quiet=quiet)
    if isinstance(outcome, int):
        return outcome
    emit(_rendered(outcome, form, output, colour).encode("utf-8", "surrogateescape"), output)
    return code_of(outcome)


class Proof(Struct, frozen=True):
    """What `--verify` of a transform came to: an exit code, lines and data for its report."""

    code: int
    lines: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


def verify_patch(
    repository: Repository, patch: bytes, exclude: Sequence[str], *, quiet: bool
) -> Proof:
    """Prove the patch of a transform: with the current builder, without measuring."""
    from dockerfix.report.measured import measured_data, measured_lines
    from dockerfix.verify.prove import Request

    excluded = (*repository.settings.exclude, *exclude)
    request = Request(repository.root, repository.facts, patch, excluded)
    outcome = _proved(request, quiet=quiet)
    if isinstance(outcome, int):
        return Proof(outcome, ("not verified: see above",))
    return Proof(code_of(outcome), measured_lines(outcome), measured_data(outcome))


def code_of(outcome: Outcome) -> int:
    """The exit code of an outcome."""
    from dockerfix.verify.outcome import NotBuilt

    if isinstance(outcome, NotBuilt):
        return NOT_BUILT
    if not outcome.equal:
        return DIFFERENT
    return exit_code.DONE if outcome.complete else NOT_BUILT


def _proved(request: Request, *, quiet: bool) -> Outcome | int:
    """The outcome; an exit code when it could not be tried, and the reason is told."""
    from dockerfix.verify.prove import verify as prove

    try:
        with watching(quiet=quiet) as watch:
            return prove(request, watch)
    except VerifyError as error:
        tell(f"dockerfix: {error.what}\n" + (f"  -> {error.action}\n" if error.action else ""))
        return exit_code.BUG if isinstance(error, ReadingError) else NOT_BUILT
    except KeyboardInterrupt:
        raise KeyboardInterrupt("all that was made for the verification is removed") from None


def _rendered(outcome: Outcome, form: str, output: Path | None, colour: str) -> str:
    from dockerfix.report.measured import measured_data, render_measured

    if form == "json":
        from dockerfix.report.json_ import dumped, header

        return dumped({**header(), **measured_data(outcome)})
    return render_measured(outcome, style_for(sys.stdout, colour if output is None else "never"))


def _pairs(variables: Sequence[str]) -> list[tuple[str, str]]:
    found = []
    for text in variables:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.UsageError(f"--variable takes NAME=VALUE, not {text}")
        found.append((name, value))
    return found
