"""The law of the tree and the errors, over files written to be hard."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerfix.syntax.dockerfile import Dockerfile, parse, render
from dockerfix.syntax.dockerfile.problems import rejections

CORPUS = Path(__file__).parent / "corpus"
VALID = sorted(CORPUS.glob("*.Dockerfile"))
INVALID = sorted(CORPUS.glob("invalid/*.Dockerfile"))
HAZARDS = {f"a{number:02}" for number in range(1, 13)}

every_file = pytest.mark.parametrize("path", VALID + INVALID, ids=lambda path: path.stem)


def tree_of(path: Path) -> Dockerfile:
    return parse(path.read_bytes(), path.name)


def problems(tree: Dockerfile) -> str:
    lines = []
    for problem in rejections(tree):
        line, column = tree.source.position(problem.span.start)
        lines.append(f"{line}:{column}: {problem.message}; {problem.hint}\n")
    return "".join(lines)


def test_every_line_of_the_hazards_has_a_file() -> None:
    assert {path.name[:3] for path in VALID} >= HAZARDS


@every_file
def test_the_tree_gives_back_every_byte(path: Path) -> None:
    tree = tree_of(path)
    assert render(tree) == path.read_bytes()
    at = len(tree.bom)
    for item in tree.items:
        assert item.span.start == at < item.span.end
        at = item.span.end
    assert at == len(tree.source.data)


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_good_file_has_no_errors(path: Path) -> None:
    assert problems(tree_of(path)) == ""


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_a_bad_file_has_its_errors_with_place_and_advice(path: Path) -> None:
    assert problems(tree_of(path)) == path.with_suffix(".problems").read_text()


def test_blank_lines_inside_a_continuation_are_warned_of() -> None:
    tree = tree_of(CORPUS / "a04-blank-lines-inside-continuation.Dockerfile")
    lines = [tree.source.position(problem.span.start).line for problem in tree.warnings]
    assert lines == [3, 5, 7, 10, 11]
