"""Where the output goes: the product to stdout or a file, byte for byte; the conversation to
stderr. Knows streams and terminals; knows nothing of what is written.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

import click

from dockerfix.report.style import Style


class StdoutClosedError(Exception):
    """The reader of standard output has gone (`dockerfix ... | head`)."""


def emit(product: bytes, target: Path | None) -> None:
    """Write the product to a file, or to standard output where there is none.

    Raises `StdoutClosedError`, and a `click.FileError` for what cannot be written.
    """
    if target is not None:
        try:
            target.write_bytes(product)
        except OSError as error:
            raise click.FileError(str(target), error.strerror or str(error)) from None
        return
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(product)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Python would flush once more at the end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise StdoutClosedError from None
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.FileError("standard output", error.strerror or str(error)) from None


def tell(text: str) -> None:
    """Write text, which ends its own lines, to standard error."""
    try:
        sys.stderr.write(text.encode("utf-8", "replace").decode())
        sys.stderr.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def style_for(stream: TextIO, colour: str) -> Style:
    """Colour for a stream: `always`, `never`, or `auto`: on a terminal, unless the environment
    has NO_COLOR (no-color.org) or a terminal without colours."""
    if colour != "auto":
        return Style(colour == "always")
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Style(stream.isatty() and not plain)
