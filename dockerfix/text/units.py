"""Sizes, times and counts as a person reads them. Knows numbers alone; None is unknown: a dash.

Sizes are in the units of the docker command line (1 kB is 1,000 bytes).
"""

from __future__ import annotations

_UNITS = ("B", "kB", "MB", "GB", "TB")


def human(size: int) -> str:
    """`0 B`, `999 B`, `1.2 kB`, `300 MB`: three digits at most."""
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    digits = 0 if unit == 0 or value >= 99.95 else 1
    return f"{value:.{digits}f} {_UNITS[unit]}"


def counted(number: int, noun: str, several: str = "") -> str:
    """`1 file`, `2 files`; `several` is the plural of a noun that does not take a mere s."""
    return f"{number} {noun if number == 1 else several or noun + 's'}"


def all_of(number: int, noun: str) -> str:
    """All there are: `the file`, `both files`, `all 3 files`."""
    if number == 1:
        return f"the {noun}"
    return f"both {noun}s" if number == 2 else f"all {number} {noun}s"


def lasting(seconds: float | None) -> str:
    """`0.4 s`, `47 s`, `5 min 12 s`, `1 h 10 min`."""
    if seconds is None:
        return "-"
    if seconds < 9.95 and seconds != round(seconds):
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(whole / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
