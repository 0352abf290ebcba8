"""The snapshot of a disk: what is listed, what is opaque, what cannot be read."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from dockerfix.repo.errors import GlobError
from dockerfix.repo.read import MAX_BYTES, read_snapshot
from dockerfix.text import Entry, Kind, Opaque, Snapshot, SnapshotError

CACHE_TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n# made by a tool\n"


def tree(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())
    return root


def refused(snapshot: Snapshot, path: str) -> str:
    with pytest.raises(SnapshotError) as caught:
        snapshot.read(path)
    return str(caught.value)


def test_everything_is_listed_and_read_as_it_is(tmp_path: Path) -> None:
    tree(tmp_path, "a/b/Dockerfile", "a-b", "README.md", ".gitlab-ci.yml")
    (tmp_path / "crlf").write_bytes(b"\xef\xbb\xbfFROM a\r\n\r\nRUN b")
    (tmp_path / "empty").touch()
    (tmp_path / "a/b/Dockerfile").chmod(0o755)
    snapshot = read_snapshot(tmp_path)
    assert snapshot.paths == [
        ".gitlab-ci.yml",
        "README.md",
        "a-b",
        "a/b/Dockerfile",
        "crlf",
        "empty",
    ]
    assert len(snapshot.entries) == 6
    assert snapshot.entries["a/b/Dockerfile"] == Entry(Kind.FILE, 0o755, 14)
    assert snapshot.read("crlf") == b"\xef\xbb\xbfFROM a\r\n\r\nRUN b"
    assert snapshot.read("empty") == b""
    assert "a" not in snapshot and snapshot.is_folder("a")


def test_what_git_ignores_or_does_not_track_may_be_built_and_is_listed(tmp_path: Path) -> None:
    tree(tmp_path, ".git/HEAD", "dist/app.js", "build/Dockerfile", "vendor/x/y.go", "new")
    (tmp_path / ".gitignore").write_text("dist/\nnew\n")
    assert "dist/app.js" in read_snapshot(tmp_path)
    assert {"build/Dockerfile", "vendor/x/y.go", "new"} <= set(read_snapshot(tmp_path).paths)


def test_folders_that_a_tool_fills_are_opaque(tmp_path: Path) -> None:
    tree(
        tmp_path,
        ".git/HEAD",
        "console/node_modules/x/Dockerfile",
        "a/.venv/bin/python",
        "env/pyvenv.cfg",
        "env/lib/x.py",
        "cache/deep/x",
        "keep/x",
    )
    (tmp_path / "cache/CACHEDIR.TAG").write_bytes(CACHE_TAG)
    (tmp_path / "keep/CACHEDIR.TAG").write_bytes(b"not the signature\n")
    snapshot = read_snapshot(tmp_path)
    assert snapshot.paths == ["keep/CACHEDIR.TAG", "keep/x"]
    assert snapshot.opaque == dict.fromkeys(
        (".git", "console/node_modules", "a/.venv", "env", "cache"), Opaque.GENERATED
    )
    assert snapshot.is_folder("console/node_modules") and snapshot.is_folder("console")


def test_only_cargo_s_target_is_opaque(tmp_path: Path) -> None:
    tree(
        tmp_path,
        "ws/Cargo.toml",
        "ws/target/debug/server",  # beside a manifest: cargo's, even without a tag
        "built/target/x",
        "docs/target/Dockerfile",  # neither: an ordinary folder
        "crates/Cargo.toml",
        "crates/target/Cargo.toml",  # a crate of that name
        "crates/target/src/lib.rs",
    )
    (tmp_path / "built/target/CACHEDIR.TAG").write_bytes(CACHE_TAG)
    snapshot = read_snapshot(tmp_path)
    assert snapshot.opaque.keys() == {"ws/target", "built/target"}
    assert "docs/target/Dockerfile" in snapshot and "crates/target/src/lib.rs" in snapshot


def test_the_root_itself_is_always_walked(tmp_path: Path) -> None:
    root = tree(tmp_path / "node_modules", "x")
    (root / "CACHEDIR.TAG").write_bytes(CACHE_TAG)
    assert read_snapshot(root).paths == ["CACHEDIR.TAG", "x"]


def test_a_file_that_is_called_like_a_heavy_folder_is_a_file(tmp_path: Path) -> None:
    tree(tmp_path, "a/node_modules", "a/target", "a/Cargo.toml")
    assert read_snapshot(tmp_path).paths == ["a/Cargo.toml", "a/node_modules", "a/target"]


def test_a_linked_work_tree_is_a_copy_and_a_submodule_is_a_part(tmp_path: Path) -> None:
    tree(tmp_path, ".git/HEAD", "wt/Dockerfile", "sub/Dockerfile")
    (tmp_path / "wt/.git").write_text(f"gitdir: {tmp_path}/.git/worktrees/wt\n")
    (tmp_path / "sub/.git").write_text("gitdir: ../.git/modules/sub\n")
    snapshot = read_snapshot(tmp_path)
    assert snapshot.paths == ["sub/Dockerfile"]
    assert snapshot.opaque["wt"] is Opaque.CHECKOUT
    assert read_snapshot(tmp_path / "wt").paths == ["Dockerfile"]


def test_what_is_excluded_is_opaque_and_not_absent(tmp_path: Path) -> None:
    tree(tmp_path, "third_party/a/Dockerfile", "a/x.gen", "a/Dockerfile", "b/third_party")
    snapshot = read_snapshot(tmp_path, ["third_party/", "*.gen"])
    assert snapshot.paths == ["a/Dockerfile", "b/third_party"]
    assert snapshot.opaque == {"third_party": Opaque.EXCLUDED, "a/x.gen": Opaque.EXCLUDED}
    assert "the settings or --exclude" in refused(snapshot, "third_party/a/Dockerfile")
    with pytest.raises(GlobError):
        read_snapshot(tmp_path, ["[x"])


def test_links_to_files_below_the_root_give_their_bytes(tmp_path: Path) -> None:
    tree(tmp_path, "real/Dockerfile", "node_modules/x")
    (tmp_path / "link").symlink_to("real/Dockerfile")
    (tmp_path / "second").symlink_to("./link")
    (tmp_path / "absolute").symlink_to(tmp_path / "real/Dockerfile")
    (tmp_path / "heavy").symlink_to("node_modules/x")
    snapshot = read_snapshot(tmp_path)
    for path in ("link", "second", "absolute"):
        assert snapshot.read(path) == b"real/Dockerfile"
    assert snapshot.read("heavy") == b"node_modules/x"
    assert snapshot.entries["second"] == Entry(Kind.SYMLINK, 0o777, 6, "./link")


def test_a_root_that_is_reached_through_a_link(tmp_path: Path) -> None:
    tree(tmp_path / "repo", "x")
    (tmp_path / "repo/link").symlink_to("x")
    (tmp_path / "root").symlink_to("repo")
    snapshot = read_snapshot(tmp_path / "root")
    assert snapshot.paths == ["link", "x"] and snapshot.read("link") == b"x"


def test_links_to_folders_are_not_walked(tmp_path: Path) -> None:
    tree(tmp_path / "repo", "real/x")
    tree(tmp_path / "outside", "y")
    (tmp_path / "repo/link").symlink_to("real")
    (tmp_path / "repo/real/up").symlink_to("..")
    (tmp_path / "repo/out").symlink_to("../outside")
    snapshot = read_snapshot(tmp_path / "repo")
    assert snapshot.paths == ["link", "out", "real/up", "real/x"]
    assert snapshot.opaque == dict.fromkeys(("link", "out", "real/up"), Opaque.LINK)
    assert snapshot.is_folder("link")
    assert "a symbolic link to a folder" in refused(snapshot, "link/x")


def test_links_that_lead_nowhere_good_are_refused_when_read(tmp_path: Path) -> None:
    root = tree(tmp_path / "repo", "x")
    (tmp_path / "secret").write_text("s")
    (root / "out").symlink_to("../secret")
    (root / "absolute").symlink_to("/etc/passwd")
    (root / "dangling").symlink_to("nowhere")
    (root / "loop").symlink_to("loop")
    (root / "folder").symlink_to(".")
    (tmp_path / "repo-2").mkdir()
    (tmp_path / "repo-2/y").write_text("y")
    (root / "sibling").symlink_to("../repo-2/y")
    snapshot = read_snapshot(root)
    assert len(snapshot.paths) == 7
    assert refused(snapshot, "out").startswith(
        "out: a symbolic link to ../secret, which leaves the root; copy the file"
    )
    assert "leaves the root" in refused(snapshot, "absolute")
    assert "leaves the root" in refused(snapshot, "sibling")
    assert "link to nowhere, which does not exist; fix" in refused(snapshot, "dangling")
    assert "cannot be followed; fix" in refused(snapshot, "loop")
    assert refused(snapshot, "folder").startswith("folder: not a file")


def test_a_file_of_100_mb_is_refused_without_reading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "Dockerfile").open("wb") as file:
        file.truncate(100_000_000)
    monkeypatch.delattr(os, "read")
    snapshot = read_snapshot(tmp_path)
    assert snapshot.entries["Dockerfile"].size == 100_000_000
    assert refused(snapshot, "Dockerfile") == (
        "Dockerfile: 100 MB large, and dockerfix reads files of at most 16 MB; "
        "leave it out with --exclude"
    )


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(MAX_BYTES)
    assert len(read_snapshot(tmp_path).peek("a")) == MAX_BYTES


def test_a_file_that_grows_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, "log")
    monkeypatch.setattr(os, "read", lambda _, size: b"x" * min(size, 1 << 16))
    assert "17 MB large" in refused(read_snapshot(tmp_path), "log")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "secret")
    really = os.open

    def denied(path: str, flags: int, mode: int = 0o777) -> int:
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return really(path, flags, mode)

    monkeypatch.setattr(os, "open", denied)  # the tests may run as root, who may read all
    assert refused(read_snapshot(tmp_path), "secret") == (
        "secret: cannot be read: permission denied; "
        "let this user read it, or leave it out with --exclude"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_and_a_folder_without_permission(tmp_path: Path) -> None:
    tree(tmp_path, "secret", "closed/x", "open/x")
    (tmp_path / "secret").chmod(0)
    (tmp_path / "closed").chmod(0)
    try:
        snapshot = read_snapshot(tmp_path)
        assert snapshot.opaque == {"closed": Opaque.UNREADABLE}
        assert "permission denied" in refused(snapshot, "secret")
    finally:
        (tmp_path / "closed").chmod(0o755)


def test_a_folder_that_may_not_be_listed_is_opaque(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, "data/x", "a")
    really = os.scandir

    def denied(path: str) -> object:
        if path.endswith("/data"):
            raise PermissionError(13, "Permission denied", path)
        return really(path)

    monkeypatch.setattr(os, "scandir", denied)
    snapshot = read_snapshot(tmp_path)
    assert snapshot.opaque == {"data": Opaque.UNREADABLE}
    assert "do not let dockerfix list it" in refused(snapshot, "data/x")


def test_a_root_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SnapshotError, match="no such folder; check --root"):
        read_snapshot(tmp_path / "nothing")
    with pytest.raises(SnapshotError, match="the root cannot be listed: Not a directory"):
        read_snapshot(tree(tmp_path, "file") / "file")


def test_a_file_that_vanishes_or_becomes_a_link(tmp_path: Path) -> None:
    tree(tmp_path, "a", "b", "c")
    snapshot = read_snapshot(tmp_path)
    (tmp_path / "a").unlink()
    (tmp_path / "b").unlink()
    (tmp_path / "b").symlink_to("/etc/passwd")
    (tmp_path / "c").unlink()
    os.mkfifo(tmp_path / "c")
    assert refused(snapshot, "a") == "a: vanished while dockerfix was running; run it again"
    assert "became a symbolic link" in refused(snapshot, "b")
    assert refused(snapshot, "c").startswith("c: not a file"), "and it does not wait for a writer"
    with pytest.raises(SnapshotError, match="vanished"):
        _ = snapshot.entries["a"]
    with pytest.raises(SnapshotError, match="became something else"):
        _ = snapshot.entries["b"]


def test_pipes_and_sockets_are_no_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "a")
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # a socket's path may be no longer than 107 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    assert read_snapshot(tmp_path).paths == ["a"]


def test_names_that_are_not_utf_8_or_hold_newlines(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    Path(os.fsdecode(folder)).mkdir()
    (Path(os.fsdecode(folder)) / "a\nb").write_bytes(b"x")
    snapshot = read_snapshot(tmp_path)
    (path,) = snapshot.paths
    assert os.fsencode(path) == b"caf\xe9/a\nb"
    assert snapshot.read(path) == b"x" and snapshot.entries[path].size == 1


def test_listing_asks_the_disk_for_folders_and_not_for_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, *(f"{folder}/{file}" for folder in "abc" for file in range(50)))
    asked: list[str] = []
    really = os.lstat

    def lstat(path: str) -> os.stat_result:
        asked.append(path)
        return really(path)

    monkeypatch.setattr(os, "lstat", lstat)
    snapshot = read_snapshot(tmp_path)
    assert len(snapshot.paths) == 150 and snapshot.is_folder("a")
    assert [path for path in asked if path.rpartition("/")[2].isdigit()] == []
