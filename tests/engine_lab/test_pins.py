"""The lab's pins and what they must agree with."""

from __future__ import annotations

from pathlib import Path

from lab.pins import read_pins

CONTROLPLANE = Path(__file__).parents[2] / "sample-repo" / "controlplane"


def test_stand_in_crates_are_those_that_the_sample_asks_for() -> None:
    text = "".join(path.read_text() for path in CONTROLPLANE.glob("Dockerfile*"))
    asked = [line.split() for line in text.splitlines() if "cargo install" in line]
    assert asked
    for words in asked:
        name, version = words[words.index("install") + 1], words[words.index("--version") + 1]
        assert read_pins().crates[name] == version


def test_apk_knows_the_packages_that_the_sample_adds() -> None:
    asked = set()
    for path in CONTROLPLANE.glob("Dockerfile*"):
        code = [line.split("#")[0].strip(" \\") for line in path.read_text().splitlines()]
        commands = " ".join(line for line in code if line).split("RUN apk add --no-cache ")[1:]
        for command in commands:
            words = command.split()
            ends = next(i for i, word in enumerate(words) if word.isupper())
            asked |= set(words[:ends])
    assert asked == set(read_pins().apk)
