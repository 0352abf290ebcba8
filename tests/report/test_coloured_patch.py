"""Colours of a patch: the text stays, and changed words are marked where that helps."""

from __future__ import annotations

import re

import pytest

from dockerfix.report.coloured_patch import coloured_patch
from dockerfix.report.style import Style
from dockerfix.report.word_diff import changed_words

PATCH = b"""\
diff --git a/x b/x
--- a/x
+++ b/x
@@ -1,4 +1,5 @@ head
 FROM rust
-RUN cargo build --bin a
+RUN cargo build --bin a --bin b
--- removed, and no header
 CMD x\xff
@@ -9 +10,2 @@
-COPY a b
+USER app
+EXPOSE 80
diff --git a/y b/y
--- a/y
+++ b/y
@@ -1 +1 @@
-\xc3\xa4
\\ No newline at end of file
+b
"""


def marked(line: bytes) -> list[bytes]:
    """The parts of a coloured line that are marked as changed."""
    return re.findall(rb"\x1b\[3[12];7m(.*?)\x1b\[0m", line)


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return coloured_patch(PATCH, Style(colour=True)).split(b"\n")


def test_the_text_stays(lines: list[bytes]) -> None:
    assert re.sub(rb"\x1b\[[0-9;]*m", b"", b"\n".join(lines)) == PATCH
    assert coloured_patch(PATCH, Style()) is PATCH


def test_what_was_added_to_a_line_is_marked(lines: list[bytes]) -> None:
    assert [marked(line) for line in lines[5:7]] == [[], [b" --bin b"]]


def test_lines_that_are_not_one_line_changed_are_not_compared(lines: list[bytes]) -> None:
    assert [marked(line) for line in lines[9:13]] == [[]] * 4


def test_a_removed_line_is_no_header(lines: list[bytes]) -> None:
    assert lines[1].startswith(b"\x1b[1m--- a/x")
    assert lines[7].startswith(b"\x1b[31m--- removed")
    assert lines[14].startswith(b"\x1b[1m--- a/y")


def test_words() -> None:
    assert changed_words("a b c", "a x c") == (
        [(False, "a "), (True, "b"), (False, " c")],
        [(False, "a "), (True, "x"), (False, " c")],
    )
    assert changed_words("COPY a b", "USER app") is None
    assert changed_words("a " * 300, "a " * 301) is None, "too long to compare"
