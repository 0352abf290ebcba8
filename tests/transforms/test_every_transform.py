"""What every installed transform owes: documentation that is complete, and true when run."""

from __future__ import annotations

import pytest

from dockerfix.engine.registry import Registry
from dockerfix.testing import check_example, check_transform

REGISTRY = Registry.installed()


def test_no_name_is_claimed_twice() -> None:
    assert REGISTRY.conflicts == ()


@pytest.mark.parametrize("name", REGISTRY.names)
def test_it_is_documented(name: str) -> None:
    check_transform(REGISTRY.load(name))


@pytest.mark.parametrize("name", REGISTRY.names)
def test_its_example_is_what_it_does(name: str) -> None:
    check_example(REGISTRY.load(name))
