"""Keys that a mapping gains, by however many ways they come."""

from __future__ import annotations

import pytest

from dockerfix.rewrite.added_keys import AddedKeys
from dockerfix.rewrite.wanted import Refused
from dockerfix.syntax.yaml.tree import Mapping, parse_yaml
from dockerfix.text import EditSet, Source


def mapping() -> Mapping:
    found = parse_yaml(Source("w.yml", b"with:\n  a: 1\n")).root
    assert found is not None
    inner = found.get("with")
    assert isinstance(inner, Mapping)
    return inner


def test_the_same_key_comes_once() -> None:
    added, held = AddedKeys(), mapping()
    for _ in range(2):
        added.add(held, "file", "x")
        added.add(held, "target", "y")
    edits = EditSet.of([edit for _, edit in added.edits()])
    assert edits.apply(held.file.source.data) == b"with:\n  a: 1\n  file: x\n  target: y\n"


def test_two_values_are_refused() -> None:
    added, held = AddedKeys(), mapping()
    added.add(held, "file", "x")
    with pytest.raises(Refused, match="two values"):
        added.add(held, "file", "z")
