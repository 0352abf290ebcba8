"""Durations as Go's `time.ParseDuration` reads them (HEALTHCHECK's flags). Knows nothing else."""

from __future__ import annotations

import re

_PART = re.compile(r"([0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)")
_MILLISECONDS = {
    "ns": 1e-6,
    "us": 1e-3,
    "\u00b5s": 1e-3,
    "\u03bcs": 1e-3,
    "ms": 1.0,
    "s": 1e3,
    "m": 6e4,
    "h": 3.6e6,
}


def milliseconds(text: str) -> float | None:
    """The length of `1m30s`, `500ms`, `-2h`, `0`; None for anything else."""
    sign = -1 if text.startswith("-") else 1
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0.0
    total, at = 0.0, 0
    for part in _PART.finditer(rest):
        if part.start() != at:
            return None
        total += float(part[1]) * _MILLISECONDS[part[2]]
        at = part.end()
    return sign * total if at == len(rest) and at > 0 else None
