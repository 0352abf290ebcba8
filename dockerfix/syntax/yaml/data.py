"""Plain data of a YAML file: every string in it, and the same data with other strings.

Knows dictionaries, lists and strings; keys are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def strings(data: Any) -> Iterator[str]:
    """Every string that is a value, in order, at any depth."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for inner in data.values() if isinstance(data, dict) else data:
            yield from strings(inner)


def with_strings(data: Any, change: Callable[[str], str]) -> Any:
    """The data with each string that is a value changed."""
    if isinstance(data, str):
        return change(data)
    if isinstance(data, dict):
        return {key: with_strings(inner, change) for key, inner in data.items()}
    return [with_strings(inner, change) for inner in data] if isinstance(data, list) else data
