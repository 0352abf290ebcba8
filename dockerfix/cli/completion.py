"""`dockerfix completion SHELL`: the script that teaches a shell to complete dockerfix."""

from __future__ import annotations

from pathlib import Path

import click

from dockerfix.cli.common import OUTPUT, shared
from dockerfix.cli.output import emit

_VARIABLE = "_DOCKERFIX_COMPLETE"
"""Where click looks for a completion that a shell asks for."""


@shared(OUTPUT)
@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(ctx: click.Context, shell: str, output: Path | None) -> None:
    r"""Print the completion script of a shell. Load it where the shell starts:

    \b
      bash  eval "$(dockerfix completion bash)"          in ~/.bashrc
      zsh   eval "$(dockerfix completion zsh)"           in ~/.zshrc, after compinit
      fish  dockerfix completion fish -o ~/.config/fish/completions/dockerfix.fish

    Commands, options, paths, and the names of transforms and findings are completed.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None, "click knows the three shells"
    script = kind(ctx.find_root().command, {}, "dockerfix", _VARIABLE).source()
    emit(script.encode(), output)
