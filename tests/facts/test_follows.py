"""Which variables a word follows, through others and through parameters."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerfix.facts.builds import BuildList

WORDS = {
    "none": ("docker build --target a .\n", set()),
    "its own": ("docker build --target $T .\n", {"T"}),
    "of another": ("A=$T\ndocker build --target x-$A .\n", {"A", "T"}),
    "of a parameter": ('f() { docker build --target "$1" .; }\nf "x-$T"\n', {"1", "T"}),
    "of a parameter's default": (
        'f() { docker build --target "${1:-$T}" .; }\nf\n', {"T"},
    ),
    "not of a default that is not used": (
        'f() { docker build --target "${1:-$T}" .; }\nf x\n', {"1"},
    ),
    "of an alternative": ("docker build --target ${A:+$T} .\n", {"A", "T"}),
    "of a part": ("T=x-y\ndocker build --target ${T%-y} .\n", {"T"}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "names"), WORDS.values(), ids=WORDS)
def test_words(script: Callable[[str], BuildList], text: str, names: set[str]) -> None:
    (build,) = script(text).builds
    assert build.target is not None
    assert build.target.follows == names
