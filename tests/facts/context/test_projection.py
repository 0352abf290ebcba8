"""An ignore file cut at a folder says of the paths in it what it said before."""

from __future__ import annotations

import random

import pytest

from dockerfix.facts.trees.ignore import Judge, read_ignore
from dockerfix.facts.trees.projection import ProjectionError, project_rules
from dockerfix.text import Source


def project(text: str, folder: str) -> tuple[str, ...]:
    return project_rules(read_ignore(Source(".dockerignore", text.encode())), folder)


@pytest.mark.parametrize(
    ("text", "folder", "expected"),
    [
        ("console/dist\nnode-sdk/dist\n*.md\n", "console", ("dist",)),
        ("**/node_modules\n**/dist\n.git\n", "console", ("**/node_modules", "**/dist")),
        ("console\n!console/src\n", "console", ("**", "!src")),
        ("*\n!console\n", "console", ()),
        ("*\n!console\nconsole/dist\n", "console", ("dist",)),
        ("**/console/dist\n", "console", ("dist", "**/console/dist")),
        ("*/dist\n", "console", ("dist",)),
        ("apps/**/dist\n", "apps/console", ("**/dist",)),
        ("apps/*/dist/**\n", "apps/console", ("dist/**",)),
        ("!console/x\nconsole/y\n", "console", ("y",)),
        ("# note\n\n/console/./a//b/\n", "console", ("a/b",)),
        ("console/#a\nconsole/!b\nconsole/ c\n", "console", ("\\#a", "\\!b", "\\ c")),
        ("[a-z]onsole/x\n", "console", ("x",)),
        ("node**\n", "console", ()),
        ("con**\n", "console", ("**",)),
        ("console/a**b\n", "console", ("a**b",)),
        ("dist\ndist\nconsole/z\nconsole/z\n", "console", ("z",)),
    ],
)
def test_cut(text: str, folder: str, expected: tuple[str, ...]) -> None:
    assert project(text, folder) == expected


@pytest.mark.parametrize(
    "pattern", ["con**/x", "**sole/x", "[^a]onsole/x", "console/**x", "[.-0]onsole/y", "a\\"]
)
def test_what_cannot_be_cut_is_refused_at_its_line(pattern: str) -> None:
    with pytest.raises(ProjectionError) as caught:
        project(f"dist\n{pattern}\n", "console")
    assert str(caught.value.place) == ".dockerignore:2:1"


NAMES = ("console", "src", "a", "ab", "dist")
PARTS = (*NAMES, "*", "**", "?*", "c*", "**a", "a**", "[a-d]*", "\\a", "*.md")


@pytest.mark.parametrize("seed", range(40))
def test_the_same_verdict_on_every_path(seed: int) -> None:
    rng = random.Random(seed)
    compared = 0
    for _ in range(60):
        lines = []
        for _ in range(rng.randint(1, 6)):
            parts = [rng.choice(PARTS) for _ in range(rng.choice((1, 1, 2, 2, 3, 4)))]
            lines.append(rng.choice(("", "", "!")) + "/".join(parts))
        folder = "/".join(rng.choice(NAMES) for _ in range(rng.choice((1, 1, 2))))
        try:
            after = Judge(project("\n".join(lines), folder))
        except ProjectionError:
            continue
        before = Judge(lines)
        for _ in range(40):
            path = "/".join(rng.choice((*NAMES, "x.md")) for _ in range(rng.randint(1, 4)))
            compared += 1
            old = before.judge_path(f"{folder}/{path}").matched
            assert old == after.judge_path(path).matched, (lines, folder, path, after.patterns)
    assert compared > 500
