"""Where a repository begins, and what a command-line path means below it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockerfix.repo.errors import RootError, SettingsError
from dockerfix.repo.root import find_root, relative_to_root


def work_tree(folder: Path) -> Path:
    (folder / ".git").mkdir(parents=True)
    (folder / ".git/HEAD").write_text("ref: refs/heads/main\n")
    return folder


def marked(folder: Path, text: str = "root = true\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".dockerfix.toml").write_text(text)
    return folder


def test_the_top_of_the_git_work_tree(tmp_path: Path) -> None:
    top = work_tree(tmp_path / "repo")
    (top / "a/b").mkdir(parents=True)
    (top / "a/Dockerfile").touch()
    assert find_root(top) == top
    assert find_root(top / "a/b") == top
    assert find_root(top / "a/Dockerfile") == top


def test_a_settings_file_that_says_root_wins_over_git(tmp_path: Path) -> None:
    top = work_tree(tmp_path / "repo")
    inner = marked(top / "services")
    (inner / "x").mkdir()
    marked(inner / "x", "exclude = []\n")
    assert find_root(inner / "x") == inner
    assert find_root(top) == top


def test_a_root_above_the_git_work_tree_wins_too(tmp_path: Path) -> None:
    outer = marked(tmp_path / "all")
    inner = work_tree(outer / "repo")
    assert find_root(inner) == outer


def test_the_nearest_of_two_roots(tmp_path: Path) -> None:
    outer = marked(tmp_path / "all")
    inner = marked(outer / "one")
    assert find_root(inner / ".dockerfix.toml") == inner


def test_a_submodule_or_linked_work_tree_has_a_git_file(tmp_path: Path) -> None:
    outer = work_tree(tmp_path / "repo")
    inner = outer / "vendor"
    inner.mkdir()
    (inner / ".git").write_text("gitdir: ../.git/modules/vendor\n")
    assert find_root(inner) == inner


def test_what_only_looks_like_a_git_folder_is_passed_over(tmp_path: Path) -> None:
    outer = work_tree(tmp_path / "repo")
    (outer / "a/.git").mkdir(parents=True)
    (outer / "a/b").mkdir()
    (outer / "a/b/.git").write_text("no such thing\n")
    assert find_root(outer / "a/b") == outer


def test_no_root_at_all_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RootError, match=r"no repository found.*--root"):
        find_root(tmp_path)
    with pytest.raises(RootError, match=r"nothing: does not exist"):
        find_root(tmp_path / "nothing")


def test_relative_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = work_tree(tmp_path / "repo")
    (top / "a").mkdir()
    monkeypatch.chdir(top / "a")
    for start in (".", "..", "../a", "../a/.."):
        assert find_root(Path(start)) == top
    assert relative_to_root(top, ".") == "a"
    assert relative_to_root(top, "..") == ""
    assert relative_to_root(top, "../a/") == "a"


def test_a_settings_file_that_cannot_be_read_is_no_missing_one(tmp_path: Path) -> None:
    marked(tmp_path / "a", "root = \n")
    with pytest.raises(SettingsError, match=r"a/\.dockerfix\.toml:1:8: not TOML: Invalid value"):
        find_root(tmp_path / "a")
    marked(tmp_path / "b", "\nroot = 'yes'\n")
    with pytest.raises(SettingsError, match=r"toml:2:1: root must be true or false"):
        find_root(tmp_path / "b")


def test_paths_become_relative_to_the_root(tmp_path: Path) -> None:
    top = work_tree(tmp_path / "repo")
    (top / "a b/c").mkdir(parents=True)
    (top / "a b/Dockerfile").touch()
    assert relative_to_root(top, top) == ""
    assert relative_to_root(top, top / "a b/./c/..//Dockerfile") == "a b/Dockerfile"
    assert relative_to_root(top, f"{top}/a b/c/") == "a b/c"


def test_what_leaves_the_root_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = work_tree(tmp_path / "repo")
    (tmp_path / "outside").mkdir()
    (tmp_path / "repo-2").mkdir()
    monkeypatch.chdir(top)
    for path in ("..", "../outside", "../repo-2", "/"):
        with pytest.raises(RootError, match=r"outside of the root .*; name another root"):
            relative_to_root(top, path)


def test_links_are_followed_and_may_not_leave_the_root(tmp_path: Path) -> None:
    top = work_tree(tmp_path / "repo")
    (top / "real").mkdir()
    (top / "real/Dockerfile").touch()
    work_tree(tmp_path / "outside")
    (tmp_path / "outside/Dockerfile").touch()
    (top / "inner").symlink_to("real")
    (top / "file").symlink_to("real/Dockerfile")
    (top / "out").symlink_to("../outside")
    (top / "loop").symlink_to("loop")
    (top / "dangling").symlink_to("nowhere")
    assert relative_to_root(top, top / "inner") == "real"
    assert relative_to_root(top, top / "inner/Dockerfile") == "real/Dockerfile"
    assert relative_to_root(top, top / "file") == "real/Dockerfile"
    for path in ("out", "out/Dockerfile"):
        with pytest.raises(RootError, match="outside of the root"):
            relative_to_root(top, top / path)
    with pytest.raises(RootError, match="leads back to itself"):
        relative_to_root(top, top / "loop")
    with pytest.raises(RootError, match="link to nowhere, which does not exist"):
        relative_to_root(top, top / "dangling")
    with pytest.raises(RootError, match="absent: does not exist"):
        relative_to_root(top, top / "absent")
    assert find_root(top / "out") == top, "a link belongs to the repository that it stands in"


def test_a_root_that_is_reached_through_a_link(tmp_path: Path) -> None:
    top = work_tree(tmp_path / "repo")
    (top / "a").mkdir()
    (tmp_path / "link").symlink_to("repo")
    assert find_root(tmp_path / "link/a") == top
    assert relative_to_root(tmp_path / "link", tmp_path / "repo/a") == "a"
    assert relative_to_root(top, tmp_path / "link/a") == "a"


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    top = work_tree(tmp_path / "repo")
    name = os.fsdecode(b"caf\xe9")
    (top / name).mkdir()
    assert os.fsencode(relative_to_root(top, top / name)) == b"caf\xe9"
