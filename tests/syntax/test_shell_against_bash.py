"""The shell reader beside bash itself: the same words, with the same values.

Commands are made of every way to write a part of a word, one next to another; bash runs them
with a function that records its arguments.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from dockerfix.syntax.shell import parse_shell
from dockerfix.syntax.shell.syntax import Command, Literal, Part, Variable
from dockerfix.text import MappedText

VALUES = {"A": "one", "B": "two/2", "C_1": "x-y", "E": ""}
PIECES = (
    "a", "b1", "/", "-", "--", "=", ":", ".", "_", ",", "@", "%", "+", "x.y", "README", "9",
    "$A", "$B", "$C_1", "$E", "$UNSET", "${A}", "${B}", "${C_1}", "${UNSET}", "${A:-d}",
    "${UNSET:-d}", "${UNSET:-$A}", "${E:-e}", "${E-e}", "${A:+set}", "${UNSET:+set}", '"a b"',
    '"$A"', '"${B}/x"', '"$A/$B"', '"a\\"b"', '"\\$A"', "'a b'", "'$A'", "'\"'", "\\ ", "\\$",
    "\\\\", "\\'", "\\\n", '""', "''", '"$A $B"', "$A/$B/", "/$A", "-$A",
)  # fmt: skip
_NAME_GOES_ON = re.compile(r"\$\w+\\\n")
RECORD = "rec() { [ $# = 0 ] || printf '%s\\0' \"$@\"; printf '\\1\\0'; }\n"


def commands(count: int, seed: int) -> Iterator[str]:
    made = random.Random(seed)
    for _ in range(count):
        sizes = [made.randint(1, 6) for _ in range(made.randint(1, 4))]
        text = " ".join(["rec", *("".join(made.choices(PIECES, k=size)) for size in sizes)])
        # A continuation behind a name without braces goes on with the name: nobody writes that.
        if not _NAME_GOES_ON.search(text) and not text.endswith(("\\\n", "\\ ", " \\$")):
            yield text


def value(parts: tuple[Part, ...]) -> str:
    found = ""
    for part in parts:
        if isinstance(part, Literal):
            found += part.text
        else:
            assert isinstance(part, Variable), part
            found += expanded(part)
    return found


def expanded(part: Variable) -> str:
    held, operand = VALUES.get(part.name), value(part.operand)
    if part.operator == ":+":
        return operand if held else ""
    if part.operator == ":-":
        return held or operand
    if part.operator == "-":
        return operand if held is None else held
    return held or ""


def read(text: str) -> list[str]:
    """What the reader makes of a command: words that an unquoted expansion leaves empty go."""
    script = parse_shell(MappedText.whole(f"{text}\n".encode()))
    assert not script.broken, text
    (command,) = [item for item in script.statements if isinstance(item, Command)]
    found = []
    for word in command.words[1:]:
        text = value(word.parts)
        quotes = any(mark in word.written for mark in ("'", '"'))
        if text or quotes:
            found.append(text)
    return found


def run_by_bash(texts: list[str]) -> list[list[str]]:
    script = RECORD + "\n".join(texts) + "\n"
    done = subprocess.run(
        ["bash", "-s"], input=script.encode(), capture_output=True, env=VALUES, check=True
    )
    runs = done.stdout.decode().split("\1\0")[:-1]
    return [run.split("\0")[:-1] for run in runs]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_the_same_words_as_bash() -> None:
    texts = list(commands(3_000, seed=1))
    assert len(texts) > 2_500
    differences = [
        (text, ours, theirs)
        for text, theirs in zip(texts, run_by_bash(texts), strict=True)
        if (ours := read(text)) != theirs
    ]
    assert differences == []
