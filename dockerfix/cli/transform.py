"""One command for each transform, made from the transform's own options.

Plan, report, then print, check or write: everything a command decides stands here; what a
transform does stands in the transform.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from dockerfix.cli import exit_code
from dockerfix.cli.budget import TIMEOUT, current
from dockerfix.cli.common import COLOUR, EXCLUDE, INLINE, OUTPUT, ROOT
from dockerfix.cli.complete import PATH, accepted_names
from dockerfix.cli.output import emit, style_for, tell
from dockerfix.cli.repository import Repository, open_repository
from dockerfix.engine.plan import CheckFailed, Outcome, Planned, Refused, plan
from dockerfix.engine.proposal import OptionSpec, Transform
from dockerfix.facts.finding import Severity
from dockerfix.repo.root import folder_in_work_tree
from dockerfix.report.report import Report
from dockerfix.report.text import Verbosity, render_text

if TYPE_CHECKING:
    from dockerfix.cli.verify import Proof

FORMATS = ("diff", "json", "sarif", "gitlab-codequality", "markdown")


def transform_command(transform: Transform, transforms: Collection[str]) -> click.Command:
    """The command of a transform; `transforms` are the names that settings may speak of."""

    def run(**given: Any) -> int:
        return _run(transform, transforms, given)

    own = [_option(spec) for spec in transform.options]
    return TransformCommand(
        transform.name,
        own_options=frozenset(option.name or "" for option in own),
        callback=run,
        help=transform.summary,
        params=[
            click.Argument(["paths"], nargs=-1, metavar="[PATH]...", type=PATH),
            *own,
            *_common(),
        ],
    )


def read_arguments(
    transform: Transform, arguments: Sequence[str]
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Paths and options of a command line, `accept` among them, as the command reads them.

    For tests of transforms: nothing is run. Raises `click.UsageError`.
    """
    command = transform_command(transform, ())
    with command.make_context(transform.name, list(arguments)) as context:
        explicit = dict(_explicit(transform))
    accept = frozenset(context.params["accept"])
    return context.params["paths"] or (".",), {**explicit, "accept": accept}


class TransformCommand(click.Command):
    """A command whose help keeps the transform's own options apart from the common ones."""

    def __init__(self, name: str, *, own_options: frozenset[str], **more: Any) -> None:
        super().__init__(name, **more)
        self.own_options = own_options

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Two sections instead of one."""
        own: list[tuple[str, str]] = []
        common: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                (own if parameter.name in self.own_options else common).append(record)
        if own:
            with formatter.section(f"Options of {self.name}"):
                formatter.write_dl(own)
        with formatter.section("Common options"):
            formatter.write_dl(common)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Where the rest is explained."""
        formatter.write(
            f"\n`dockerfix explain {self.name}` says what it does, with an example, and what is "
            "safe.\n`dockerfix --help` lists the exit codes.\n"
        )


def _paths() -> click.Argument:
    return click.Argument(["paths"], nargs=-1, metavar="[PATH]...", type=PATH)


def _doing() -> list[click.Parameter]:
    """What is done with the patch."""
    return [
        click.Option(["--diff"], is_flag=True, help="Print the patch (the default)."),
        click.Option(["--write"], is_flag=True, help="Change the files: all of them or none."),
        click.Option(
            ["--check"], is_flag=True, help="Print no patch; exit 1 when something would change."
        ),
        click.Option(
            ["--interactive"],
            is_flag=True,
            help="Show each Dockerfile of the patch with what builds it, and ask: rewrite it, "
            "leave it as it is, or quit.",
        ),
        click.Option(
            ["--force"],
            is_flag=True,
            help="Let --write change what Git could not bring back: files with uncommitted "
            "changes, or outside of a work tree.",
        ),
        click.Option(
            ["--verify"],
            is_flag=True,
            help="Build before and after on the Docker Engine and compare the images; with "
            "--write, write only when they are equal. `dockerfix verify` has more options.",
        ),
    ]


def _common() -> list[click.Parameter]:
    """The options of every transform, after its own."""
    return [
        *_doing(),
        click.Option(
            ["--accept"],
            metavar="NAME[@PATH]",
            multiple=True,
            shell_complete=accepted_names,
            help="Accept the assumption of that name, everywhere or in one file or folder. "
            "Repeatable. To accept it permanently, write it with a reason under [TRANSFORM.accept] "
            "in .dockerfix.toml.",
        ),
        click.Option(
            ["--format", "form"],
            type=click.Choice(FORMATS),
            default="diff",
            show_default=True,
            help="What to print on standard output.",
        ),
        INLINE,
        OUTPUT,
        ROOT,
        EXCLUDE,
        TIMEOUT,
        COLOUR,
        click.Option(["-q", "--quiet"], is_flag=True, help="Report only what needs a person."),
        click.Option(["-v", "--verbose"], is_flag=True, help="Report everything."),
    ]


