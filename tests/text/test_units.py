from __future__ import annotations

from dockerfix.text.units import all_of, counted


def test_one_and_several() -> None:
    assert [counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
    assert counted(2, "alias", "aliases") == "2 aliases"


def test_all_there_are() -> None:
    assert [all_of(number, "build") for number in (1, 2, 3)] == [
        "the build", "both builds", "all 3 builds",
    ]  # fmt: skip
