"""Trees are written as text, every byte of them."""

from __future__ import annotations

import pytest

from dockerfix.testing import TreeError, parse_tree
from dockerfix.text import Kind, SnapshotError

TEXT = r"""A word before.

-- a/Dockerfile --
FROM a

-- a/run.sh (executable) --
echo
-- w (crlf, bom, no final newline) --
FROM a
RUN b
-- bytes (escapes) --
caf\xe9\r\t\\
-- guarded --
\-- not a heading --
\== nor a section ==
\\-- one backslash --
-- name with blank --
-- link -> a/Dockerfile --
-- out -> ../../etc/passwd --
"""


def test_every_attribute() -> None:
    preamble, tree = parse_tree(TEXT)
    assert preamble == "A word before.\n"
    assert tree.files == {
        "a/Dockerfile": b"FROM a\n\n",
        "a/run.sh": b"echo\n",
        "w": b"\xef\xbb\xbfFROM a\r\nRUN b",
        "bytes": b"caf\xe9\r\t\\\n",
        "guarded": b"-- not a heading --\n== nor a section ==\n\\-- one backslash --\n",
        "name with blank": b"",
    }
    assert tree.executable == {"a/run.sh"}


def test_links_are_entries_that_lead_somewhere() -> None:
    snapshot = parse_tree(TEXT)[1].snapshot()
    assert snapshot.entries["link"].kind is Kind.SYMLINK
    assert snapshot.read("link") == b"FROM a\n\n"
    assert snapshot.entries["a/run.sh"].mode == 0o755
    with pytest.raises(SnapshotError, match="leads out of the repository"):
        snapshot.read("out")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-- a --\n-- a --\n", "line 2: a appears twice"),
        ("-- a (shiny) --\n", "line 1: no attribute is called shiny"),
    ],
)
def test_what_is_no_tree_is_said_with_its_line(text: str, message: str) -> None:
    with pytest.raises(TreeError, match=message):
        parse_tree(text)
