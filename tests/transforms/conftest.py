"""The sample repository in memory, and the transforms as a user gets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerfix.engine.registry import Registry
from dockerfix.text import Snapshot

SAMPLE = Path(__file__).parent.parent.parent / "sample-repo"


@pytest.fixture(scope="session")
def sample() -> dict[str, bytes]:
    files = (path for path in SAMPLE.rglob("*") if path.is_file())
    skipped = {"node_modules", "target"}
    return {
        str(path.relative_to(SAMPLE)): path.read_bytes()
        for path in files
        if not skipped & set(path.parts)
    }


@pytest.fixture
def snapshot(sample: dict[str, bytes]) -> Snapshot:
    return Snapshot.of(sample)


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.installed()
