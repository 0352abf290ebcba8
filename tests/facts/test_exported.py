"""What a script does not export is not seen by what it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from dockerfix.facts.builds import BuildList
from dockerfix.facts.model import Build

Find = Callable[[Mapping[str, str | bytes]], BuildList]
Short = Callable[[Build], str]
INNER = "docker build --target ${T:-none} .\n"

SCRIPTS = {
    "assigned": ("T=a\n./inner.sh\n", "${T:-none}"),
    "exported": ("export T=a\n./inner.sh\n", "a"),
    "exported later": ("T=a\nexport T\n./inner.sh\n", "a"),
    "declared": ("declare -x T=a\n./inner.sh\n", "a"),
    "every one": ("set -a\nT=a\n./inner.sh\n", "a"),
    "every one, then none": ("set -a\nset +a\nT=a\n./inner.sh\n", "${T:-none}"),
    "for one command": ("T=a ./inner.sh\n", "a"),
    "sourced": ("T=a\n. ./inner.sh\n", "a"),
    "in a function": ("f() { T=a; }\nf\n./inner.sh\n", "${T:-none}"),
    "of the environment, assigned again": ("export T=a\nT=b\n./inner.sh\n", "b"),
}


@pytest.mark.parametrize(("script", "target"), SCRIPTS.values(), ids=SCRIPTS)
def test_scripts(find: Find, script: str, target: str) -> None:
    found = find({"build.sh": script, "inner.sh": INNER})
    assert [build.target.text for build in found.builds if build.target] == [target]


def test_make_sees_what_is_exported(find: Find) -> None:
    made = {"Makefile": "image:\n\tdocker build --target $(T) .\n"}
    (build,) = find({**made, "build.sh": "export T=a\nmake image\n"}).builds
    assert build.target is not None
    assert build.target.text == "a"
    (build,) = find({**made, "build.sh": "T=a\nmake image\n"}).builds
    assert build.target is None or build.target.text != "a"
