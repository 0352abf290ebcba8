"""Shell scripts as statements, words and variables.

Reads the text of a RUN, of a pipeline's script line, of a Makefile recipe or of a script
file. Knows the shell's syntax; knows nothing of docker, cargo or GitLab. What a command does
stays opaque, and so do arrays; of the expansions that cut or replace text it says which they are.
"""

from dockerfix.syntax.shell.reader import parse_shell
from dockerfix.syntax.shell.syntax import (
    SHELLS,
    Assignment,
    Block,
    Command,
    Function,
    Literal,
    Loop,
    Opaque,
    Operation,
    Part,
    Script,
    ShellWord,
    Statement,
    Variable,
    parameters,
    walk,
)

__all__ = [
    "SHELLS",
    "Assignment",
    "Block",
    "Command",
    "Function",
    "Literal",
    "Loop",
    "Opaque",
    "Operation",
    "Part",
    "Script",
    "ShellWord",
    "Statement",
    "Variable",
    "parameters",
    "parse_shell",
    "walk",
]
