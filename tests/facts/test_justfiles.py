"""In which folder the recipes of a justfile run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Find = Callable[[dict[str, str]], Any]


def test_recipes_that_are_imported_run_where_they_are_imported(find: Find) -> None:
    files = {
        "justfile": "import 'just/build.just'\nmod deep 'just/deep.just'\n",
        "just/build.just": "image:\n    docker build -f api/Dockerfile .\n",
        "just/deep.just": "image:\n    docker build -f api/Dockerfile .\n",
        "just/loop.just": "import 'loop.just'\nimage:\n    docker build .\n",
    }
    found = find(files)
    assert [b.dockerfile for b in found.builds] == [
        "api/Dockerfile", "just/api/Dockerfile", "just/Dockerfile",
    ]  # fmt: skip
