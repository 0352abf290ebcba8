"""Errors as a person reads them: `path:line:column: what is wrong`, then what to do.

Knows every error that bad input may raise, and its exit code; whatever else arrives is a bug
of dockerfix and is called so.
"""

from __future__ import annotations

import errno
import os
import traceback
from pathlib import Path

from msgspec import Struct

from dockerfix.cli import exit_code


class Trouble(Struct, frozen=True):
    """What to tell the person, and the exit code."""

    what: str
    action: str
    code: int

    def __str__(self) -> str:
        """Lines for stderr, with a final newline."""
        tail = f"  -> {self.action}\n" if self.action else ""
        return f"dockerfix: {self.what}\n{tail}"


def trouble(error: Exception) -> Trouble:
    """An error as trouble. The error types are imported here only: nothing failed as a rule."""
    from dockerfix.cli.output import OutputError
    from dockerfix.engine.options import OptionError
    from dockerfix.engine.registry import BrokenTransformError, TransformError
    from dockerfix.facts.unreadable import unreadable
    from dockerfix.forge.errors import ForgeError
    from dockerfix.repo.errors import GlobError, RepoError, RootError, SettingsError
    from dockerfix.text import UnreadableError

    if isinstance(error, OutputError):
        return Trouble(str(error), "", exit_code.NO_OUTPUT)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Trouble(str(OutputError("the output", error)), "make room", exit_code.NO_OUTPUT)
    if isinstance(error, RepoError):
        usage = isinstance(error, RootError | SettingsError | GlobError)
        code = exit_code.USAGE if usage else exit_code.REFUSED
        return Trouble(f"{error.path}: {error.what}", error.action, code)
    if isinstance(error, ForgeError):
        return Trouble(error.what, error.action, exit_code.REFUSED)
    if isinstance(error, UnreadableError):
        found = unreadable(error)
        return Trouble(str(found), found.action, exit_code.REFUSED)
    if isinstance(error, TransformError):
        broken = isinstance(error, BrokenTransformError)
        return Trouble(error.what, error.action, exit_code.BUG if broken else exit_code.USAGE)
    if isinstance(error, OptionError):
        return Trouble(str(error), "", exit_code.USAGE)
    return _bug(error)


def _bug(error: Exception) -> Trouble:
    """Where it happened in one line; the whole traceback with DOCKERFIX_TRACEBACK set."""
    if os.environ.get("DOCKERFIX_TRACEBACK"):
        return Trouble("".join(traceback.format_exception(error)), "", exit_code.BUG)
    frames = traceback.extract_tb(error.__traceback__)
    where = ""
    if frames:
        where = f" ({frames[-1].name}, {Path(frames[-1].filename).name}:{frames[-1].lineno})"
    first = (str(error).splitlines() or [""])[0]
    return Trouble(
        f"internal error: {type(error).__name__}: {first}{where}",
        "this is a bug, and nothing was written: please report it, with what "
        "DOCKERFIX_TRACEBACK=1 prints",
        exit_code.BUG,
    )
