"""Steps that build from a fresh clone: what they call a folder is a folder of the clone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Find = Callable[[dict[str, str]], Any]


@pytest.mark.parametrize(
    ("inputs", "dockerfile"),
    [
        ('context: "{{defaultContext}}:api"', "api/Dockerfile"),
        ('context: "{{defaultContext}}:api"\n          file: docker/prod', "api/docker/prod"),
        ('context: "{{defaultContext}}"\n          file: api/prod', "api/prod"),
        ("file: api/prod", "api/prod"),
    ],
)
def test_a_dockerfile_is_looked_for_in_the_folder_of_the_clone(
    find: Find, inputs: str, dockerfile: str
) -> None:
    text = (
        "jobs:\n  j:\n    steps:\n      - uses: docker/build-push-action@v6\n        with:\n"
        f"          {inputs}\n"
    )
    (build,) = find({".github/workflows/a.yml": text}).builds
    assert (build.dockerfile, build.context) == (dockerfile, None)
    assert any("a Git context" in why for why in build.unknown)
