"""A RUN that only says something: no file of the image is another one for it.

Knows one instruction at a time.
"""

from __future__ import annotations

from dockerfix.syntax.dockerfile import Instruction, Run
from dockerfix.syntax.shell import parse_shell

_SAYING = frozenset({"echo", "printf", "true", ":"})
"""Commands that print or do nothing, and never fail. A test may fail, and is none of them."""


def only_prints(item: Instruction) -> bool:
    """Whether an instruction is a RUN whose commands print and write nothing: none of them is
    redirected, piped into another one, or made by a further command."""
    if not isinstance(item, Run) or item.script is None or item.heredocs:
        return False
    if any(sign in item.text for sign in "<>"):
        return False
    script = parse_shell(item.script)
    names = {command.name for command in script.every_command()}
    return bool(names) and names <= _SAYING and not script.broken
