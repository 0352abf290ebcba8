"""Which values differ between two pieces of plain data, each with its key path.

Knows mappings, lists and scalars; knows nothing of pipelines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

_MAX_SHOWN = 160


class ValueChange(Struct, frozen=True):
    """One value: its key path (`script[2]`, `variables.TAG`; an item that only one side has
    carries no index, and a line of a longer text counts as an item), and both values as JSON,
    empty where the value is absent."""

    path: str
    before: str
    after: str

    def __str__(self) -> str:
        """`path: before -> after`, long values cut."""
        return f"{self.path}: {_cut(self.before)} -> {_cut(self.after)}"


def value_changes(old: Any, new: Any, path: str = "") -> Iterator[ValueChange]:
    """The smallest values that differ, in the order of their paths."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            inner = f"{path}.{key}" if path else str(key)
            if key in old and key in new:
                yield from value_changes(old[key], new[key], inner)
            else:
                yield ValueChange(inner, _text(old, key), _text(new, key))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _items(old, new, path)
    elif isinstance(old, str) and isinstance(new, str) and "\n" in old and "\n" in new:
        yield from value_changes(old.split("\n"), new.split("\n"), path)
    else:
        yield ValueChange(path, as_json(old), as_json(new))


def variable_changes(change: ValueChange) -> Iterator[tuple[str, str, str]]:
    """The variables that a change is about, each with both texts, empty where it is not set;
    none when the change is about anything else."""
    head, _, name = change.path.partition(".")
    if change.path.startswith("variables of "):
        # Those of an included file: its path holds dots, a variable's name holds none.
        head, name = "variables", change.path.removesuffix(".value").rpartition(".")[2]
    if head != "variables":
        return
    old, new = (json.loads(text) if text else None for text in (change.before, change.after))
    if name:
        yield name.removesuffix(".value"), str(old or ""), str(new or "")
        return
    first, second = (side if isinstance(side, dict) else {} for side in (old, new))
    for key in dict.fromkeys((*first, *second)):
        if first.get(key) != second.get(key):
            yield key, str(first.get(key, "")), str(second.get(key, ""))


def _items(old: list[Any], new: list[Any], path: str) -> Iterator[ValueChange]:
    """Items one by one where there are as many; else those that one side alone has."""
    if len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from value_changes(one, other, f"{path}[{number}]")
        return
    gone = [item for item in old if item not in new]
    come = [item for item in new if item not in old]
    yield from (ValueChange(f"{path}[]", as_json(item), "") for item in gone)
    yield from (ValueChange(f"{path}[]", "", as_json(item)) for item in come)
    if not gone and not come:
        yield ValueChange(path, as_json(old), as_json(new))


def _text(data: dict[Any, Any], key: object) -> str:
    return as_json(data[key]) if key in data else ""


def as_json(value: Any) -> str:
    """Plain data as one line of JSON, keys sorted: equal for equal values."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _cut(text: str) -> str:
    if not text:
        return "(absent)"
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."