def _option(spec: OptionSpec) -> click.Option:
    """A transform's option; its default is the engine's business, so that settings can come
    between."""
    flag = "--" + spec.name.replace("_", "-")
    shown = f" Default: {spec.default}." if spec.default not in (None, False, (), "") else ""
    if spec.kind is bool:
        return click.Option([flag], is_flag=True, default=False, help=spec.help)
    kind = click.Choice(spec.choices) if spec.choices else click.types.convert_type(spec.kind)
    return click.Option(
        [flag],
        type=kind,
        multiple=spec.multiple,
        metavar=spec.metavar or None,
        help=spec.help + shown,
    )


def _run(transform: Transform, transforms: Collection[str], given: Mapping[str, Any]) -> int:
    """Plan and report; gives the exit code."""
    _check_usage(given)
    paths = given["paths"] or (".",)
    inline = given["inline"]
    repository = open_repository(paths, given["root"], given["exclude"], transforms, inline)
    explicit = dict(_explicit(transform))
    options = {**repository.settings.options(transform.name, transform.options), **explicit}
    accepted = _accepted(repository, transform, given)
    asked = {**options, "accept": accepted.keys()}

    def planned(leave: Collection[str] = ()) -> Outcome:
        return plan(repository.facts, transform, repository.paths, asked, leave=leave)

    outcome = planned()
    if given["interactive"]:
        decided = _decided(repository, outcome, planned, given)
        if decided is None:
            tell("nothing was changed\n")
            return exit_code.DONE
        outcome = decided
    proof = _verified(repository, outcome, given)
    written = False
    if isinstance(outcome, Planned) and given["write"] and (proof is None or proof.code == 0):
        _write(repository, outcome, given["force"])
        written = True
    report = Report(
        command=command_line(transform, paths, explicit, given),
        transform=transform.name,
        outcome=outcome,
        accepted={**repository.accepted(transform.name), **accepted},
        notes=tuple(_notes(repository, accepted, given["exclude"], outcome)),
        measured=proof.lines if proof is not None else (),
        measurements=proof.data if proof is not None else {},
        apply=_apply(repository.root),
        written=written,
        pictures=_pictures(repository, outcome) if given["form"] == "markdown" else (),
    )
    _print(report, given)
    return _code(report, given["check"]) or (proof.code if proof is not None else exit_code.DONE)


def _accepted(
    repository: Repository, transform: Transform, given: Mapping[str, Any]
) -> dict[str, str]:
    """What the settings and this command line accept, each with its reason."""
    settled = repository.settings.accepted(transform.name)
    return {**settled, **dict.fromkeys(given["accept"], "")}


def _decided(
    repository: Repository,
    outcome: Outcome,
    planned: Callable[[Collection[str]], Outcome],
    given: Mapping[str, Any],
) -> Outcome | None:
    """What the person at the terminal makes of an outcome; None when they quit."""
    from dockerfix.cli.interactive import reviewed

    budget = current()
    if budget is not None:
        budget.stop()  # it is for reading; a person takes their time
    style = style_for(sys.stderr, given["colour"])
    return reviewed(repository.facts, outcome, planned, style)


def _check_usage(given: Mapping[str, Any]) -> None:
    if given["write"] and given["check"]:
        raise click.UsageError("--write and --check exclude each other")
    if given["quiet"] and given["verbose"]:
        raise click.UsageError("--quiet and --verbose exclude each other")
    if given["interactive"] and (given["check"] or not sys.stdin.isatty()):
        raise click.UsageError("--interactive needs a terminal to ask on, and is not for --check")
    if given["force"] and not given["write"]:
        raise click.UsageError("--force is for --write")


def _explicit(transform: Transform) -> Iterator[tuple[str, Any]]:
    """The transform's options that stand on the command line."""
    context = click.get_current_context()
    for spec in transform.options:
        name = spec.name.replace("-", "_")
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            yield spec.name, context.params[name]


def _verified(repository: Repository, outcome: Outcome, given: Mapping[str, Any]) -> Proof | None:
    """What `--verify` comes to; None without it, or without a patch."""
    if not given["verify"] or not isinstance(outcome, Planned):
        return None
    from dockerfix.cli.verify import verify_patch

    budget = current()
    if budget is not None:
        budget.stop()  # it is for reading; builds take their time
    return verify_patch(repository, outcome.patch, given["exclude"], quiet=given["quiet"])


