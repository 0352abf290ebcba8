"""The snapshot in memory: paths, folders, bytes, and what a patch would leave of them."""

from __future__ import annotations

import pytest

from dockerfix.text import (
    Entry,
    Kind,
    Opaque,
    Snapshot,
    SnapshotError,
    Source,
    join_path,
    normalise_path,
    relative_path,
)
from dockerfix.text.watched import Watched


def counted(files: dict[str, bytes]) -> tuple[Snapshot, list[str]]:
    """A snapshot and the list of loads that it made."""
    loads: list[str] = []

    def load(path: str) -> bytes:
        loads.append(path)
        return files[path]

    entries = {path: Entry(Kind.FILE, size=len(data)) for path, data in files.items()}
    return Snapshot(entries, load, {"node_modules": Opaque.GENERATED}), loads


def test_bytes_are_loaded_once_and_only_when_asked_for() -> None:
    snapshot, loads = counted({"a": b"1", "b": b"2"})
    assert loads == []
    assert snapshot.read("a") == snapshot.read("a") == b"1"
    assert snapshot.digest("a") == Snapshot.of({"x": b"1"}).digest("x")
    assert loads == ["a"]


def test_peek_remembers_nothing() -> None:
    snapshot, loads = counted({"a": b"1"})
    assert snapshot.peek("a") == snapshot.peek("a") == b"1"
    assert loads == ["a", "a"]
    snapshot.read("a")
    snapshot.peek("a")
    assert loads == ["a", "a", "a"], "bytes that are remembered are not loaded again"


def test_folders_have_no_entry_but_are_folders() -> None:
    snapshot = Snapshot.of({"a/b/c": b"", "a-b": b"", "a.b": b""})
    assert snapshot.is_folder("a") and snapshot.is_folder("a/b") and snapshot.is_folder("")
    assert not snapshot.is_folder("a/b/c") and not snapshot.is_folder("a/bb")
    assert list(snapshot.below("a")) == ["a/b/c"], "a-b and a.b sort beside a/, not below it"
    assert "a" not in snapshot and "a/b/c" in snapshot


def test_what_lies_in_an_opaque_folder_is_unknown_and_not_absent() -> None:
    snapshot, _ = counted({"a": b"1"})
    assert snapshot.is_folder("node_modules")
    assert snapshot.why_unknown("node_modules/x/index.js") is Opaque.GENERATED
    assert snapshot.why_unknown("elsewhere/x") is None
    with pytest.raises(SnapshotError, match=r"^node_modules/x: not read: .* a tool fills it"):
        snapshot.read("node_modules/x")
    with pytest.raises(SnapshotError, match=r"^nothing: no such file in the repository$"):
        snapshot.read("nothing")


def test_text_says_where_a_file_is_not_utf_8() -> None:
    snapshot = Snapshot.of({"f": b"\xef\xbb\xbfgood\nb\xc3\xa4d: \xff\n"})
    with pytest.raises(SnapshotError, match=r"^f:2:6: not UTF-8; save the file as UTF-8$"):
        snapshot.text("f")
    assert Snapshot.of({"f": b"\xef\xbb\xbfa"}).text("f") == "a"


def test_with_changes_is_the_repository_after_them() -> None:
    entries = {"a": Entry(Kind.FILE, 0o755, 1), "b/c": Entry(Kind.FILE), "d": Entry(Kind.FILE)}
    before = Snapshot(entries, lambda path: path.encode())
    after = before.with_changes({"a": b"new", "b/c": None, "b/e": b"e"})
    assert after.paths == ["a", "b/e", "d"] == sorted(after.entries)
    assert len(after.entries) == 3
    assert after.entries["a"] == Entry(Kind.FILE, 0o755, 3), "the mode is kept"
    assert after.entries["b/e"].mode == 0o644
    assert [after.read(path) for path in after.paths] == [b"new", b"e", b"d"]
    with pytest.raises(SnapshotError, match="no such file"):
        after.read("b/c")
    with pytest.raises(KeyError):
        after.entries["b/c"]
    assert before.paths == ["a", "b/c", "d"] and before.read("a") == b"a"
    again = after.with_changes({"b/c": b"back", "a": None})
    assert again.paths == ["b/c", "b/e", "d"]
    assert again.read("b/c") == b"back" and again.peek("d") == b"d"


