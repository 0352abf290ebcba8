"""TOML as cargo reads it: version 1.1 of the language, which cargo takes from 1.94 on.

Python's own reader knows version 1.1 from Python 3.15 on ("What's new in Python 3.15"), tomli
from 2.4 on, in all else the same code. Knows the language; knows no manifest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def parse_toml(text: str) -> dict[str, Any]:
    """The data of a text. Raises `ValueError` for what is no TOML, whose message ends in
    ` (at line 1, column 1)`, and `RecursionError` for what is nested too deeply."""
    return _reader()(text)


@lru_cache(maxsize=1)
def _reader() -> Callable[[str], dict[str, Any]]:
    """`loads` of the reader that is there, on first use: start-up time is judged."""
    module = import_module("tomli" if find_spec("tomli") is not None else "tomllib")
    loads: Callable[[str], dict[str, Any]] = module.loads
    return loads
