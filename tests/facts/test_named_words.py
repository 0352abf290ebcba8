"""Words of text files that end in the name of a file."""

from __future__ import annotations

import pytest

from dockerfix.facts.named_words import NamedWord, named_words
from dockerfix.text import Entry, Kind, Snapshot, SnapshotError, Span


def found(text: str | bytes, *names: str, path: str = "a.txt") -> list[str]:
    snapshot = Snapshot.of({path: text})
    return [f"{where(word)} {word.name}" for word in named_words(snapshot, names)]


def where(word: NamedWord) -> str:
    """The line and the column of the name itself."""
    end = word.span.end
    position = word.source.place(Span(end - len(word.name), end)).position
    return f"{position.line}:{position.column}"


WHOLE = {
    "alone": ("Dockerfile.x", True), "quoted": ('"Dockerfile.x"', True),
    "behind a folder": ("a/Dockerfile.x", True), "end of a sentence": ("see Dockerfile.x.", True),
    "before a colon": ("Dockerfile.x:1", True), "longer ending": ("Dockerfile.x.bak", False),
    "longer word": ("Dockerfile.xy", False), "dash": ("Dockerfile.x-old", False),
    "prefix": ("myDockerfile.x", False), "ignore file": ("Dockerfile.x.dockerignore", False),
    "behind a dot": ("./Dockerfile.x", True), "behind a variable": ("${D}Dockerfile.x", True),
    "end of file": ("x\nDockerfile.x", True), "other case": ("dockerfile.x", False),
}  # fmt: skip


@pytest.mark.parametrize(("text", "named"), WHOLE.values(), ids=WHOLE)
def test_a_name_counts_as_a_whole(text: str, named: bool) -> None:
    assert bool(found(text, "Dockerfile.x")) is named


BEHIND = {
    "nothing": ("see a/D.x", "", "a/D.x"), "braces": ("${R}/a/D.x", "R", "a/D.x"),
    "a plain variable": ("$R/a/D.x", "R", "a/D.x"), "a joint": ("${R}D.x", "?", "D.x"),
    "a command": ("$(pwd)/D.x", "?", "/D.x"), "the root of the disk": ("/a/D.x", "", "/a/D.x"),
    "a joint by a dash": ("${R}-.D.x", "?", "-.D.x"), "two slashes": ("${R}//D.x", "R", "D.x"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "behind", "below"), BEHIND.values(), ids=BEHIND)
def test_a_word_is_read_below_the_variable_in_front(text: str, behind: str, below: str) -> None:
    (word,) = named_words(Snapshot.of({"a.txt": text}), ("D.x",))
    assert (word.behind, word.text) == (behind, below)
    assert text[word.at :] == below


def test_places_and_order() -> None:
    text = "é D.a D.b\r\nD.ab D.a\n"
    assert found(text, "D.a", "D.b", "D.ab") == ["1:3 D.a", "1:7 D.b", "2:1 D.ab", "2:6 D.a"]


def test_files_that_hold_no_text_are_left_out() -> None:
    for path in ("a.png", "Cargo.lock", "x/package-lock.json", "pnpm-lock.yaml", "a.min.js"):
        assert found("D.a", "D.a", path=path) == []
    for path in ("a.rs", "renovate.json", "Dockerfile", ".gitlab-ci.yml", "map"):
        assert found("D.a", "D.a", path=path) == ["1:1 D.a"]
    assert found(b"\0D.a", "D.a") == []
    assert found(b"\xff D.a", "D.a") == ["1:3 D.a"]


def test_no_names() -> None:
    assert found("x") == []


def test_a_file_that_cannot_be_read_is_passed_over() -> None:
    def load(path: str) -> bytes:
        if path == "a":
            raise SnapshotError(path, "permission denied")
        return b"D.a"

    entries = {name: Entry(Kind.FILE) for name in ("a", "b")}
    words = named_words(Snapshot(entries, load), ("D.a",))
    assert [word.source.path for word in words] == ["b"]


def test_bytes_of_searched_files_are_not_kept() -> None:
    loads: list[str] = []

    def load(path: str) -> bytes:
        loads.append(path)
        return b"D.a"

    snapshot = Snapshot({"a": Entry(Kind.FILE)}, load)
    for _ in range(2):
        assert len(list(named_words(snapshot, ("D.a",)))) == 1
    assert loads == ["a", "a", "a"], "searched once, then read each time"
