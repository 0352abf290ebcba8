"""Small files whose full meaning no memory holds: reading them ends, and says `unknown`.

A variable that holds the one before it twice has a trillion characters after forty lines; a
recipe that makes the next one twice runs a trillion commands.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerfix.facts.builds import BuildList
from dockerfix.facts.shell.words import LONGEST

Find = Callable[..., BuildList]
LINKS = 40


def chain(line: str, joint: str = "\n") -> str:
    """`line` once for each link, with `<n>` and `<next>` as its number and the next one's."""
    return joint.join(
        line.replace("<n>", str(n)).replace("<next>", str(n + 1)) for n in range(LINKS)
    )


BUILD = "docker build -f $A .\n"
JOB = "b:\n  script: [docker build -f $A40 .]\n"
STEPS = "jobs:\n  b:\n    runs-on: x\n    steps: [{run: docker build -f $A40 .}]\n"
FILES = {
    "make variables": {
        "Makefile": chain("A<n> = $(A<next>)$(A<next>)") + "\na:\n\tdocker build -f $(A0) .\n"
    },
    "make simple variables": {
        "Makefile": "A := x\n" + chain("A := $(A)$(A)") + "\na:\n\tdocker build -f $(A) .\n"
    },
    "make functions": {
        "Makefile": chain("A<n> = $(call A<next>,$(1)$(1))$(call A<next>,$(1)$(1))")
        + "\na:\n\tdocker build -f $(call A0,x) .\n"
    },
    "make rules": {
        "Makefile": chain("a<n>: a<next>\n\t$(MAKE) a<next>\n\t$(MAKE) a<next>")
        + "\na40:\n\tdocker build .\n"
    },
    "shell variables": {"b.sh": "A=x\n" + chain("A=$A$A") + "\n" + BUILD},
    "shell variables that nothing sets": {"b.sh": chain("A=$A$B$A") + "\n" + BUILD},
    "shell defaults": {"b.sh": chain("A=${A:-$A$A}$A") + "\n" + BUILD},
    "shell variables appended": {"b.sh": "A=x\n" + chain("A+=$A") + "\n" + BUILD},
    "scripts": {
        **{f"s{n}.sh": f"./s{n + 1}.sh $1\n./s{n + 1}.sh $1\n" for n in range(LINKS)},
        "s40.sh": "docker build -f $1 .\n",
    },
    "GitLab variables": {
        ".gitlab-ci.yml": "variables:\n  A0: x\n" + chain("  A<next>: $A<n>$A<n>") + "\n" + JOB
    },
    "GitHub variables": {
        ".github/workflows/a.yml": "on: push\nenv:\n  A0: x\n"
        + chain("  A<next>: ${{ env.A<n> }}${{ env.A<n> }}") + "\n" + STEPS
    },
    "bake variables": {
        "docker-bake.hcl": 'variable "A0" { default = "x" }\n'
        + chain('variable "A<next>" { default = "${A<n>}${A<n>}" }')
        + '\ntarget "a" { dockerfile = A40 }\n'
    },
    "bake targets": {
        "docker-bake.hcl": chain('target "t<n>" { inherits = ["t<next>", "t<next>"] }')
        + '\ntarget "t40" { dockerfile = "D" }\n'
    },
    "nested defaults": {
        "compose.yml": "services: {a: {build: {context: ., dockerfile: '"
        + "${A:-" * 3_000 + "x" + "}" * 3_000 + "'}}}\n"
    },
}  # fmt: skip


@pytest.mark.parametrize("files", FILES.values(), ids=FILES)
def test_reading_ends(find: Find, files: dict[str, str]) -> None:
    found = find(files)
    assert found.builds
    for build in found.builds:
        assert len(build.dockerfile or "") <= LONGEST
        assert build.target is None
