"""The `dockerfix` command and its sub-commands, each imported when it is asked for.

Built-in commands stand in the table of `commands`; one more for each transform comes from the
registry.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from dockerfix import __version__
from dockerfix.cli import exit_code
from dockerfix.cli.budget import OutOfTime
from dockerfix.cli.commands import COMMANDS
from dockerfix.cli.installed import TransformGroup
from dockerfix.cli.output import StdoutClosedError, tell

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_HELP = """\
Refactor Dockerfiles together with everything that builds them, as one patch to review.

\b
A transform reads the whole repository and prints a git diff on standard output;
what is proved, what is assumed and what is left to you goes to standard error.
Nothing is written unless you say --write.
"""

_EPILOG = """\
First run, in any folder of your repository:
  dockerfix check                             what could be done here
  dockerfix builds                            which builds it found, and what it cannot follow
  dockerfix explain merge-rust                what it does, before and after, what is safe
  dockerfix merge-rust controlplane/          print the patch and the report
  dockerfix merge-rust controlplane/ | git apply

Later:
  dockerfix merge-rust controlplane/ --write  change the files, unless they have open changes
  dockerfix merge-rust controlplane/ --check  for CI: exit 1 when there is something to do
  dockerfix explain plain-docker-build        what a finding of a report means

Exit codes:
  0   done, or nothing to do
  1   check or --check, and there is something to do
  2   refused, or a file cannot be read: the report says why, with file and line
  3   an internal check failed: a bug, nothing printed and nothing written
  64  wrong command line or settings
  74  the output cannot be written
"""


class Application(TransformGroup):
    """The group of all commands; knows their names without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names: the transforms and the table."""
        return sorted({*self.registry.names, *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now; None when there is none.

        Raises a `TransformError` for a transform that is there and cannot be had.
        """
        if cmd_name in COMMANDS:
            module, _, attribute = COMMANDS[cmd_name][0].partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            return command
        from dockerfix.engine.registry import UnknownTransformError

        try:
            transform = self.registry.load(cmd_name)
        except UnknownTransformError:
            return None
        from dockerfix.cli.transform import transform_command

        return transform_command(transform, self.registry.names)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and transforms with a line each; nothing is imported for it."""
        from click.shell_completion import CompletionItem

        from dockerfix.cli.summaries import summary

        lines = {name: summary(self.registry.plugin(name)) for name in self.registry.names}
        lines |= {name: line for name, (_, line) in COMMANDS.items()}
        found = [
            CompletionItem(name, help=line)
            for name, line in sorted(lines.items())
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Transforms and commands with a line each; nothing is imported for it."""
        from dockerfix.cli.summaries import summary

        rows = [(name, summary(self.registry.plugin(name))) for name in self.registry.names]
        with formatter.section("Transforms"):
            formatter.write_dl(rows or [("(none installed)", "")])
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])
        conflicts = self.registry.conflicts
        if conflicts:
            with formatter.section("Not available"):
                formatter.write_dl([(error.what, error.action) for error in conflicts])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples and exit codes, as written."""
        formatter.write(f"\n{_EPILOG}")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name for one that does not exist."""
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None:
            from difflib import get_close_matches

            near = get_close_matches(name, self.list_commands(ctx), 1)
            hint = f"did you mean {near[0]}?" if near else "`dockerfix --help` lists them"
            ctx.fail(f"there is no command {name}; {hint}")
        return name, command, args[1:]


@click.group(cls=Application, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="dockerfix %(version)s")
def application() -> None:
    """The group itself does nothing."""


def invoke(arguments: Sequence[str]) -> int:
    """Run one command and turn whatever it raises into a message and an exit code."""
    try:
        result: Any = application.main(list(arguments), "dockerfix", standalone_mode=False)
    except click.Abort as error:
        # A write says by the interrupt's own text how it ended.
        tell(f"dockerfix: interrupted; {str(error.__cause__ or '') or 'nothing was written'}\n")
        return exit_code.INTERRUPTED
    except StdoutClosedError:
        return exit_code.PIPE_CLOSED
    except OutOfTime as error:
        action = "leave the file out with --exclude, or give more time with --timeout"
        tell(f"dockerfix: {error}\n  -> {action}\n")
        return exit_code.REFUSED
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        tell(shown.getvalue())
        return exit_code.USAGE
    except Exception as error:  # the last place that can keep a traceback from a person
        from dockerfix.cli.errors import trouble

        found = trouble(error)
        tell(str(found))
        return found.code
    return result if isinstance(result, int) else exit_code.DONE
