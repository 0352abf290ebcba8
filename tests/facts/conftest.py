"""What the tests of facts share: builds of a repository held in memory, as short texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from dockerfix.facts.builds import BuildList
from dockerfix.facts.model import Build
from dockerfix.facts.repository import Facts
from dockerfix.text import Snapshot

Find = Callable[[Mapping[str, str | bytes]], BuildList]


@pytest.fixture(scope="session")
def find() -> Find:
    """The builds of a repository given as path to text; plain Dockerfiles may be left out of
    a test by naming them with an empty text."""

    def run(files: Mapping[str, str | bytes]) -> BuildList:
        return Facts(Snapshot.of(files)).builds

    return run


@pytest.fixture(scope="session")
def script(find: Find) -> Callable[[str], BuildList]:
    """The builds of one shell script at the root."""
    return lambda text: find({"build.sh": text})


@pytest.fixture(scope="session")
def short() -> Callable[[Build], str]:
    """A build as `dockerfile|context|target`, `?` for what is not known."""

    def line(build: Build) -> str:
        target = build.target.text if build.target is not None else ""
        parts = (build.dockerfile, build.context, target)
        return "|".join("?" if part is None else part or "." for part in parts[:2]) + f"|{target}"

    return line
