"""Large files: what is asked of them costs in proportion to their size.

A shape whose cost grew with the square of its size would take hours here, and end by the limit
on a test; the slowest takes about two seconds.
"""

from __future__ import annotations

import pytest

from dockerfix.proof.second_reader import disagreements
from dockerfix.syntax.dockerfile import Env, Instruction, Onbuild, Run, parse, render
from dockerfix.syntax.dockerfile.problems import rejections

MEGABYTE = 1_000_000

pytestmark = pytest.mark.timeout(600)

SHAPES = {
    "one-instruction-a-line": b"RUN echo a\n",
    "comments-above-each-other": b"# note\n",
    "blank-lines": b"\n",
    "blank-lines-with-spaces": b" \t\n",
    "continuations": b"RUN a \\\n",
    "continued-comments": b"RUN \\\n" + b"# c\n" * 50,
    "continued-blanks": b"RUN \\\n" + b"\n" * 50,
    "backslashes-alone": b"\\\n",
    "odd-keywords": "é some words\n".encode(),
    "spaces-beyond-ascii": "\u00a0\u3000\n".encode(),
    "heredocs": b"RUN <<A\n" + b"x\n" * 20 + b"A\n",
    "heredocs-many-on-a-line": b"RUN " + b"<<A " * 20 + b"\n" + b"A\n" * 20,
    "heredocs-without-end": b"RUN <<A\n",
    "stages": b"FROM a AS b\nCOPY --from=b x y\n",
    "onbuild": b"ONBUILD RUN a\n",
    "onbuild-of-onbuild": b"ONBUILD ",
    "env-pairs": b"ENV " + b"a=b " * 500 + b"\n",
    "one-line-of-words": b"word ",
    "one-line-of-words-beyond-ascii": "é ".encode(),
    "one-line-of-backslashes": b"\\ ",
    "one-line-of-quotes": b"\"'",
    "one-line-of-json": b'["a", ',
    "one-line-of-json-strings": b'"a", ',
    "one-line-of-heredocs": b"<<A ",
    "one-line-of-dollars": b"${a:-",
    "one-line-of-flags": b"--a=b ",
    "one-line-of-spaces": b" ",
    "not-utf-8": b"RUN \xff\xfe\n",
    "crlf": b"RUN a \\\r\n  b\r\n",
}


def file_of(shape: str, size: int) -> bytes:
    """A file of about `size` bytes; "one-line" shapes are one instruction's arguments."""
    head = b"FROM a\nCOPY " if shape.startswith("one-line") else b"FROM a\n"
    if shape == "one-line-of-json-strings":
        head += b"["
    unit = SHAPES[shape]
    return head + unit * (size // len(unit))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_megabyte_is_parsed_in_linear_time(shape: str) -> None:
    data = file_of(shape, MEGABYTE)
    tree = parse(data)
    assert render(tree) == data
    for item in (*tree.instructions[:50], *tree.instructions[-50:]):
        if item.span.length < 1000:
            ask(item)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if "one-line" in shape])
def test_a_long_line_is_read_in_linear_time(shape: str) -> None:
    tree = parse(file_of(shape, MEGABYTE // 5))
    for item in tree.instructions:
        ask(item)


@pytest.mark.parametrize("shape", ["stages", "odd-keywords", "env-pairs", "continuations"])
def test_errors_are_found_in_linear_time(shape: str) -> None:
    assert rejections(parse(file_of(shape, MEGABYTE // 5))) is not None


def ask(item: Instruction) -> None:
    assert item.words is not None
    assert item.flags is not None
    assert item.text is not None
    assert item.inner_comments is not None
    if isinstance(item, Run):
        assert item.script is None or item.script.encoded is not None
    if isinstance(item, Env):
        assert item.pairs is not None
    if isinstance(item, Onbuild):
        assert item.inner is not None


@pytest.mark.parametrize("shape", ["one-instruction-a-line", "continuations"])
def test_the_second_reader_is_linear_too(shape: str) -> None:
    disagreements(parse(file_of(shape, MEGABYTE // 5)))
