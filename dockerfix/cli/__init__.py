"""The command line: arguments in, text out, exit codes. click lives here.

This module starts and ends the process: it imports the rest inside `main`, so that an
interrupt during start-up ends as cleanly as one later.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

_ALLOCATIONS = 50_000
"""How many new objects Python waits for before it looks for cycles. Trees and facts live until the
end: with the 700 of a server, a sixth of a run goes into looking at them again and again."""


def main() -> None:
    """The `dockerfix` command; ends the process with its exit code."""
    gc.set_threshold(_ALLOCATIONS, 20, 50)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; gives the exit code (`dockerfix.cli.exit_code`) and never raises."""
    if os.name != "posix":
        sys.stderr.write(
            "dockerfix: needs the file locks and renames of a POSIX system\n"
            "  -> run it on Linux or macOS; on Windows in WSL\n"
        )
        return 64
    try:
        from dockerfix.cli.application import invoke

        return invoke(arguments)
    except KeyboardInterrupt:
        return 130
