"""Where the output goes: the product to stdout or a file, byte for byte; the conversation to
stderr. Knows streams and terminals; knows nothing of what is written.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from pathlib import Path

    from dockerfix.report.style import Style


class StdoutClosedError(Exception):
    """The reader of standard output has gone (`dockerfix ... | head`)."""


class OutputError(Exception):
    """The output cannot be written: where it was to go, and why."""

    def __init__(self, where: str, error: OSError) -> None:
        reason = error.strerror or str(error)
        super().__init__(f"{where} cannot be written: {reason[:1].lower()}{reason[1:]}")


def emit(product: bytes, target: Path | None) -> None:
    """Write the product to a file, or to standard output where there is none.

    Raises `StdoutClosedError`, and `OutputError` for what cannot be written: a full disk, a
    folder that is not there, a standard output that was closed before the start (`>&-`).
    """
    if target is not None:
        try:
            target.write_bytes(product)
        except OSError as error:
            raise OutputError(str(target), error) from None
        return
    if sys.stdout is None:  # how Python starts with a closed descriptor
        raise OutputError("standard output", OSError(errno.EBADF, "it is closed"))
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(product)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _mute(sys.stdout)
        raise StdoutClosedError from None
    except OSError as error:
        _mute(sys.stdout)
        raise OutputError("standard output", error) from None


def tell(text: str) -> None:
    """Write text, which ends its own lines, to standard error, with long lines folded on a
    terminal; where that cannot be written to, there is nobody left to tell."""
    if sys.stderr is None:
        return
    try:
        if sys.stderr.isatty():
            from dockerfix.report.fold import fold

            text = fold(text, shutil.get_terminal_size().columns)
        sys.stderr.write(text.encode("utf-8", "replace").decode())
        sys.stderr.flush()
    except OSError:
        _mute(sys.stderr)


def _mute(stream: TextIO) -> None:
    """Send what is left in a stream nowhere: Python would flush it at the end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def style_for(stream: TextIO | None, colour: str) -> Style:
    """Colour for a stream (None: it was closed before the start): `always`, `never`, or `auto`:
    on a terminal, unless the environment has NO_COLOR (no-color.org) or a terminal without
    colours."""
    from dockerfix.report.style import Style

    if colour != "auto" or stream is None:
        return Style(colour == "always")
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Style(stream.isatty() and not plain)
