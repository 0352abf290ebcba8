"""Exit codes, for scripts and CI (see the README)."""

from __future__ import annotations

DONE = 0
"""Done, or nothing to do."""
WOULD_CHANGE = 1
"""`--check`, and something would change."""
REFUSED = 2
"""Refused, or a file cannot be read: the messages say why."""
BUG = 3
"""An internal check failed, or a plugin is broken: nothing printed, nothing written."""
USAGE = 64
"""The command line or the settings are wrong."""
NO_OUTPUT = 74
"""The output cannot be written (`EX_IOERR` of sysexits.h)."""
INTERRUPTED = 130
"""Control-C, as shells report it."""
PIPE_CLOSED = 141
"""Whoever read standard output went away, as shells report it."""
