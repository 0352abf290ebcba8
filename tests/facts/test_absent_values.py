"""What a row of a matrix or a caller leaves out is an empty text, which actions take for none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dockerfix.facts.builds.github.expressions import filled, without_braces
from dockerfix.facts.shell.words import Bound, Scope

Find = Callable[[dict[str, str]], Any]
FLOW = ".github/workflows/a.yml"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("matrix.file || 'x'", "x"),
        ("matrix.name || 'x'", "api"),
        ("matrix.file || matrix.name", "api"),
        ("matrix.file || matrix.none || 'c'", "${matrix_none:-c}"),
        ("matrix.file || format('d/{0}.{1}', matrix.name, matrix.name)", "d/api.api"),
        ("matrix.name && 'a' || 'b'", "${OPAQUE}"),
        ("matrix.file || 'a{b}'", "${OPAQUE}"),
        ("'it''s'", "it's"),
        ("", "${OPAQUE}"),
        ("|| 'a'", "${OPAQUE}"),
    ],
)
def test_alternatives_of_an_expression(expression: str, text: str) -> None:
    scope = Scope().bind("matrix_file", Bound("")).bind("matrix_name", Bound("api"))
    assert filled(without_braces("${{ " + expression + " }}"), scope) == text


def test_a_row_without_a_value_names_no_target(find: Find) -> None:
    text = (
        "jobs:\n  j:\n    strategy:\n      matrix:\n        name: [api, web]\n"
        "        include:\n          - {name: api, target: api, contexts: ''}\n    steps:\n"
        "      - uses: docker/build-push-action@v6\n        with:\n"
        "          context: ${{ matrix.context || '.' }}\n          target: ${{ matrix.target }}\n"
        "          build-contexts: ${{ matrix.contexts }}\n"
    )
    first, second = find({FLOW: text}).builds
    assert (first.context, str(first.target), first.named_contexts) == ("", "api", ())
    assert (second.context, second.target, second.dockerfile) == ("", None, "Dockerfile")


def test_what_a_caller_leaves_out_is_empty_where_it_may_be(find: Find) -> None:
    called = (
        "on:\n  workflow_call:\n    inputs:\n      file: {type: string, required: true}\n"
        "      target: {type: string}\njobs:\n  j:\n    steps:\n"
        "      - uses: docker/build-push-action@v6\n        with:\n          context: .\n"
        "          file: ${{ inputs.file }}\n          target: ${{ inputs.target }}\n"
    )
    caller = (
        "jobs:\n  one:\n    uses: ./.github/workflows/a.yml\n    with: {file: D, target: t}\n"
        "  two:\n    uses: ./.github/workflows/a.yml\n    with: {file: E}\n"
    )
    found = find({FLOW: called, ".github/workflows/b.yml": caller})
    asked = [(b.dockerfile, b.target and b.target.text) for b in found.builds]
    assert asked == [("D", "t"), ("E", None)]
    assert [[run.uses.path for run in b.steps] for b in found.builds] == [
        [".github/workflows/b.yml", FLOW]
    ] * 2