def test_with_changes_looks_no_entry_up() -> None:
    class Lazy(dict[str, Entry]):
        def __getitem__(self, path: str) -> Entry:
            raise AssertionError(f"looked up {path}")

    before = Snapshot(Lazy({"a": Entry(Kind.FILE), "b": Entry(Kind.FILE)}), lambda _: b"")
    assert before.with_changes({"c": b"", "a": None}).paths == ["b", "c"]


def test_many_changes_are_as_those_of_the_last_ones() -> None:
    first = after = Snapshot.of({"a/b": b"0", "c": b"0"})
    for number in range(1, 1500):  # deeper than calls may go
        new = {"a/b": b"%d" % number, f"a/n{number}": b"", f"a/n{number - 1}": None}
        after = after.with_changes(new)
    assert after.paths == ["a/b", "a/n1499", "c"] == sorted(after.entries)
    assert after.read("a/b") == b"1499" and after.peek("c") == b"0"
    assert "a/n1498" not in after and after.version("c") is first.version("c")
    last = after.with_changes({"c": b"1"})
    assert last.version("a/b") is after.version("a/b") is not first.version("a/b")
    assert last.listing("a") is after.listing("a") is not first.listing("a")
    assert last.listing("d") is first.listing("d")


def test_groups_ask_again_for_what_changed_alone() -> None:
    asked: list[str] = []

    def key(snapshot: Snapshot, path: str) -> bytes | None:
        asked.append(path)
        return snapshot.peek(path) or None

    first = Snapshot.of({"a": b"x", "b": b"y", "c": b"x", "d": b""})
    assert first.groups(key) == {b"x": ["a", "c"], b"y": ["b"]}
    asked.clear()
    second = first.with_changes({"a": None, "b": b"x", "aa": b"x"})
    assert second.groups(key) == {b"x": ["aa", "b", "c"], b"y": []}
    third = second.with_changes({"d": b"y"}).with_changes({"c": b""})
    assert third.groups(key) == {b"x": ["aa", "b"], b"y": ["d"]}
    assert first.groups(key) == {b"x": ["a", "c"], b"y": ["b"]}
    assert set(asked) == {"a", "aa", "b", "c", "d"} and asked.count("aa") == 1
    assert Watched(first).groups(key) == first.groups(key)


def test_what_was_derived_of_an_unchanged_file_serves_the_changed_repository() -> None:
    made: list[str] = []

    def make(source: Source) -> bytes:
        made.append(source.path)
        return source.data

    before = Snapshot.of({"a": b"1", "b": b"2"})
    assert before.derive("a", make) == b"1"
    after = before.with_changes({"b": b"3"})
    assert after.derive("a", make) == b"1" and after.derive("b", make) == b"3"
    assert before.derive("b", make) == b"2"
    assert made == ["a", "b", "b"]


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("", ""),
        (".", ""),
        ("./a//b/", "a/b"),
        ("a/../b", "b"),
        ("a/..", ""),
        ("..", None),
        ("../a", None),
        ("a/../../b", None),
        ("/a", None),
        ("..a", "..a"),
    ],
)
def test_normalise_path(path: str, normal: str | None) -> None:
    assert normalise_path(path) == normal


def test_join_and_relative_path() -> None:
    assert join_path("a", "../b") == "b" and join_path("a", "../../b") is None
    assert join_path("", "x") == "x" and join_path("a", "/etc") is None
    assert relative_path("a/b", "a") == "b" and relative_path("a", "b/c") == "../../a"
    assert relative_path("", "a") == ".."
