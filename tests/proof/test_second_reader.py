"""dockerfile-parse as the gate's second reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerfix.proof.second_reader import disagreements
from dockerfix.syntax.dockerfile import parse

CORPUS = Path(__file__).parents[1] / "syntax" / "corpus"
FILES = sorted(CORPUS.rglob("*.Dockerfile"))

NEVER_AGREES = {
    "a blank line inside a continuation ends the instruction": (
        "a04-blank-lines-inside-continuation",
        "a12-crlf",
    ),
    "an instruction that the file's end leaves open is lost": (
        "a03-comments-inside-continuation",
        "a04-backslash-at-the-end",
        "a04-backslash-and-newline-at-the-end",
    ),
    "a doubled escape character continues the line": (
        "a04-doubled-backslash",
        "a12-escape-backtick",
    ),
    "a keyword split by a continuation": ("a05-split-keywords",),
    "a no-break space ends a keyword": ("unknown-instruction",),
    "a keyword alone at the end of the file, without newline, is lost": (
        "a12-no-final-newline-keyword",
    ),
}
"""What dockerfile-parse reads otherwise than BuildKit, and the files of the corpus with it."""

EXPECTED = {name for names in NEVER_AGREES.values() for name in names}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_both_readers_agree_over_the_corpus(path: Path) -> None:
    found = disagreements(parse(path.read_bytes()))
    assert bool(found) == (path.stem in EXPECTED), found


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfFROM a\r\nRUN b \\\r\n  # c\r\n  d\r\n",
        b"FROM a\nRUN <<A && <<B\nFROM x \\\nA\n# no comment\nB\nCMD c\n",
        b"FROM a\nONBUILD COPY <<A /x\nCMD\nA\n",
        b"# escape=`\nFROM a\nRUN b `\n && c\\\n",
        b"FROM a\nENV X=$HOME Y=${HOME}\n",
        b"# caf\xe9\nFROM a\nLABEL b=\xff\n",
        b"\n\n# c\n\nFROM a\n",
        b"",
    ],
)
def test_what_the_library_alone_misreads_is_hidden_from_it(data: bytes) -> None:
    assert disagreements(parse(data)) == ()


def test_a_check_directive_hides_the_escape_directive_from_the_library() -> None:
    data = b"# check=skip=all\n# escape=`\nFROM a\nRUN b `\n  c\n"
    assert disagreements(parse(data)) != ()


def test_a_disagreement_says_where_and_what() -> None:
    (first, second) = disagreements(parse(b"FROM a\nRUN b \\\\\nCMD c\n"))
    assert first == (
        "line 2: dockerfile-parse reads RUN 'b \\\\CMD c' on lines 2-3, "
        "dockerfix RUN 'b \\\\\\\\' on lines 2-2"
    )
    assert second == "line 3: dockerfile-parse reads nothing, dockerfix CMD 'c' on lines 3-3"


def test_an_edit_that_our_own_parser_would_swallow_is_seen() -> None:
    """The reader is independent: a tree that says something else than its bytes is caught."""
    tree = parse(b"FROM a\nRUN b\nRUN c\n")
    tree.items = tree.items[:-1]
    tree.__dict__.pop("instructions", None)
    assert len(disagreements(tree)) == 1


def test_nothing_is_read_from_the_disk_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM elsewhere\nRUN x\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/elsewhere")
    assert disagreements(parse(b"FROM a\nENV X=$HOME\n")) == ()
    assert (tmp_path / "Dockerfile").read_text() == "FROM elsewhere\nRUN x\n"