def _write(repository: Repository, outcome: Planned, force: bool) -> None:
    from dockerfix.repo.write import write_changes

    snapshot = repository.facts.snapshot
    write_changes(repository.root, snapshot, outcome.changes, force=force)


def command_line(
    transform: Transform, paths: Iterable[str], options: Mapping[str, Any], given: Mapping[str, Any]
) -> str:
    """The command that gives this patch again, whatever was done with it this time."""
    words = ["dockerfix", transform.name, *paths]
    for spec in transform.options:
        if spec.name not in options:
            continue
        flag, value = "--" + spec.name.replace("_", "-"), options[spec.name]
        if spec.kind is bool:
            words += [flag] if value else []
        else:
            for item in value if spec.multiple else (value,):
                words += [flag, str(item)]
    if given["interactive"]:
        words.append("--interactive")
    for name in ("accept", "exclude"):
        for item in given[name]:
            words += [f"--{name}", item]
    if given["root"] is not None:
        words += ["--root", given["root"]]
    return shlex.join(words)


def _apply(root: Path) -> str:
    """What takes the patch: its paths are relative to the root, where Git counts them from the
    top of the work tree and leaves out without a word what lies outside of the folder it is
    called in."""
    words = ["git", *([] if root == Path.cwd() else ["-C", str(root)]), "apply"]
    folder = folder_in_work_tree(root)
    return shlex.join([*words, f"--directory={folder}"] if folder else words)


def _pictures(repository: Repository, outcome: Outcome) -> tuple[tuple[str, str], ...]:
    from dockerfix.report.pictures import pictures_of

    return pictures_of(repository.facts, outcome)


def _notes(
    repository: Repository, accept: Mapping[str, str], exclude: Sequence[str], outcome: Outcome
) -> Iterator[str]:
    if repository.recovered:
        yield repository.recovered
    yield from repository.idle_acceptances()
    excluded = [*exclude, *repository.settings.exclude]
    if excluded and isinstance(outcome, Planned):
        yield f"not read, and so outside of what is proved: {', '.join(excluded)}"
    findings = outcome.proposal.of_severity(Severity.ASSUME)
    known = sorted({finding.name for finding in findings})
    for item, reason in accept.items():
        # An item from the settings may be another run's business.
        if not reason and not any(finding.accepted_by((item,)) for finding in findings):
            there = f"; there are: {', '.join(known)}" if known else ""
            yield f"--accept {item}: nothing of that name is assumed here{there}"


def _print(report: Report, given: Mapping[str, Any]) -> None:
    """The product on stdout, then the report on stderr, where a person sees it last."""
    product = _product(report, given)
    if product or given["output"] is not None:
        emit(product, given["output"])
    verbosity = Verbosity.NORMAL
    if given["quiet"] or given["verbose"]:
        verbosity = Verbosity.QUIET if given["quiet"] else Verbosity.VERBOSE
    tell(render_text(report, style_for(sys.stderr, given["colour"]), verbosity))


def _product(report: Report, given: Mapping[str, Any]) -> bytes:
    form = given["form"]
    if form == "diff":
        silent = (given["check"] or given["write"]) and not given["diff"]
        if silent or not isinstance(report.outcome, Planned):
            return b""
        style = style_for(sys.stdout, given["colour"])
        if given["output"] is not None or not style.colour:
            return report.outcome.patch
        from dockerfix.report.coloured_patch import coloured_patch

        return coloured_patch(report.outcome.patch, style)
    return _rendered(report, form).encode("utf-8", "surrogateescape")


def _rendered(report: Report, form: str) -> str:
    if form == "json":
        from dockerfix.report.json_ import render_json

        return render_json(report)
    if form == "sarif":
        from dockerfix.report.sarif import render_sarif

        return render_sarif(report)
    if form == "gitlab-codequality":
        from dockerfix.report.code_quality import render_code_quality

        return render_code_quality(report)
    from dockerfix.report.markdown import render_markdown

    return render_markdown(report)


def _code(report: Report, check: bool) -> int:
    if isinstance(report.outcome, CheckFailed):
        return exit_code.BUG
    if isinstance(report.outcome, Refused):
        return exit_code.REFUSED
    return (
        exit_code.WOULD_CHANGE if check and isinstance(report.outcome, Planned) else exit_code.DONE
    )
