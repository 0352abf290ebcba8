"""Lines that do nothing: without all of them, the same is left."""

from __future__ import annotations

import random

import pytest

from dockerfix.facts.trees.idle import idle_lines
from dockerfix.facts.trees.ignore import Judge, read_ignore
from dockerfix.facts.trees.sources import context_tree, select
from dockerfix.facts.trees.tree import Folder, leaves
from dockerfix.text import Snapshot, Source


def tree(*paths: str) -> Folder:
    return context_tree(Snapshot.of(dict.fromkeys(paths, "")), "")


def idle(root: Folder, text: str) -> list[tuple[int, bool]]:
    file = read_ignore(Source(".dockerignore", text.encode()))
    return [(item.line.number, item.matches) for item in idle_lines(root, file)]


FILES = tree("dist/a", "src/dist/b", "src/x.md", "README.md", "a.txt")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dist\n", []),
        ("**/dist\n# note\n.git\n", [(3, False)]),
        ("dist\n**/dist\n", [(1, True)]),
        ("**/dist\ndist\n", [(2, False)]),
        ("!keep\n*.md\n!README.md\n", [(1, False), (2, True), (3, True)]),
        ("*.md\n!README.md\n", [(1, True), (2, True)]),
        ("src\n!src/x.md\n", []),
        ("*.md\ndist\n*.md\n", [(3, False)]),
        ("", []),
    ],
)
def test_examples(text: str, expected: list[tuple[int, bool]]) -> None:
    assert idle(FILES, text) == expected


@pytest.mark.parametrize("seed", range(30))
def test_without_them_the_same_is_left(seed: int) -> None:
    rng = random.Random(seed)
    names = ("a", "b", "dist", "x.md")
    files = ["/".join(rng.choice(names) for _ in range(rng.randint(1, 3))) for _ in range(12)]
    root = tree(*(path + ".f" for path in files))
    parts = (*names, "*", "**", "*.f", "a.f", "d*")
    lines = [
        rng.choice(("", "", "!")) + "/".join(rng.choice(parts) for _ in range(rng.randint(1, 2)))
        for _ in range(6)
    ]
    found = {number for number, _ in idle(root, "\n".join(lines))}

    def left(numbers: set[int]) -> list[str]:
        rules = [line for number, line in enumerate(lines, 1) if number not in numbers]
        return [path for path, _ in leaves(select(root, exclude=Judge(rules)))]

    assert left(found) == left(set())
    for number in set(range(1, 7)) - found:
        assert left({*found, number}) != left(set()), (lines, number)
