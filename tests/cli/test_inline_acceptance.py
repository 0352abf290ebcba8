"""`# dockerfix: accept NAME reason`: counts at its place, with a reason, where it may."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run

COMMENT = b"# dockerfix: accept same-base agreed in May\n"


def assumption(dockerfix: Run, *options: str) -> dict[str, Any]:
    report = json.loads(dockerfix("pin", "--format", "json", *options).out)
    (found,) = report["findings"]
    assert found["severity"] == "assume"
    return {**found, "notes": report["notes"]}


@pytest.fixture
def file(repository: Path) -> Path:
    return repository / "Dockerfile"


def test_a_comment_accepts_the_assumption_below_it(dockerfix: Run, file: Path) -> None:
    assert not assumption(dockerfix)["accepted"]
    file.write_bytes(COMMENT + b"FROM a\n")
    found = assumption(dockerfix)
    assert (found["accepted"], found["accepted_because"]) == (True, "agreed in May")
    assert found["notes"] == []
    checked = dockerfix("check", "--only", "pin")
    assert b"to be accepted" not in checked.out


@pytest.mark.parametrize(
    "text",
    [
        b"FROM a\n" + COMMENT + b"RUN b\n",
        COMMENT.replace(b"same-base", b"other") + b"FROM a\n",
    ],
)
def test_it_accepts_nothing_anywhere_else(dockerfix: Run, file: Path, text: bytes) -> None:
    file.write_bytes(text)
    assert not assumption(dockerfix)["accepted"]


def test_without_a_reason_it_accepts_nothing_and_is_told(dockerfix: Run, file: Path) -> None:
    file.write_bytes(b"# dockerfix: accept same-base\nFROM a\n")
    found = assumption(dockerfix)
    assert not found["accepted"]
    assert found["notes"] == [
        "Dockerfile:1: the comment accepts nothing: write the reason behind same-base"
    ]


def test_it_can_be_forbidden(dockerfix: Run, file: Path, repository: Path) -> None:
    file.write_bytes(COMMENT + b"FROM a\n")
    told = ["Dockerfile:1: the comment accepts nothing: inline acceptances are switched off"]
    found = assumption(dockerfix, "--no-inline-accept")
    assert (found["accepted"], found["notes"]) == (False, told)
    assert b"to be accepted: same-base" in dockerfix("check", "--no-inline-accept").out
    (repository / ".dockerfix.toml").write_text("root = true\ninline-accept = false\n")
    found = assumption(dockerfix)
    assert (found["accepted"], found["notes"]) == (False, told)
    result = dockerfix("check", "--only", "pin")
    assert b"to be accepted: same-base" in result.out
    assert told[0] in result.err


def test_a_refusal_is_not_accepted_beside_its_place(dockerfix: Run, file: Path) -> None:
    file.write_bytes(b"# dockerfix: accept odd-base it is ours\nFROM refused\n")
    assert dockerfix("pin").code == 2


def test_the_setting_is_a_truth(dockerfix: Run, repository: Path) -> None:
    (repository / ".dockerfix.toml").write_text('inline-accept = "no"\n')
    result = dockerfix("pin")
    assert result.code == 64
    assert ".dockerfix.toml:1:1: inline-accept must be true or false" in result.err
