"""Expressions of a workflow that the matrix or a caller decides."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerfix.facts.builds import BuildList
from dockerfix.facts.builds.github.decided import decided
from dockerfix.facts.model import Build

Find = Callable[..., BuildList]
Short = Callable[[Build], str]

HELD = {"matrix.os": "Linux", "inputs.dir": "api", "matrix.none": "", "matrix.flag": "false"}


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("inputs.dir != 'default' && inputs.dir || '.'", "api"),
        ("inputs.dir == 'API' && 'x' || '.'", "x"),
        ("matrix.os == 'linux' && (inputs.dir == 'web' || matrix.os != 'mac') && 'a' || 'b'", "a"),
        ("!matrix.none && 'a' || 'b'", "a"),
        ("matrix.none && inputs.other || 'it''s'", "it's"),
        ("matrix.os && matrix.none || 'c'", "c"),
        ("matrix.flag && 'a' || 'b'", None),
        ("matrix.flag == 'false' && 'a' || 'b'", None),
        ("matrix.os == '1' && 'a' || 'b'", None),
        ("matrix.none == '' && 'a' || 'b'", None),
        ("inputs.other == 'x' && 'a' || 'b'", None),
        ("github.ref == 'x' && 'a' || 'b'", None),
        ("contains(matrix.os, 'x') && 'a' || 'b'", None),
        ("matrix.os == true && 'a' || 'b'", None),
        ("matrix.os == 'linux'", None),
        ("matrix.os == 'linux' &&", None),
        ("(matrix.os == 'linux' && 'a'", None),
        ("matrix.os", None),
        ("", None),
    ],
)
def test_what_is_known_decides(expression: str, text: str | None) -> None:
    assert decided(expression, HELD.get) == text


def test_the_rows_of_a_matrix_decide_what_a_step_builds(find: Find, short: Short) -> None:
    text = (
        "jobs:\n  a:\n    strategy: {matrix: {kind: [dev, prod]}}\n    steps:\n"
        "      - run: docker build ${{ matrix.kind == 'dev' && 'web' || 'api' }}\n"
        "      - uses: docker/build-push-action@v6\n        with:\n          context: .\n"
        "          file: ${{ matrix.kind == 'dev' && 'web' || 'api' }}/Dockerfile\n"
        "      - run: docker build ${{ github.ref == 'x' && 'web' || 'api' }}\n"
    )
    found = find({".github/workflows/a.yml": text, "api/Dockerfile": "", "web/Dockerfile": ""})
    assert sorted(map(short, found.builds)) == [
        "?|?|", "?|?|", "api/Dockerfile|.|", "api/Dockerfile|api|", "web/Dockerfile|.|",
        "web/Dockerfile|web|",
    ]  # fmt: skip


def test_an_input_that_a_person_may_type_decides_nothing(find: Find, short: Short) -> None:
    text = (
        "on:\n  workflow_dispatch: {inputs: {dir: {type: string, default: ''}}}\njobs:\n  a:\n"
        "    steps:\n      - run: docker build ${{ inputs.dir != 'x' && 'web' || 'api' }}\n"
    )
    (build,) = find({".github/workflows/a.yml": text, "web/Dockerfile": ""}).builds
    assert short(build) == "?|?|"
