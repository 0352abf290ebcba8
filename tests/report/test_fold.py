"""Long lines of a report on a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerfix.report.fold import fold

LINES = {
    "short": ("  a b\n", "  a b\n"),
    "long": (
        "  one two three four five six seven eight nine\n",
        "  one two three four five six seven\n    eight nine\n",
    ),
    "a command stays whole": (
        "    -> run `dockerfix slim-context console --via ignore`, then look\n",
        "    -> run\n      `dockerfix slim-context console --via ignore`,\n      then look\n",
    ),
    "colour takes no column": (
        "\x1b[31mone two three four five six seven ei\x1b[0m nine\n",
        "\x1b[31mone two three four five six seven ei\x1b[0m\n  nine\n",
    ),
    "a lone backtick": (
        "it's `a b c d e f g h i j k l m n o p q r\n",
        "it's `a b c d e f g h i j k l m n o p q\n  r\n",
    ),
}


@pytest.mark.parametrize(("text", "folded"), LINES.values(), ids=LINES)
def test_lines(text: str, folded: str) -> None:
    assert fold(text, 40) == folded


@given(st.text("ab `\n\x1b[m", max_size=300), st.integers(40, 100))
def test_nothing_but_blanks_and_ends_of_lines_changes(text: str, width: int) -> None:
    assert "".join(fold(text, width).split()) == "".join(text.split())


def test_a_narrow_terminal_folds_itself() -> None:
    assert fold("a " * 50, 20) == "a " * 50
