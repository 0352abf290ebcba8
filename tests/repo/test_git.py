"""What of the files to be written is in no commit."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dockerfix.repo.errors import GitUnavailableError
from dockerfix.repo.git import uncommitted


def git(top: Path, *words: str) -> None:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a"}
    subprocess.run(
        ["git", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", *words],
        cwd=top,
        check=True,
        capture_output=True,
        env={**os.environ, **who, "GIT_COMMITTER_EMAIL": "a@b", "HOME": str(top)},
    )


@pytest.fixture
def top(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    (folder / "a").mkdir(parents=True)
    for path in ("Dockerfile", "a/Dockerfile", "a/b c", "x[1]", "x1"):
        (folder / path).write_text("old\n")
    (folder / ".gitignore").write_text("ignored\nout/\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


def test_a_clean_tree(top: Path) -> None:
    assert uncommitted(top, ["Dockerfile", "a/Dockerfile", "new", "new/folder/file"]) == []
    assert uncommitted(top, []) == []


def test_changed_staged_and_deleted_files(top: Path) -> None:
    (top / "Dockerfile").write_text("new\n")
    (top / "a/b c").write_text("new\n")
    git(top, "add", "a/b c")
    (top / "a/Dockerfile").unlink()
    paths = ["Dockerfile", "a/b c", "a/Dockerfile", "x1"]
    assert uncommitted(top, paths) == ["Dockerfile", "a/Dockerfile", "a/b c"]


def test_only_the_files_that_are_asked_about_count(top: Path) -> None:
    (top / "x1").write_text("new\n")
    assert uncommitted(top, ["Dockerfile"]) == []
    assert uncommitted(top, ["x[1]"]) == [], "a name is no pattern"


def test_untracked_and_ignored_files_are_in_no_commit(top: Path) -> None:
    (top / "fresh").write_text("x")
    (top / "ignored").write_text("x")
    for folder in ("new", "out", "a/out"):
        (top / folder).mkdir()
        (top / folder / "Dockerfile").write_text("x")
    paths = ["fresh", "ignored", "new/Dockerfile", "out/Dockerfile", "a/out/Dockerfile"]
    assert uncommitted(top, [*paths, "Dockerfile", "output"]) == sorted(paths)
    git(top, "config", "status.showUntrackedFiles", "no")
    assert uncommitted(top, paths) == sorted(paths), "whatever the user's settings are"


def test_both_names_of_a_renamed_file(top: Path) -> None:
    git(top, "mv", "Dockerfile", "Dockerfile.old")
    found = uncommitted(top, ["Dockerfile", "Dockerfile.old", "x1"])
    assert found == ["Dockerfile", "Dockerfile.old"]


def test_a_root_below_the_top_of_the_work_tree(top: Path) -> None:
    (top / "a/Dockerfile").write_text("new\n")
    assert uncommitted(top / "a", ["Dockerfile", "b c"]) == ["Dockerfile"]


def test_a_submodule_is_asked_itself(top: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "Dockerfile").write_text("old\n")
    git(other, "init", "-q")
    git(other, "add", ".")
    git(other, "commit", "-qm", "first")
    git(top, "submodule", "add", "-q", str(other), "sub")
    git(top, "commit", "-qm", "submodule")
    assert uncommitted(top, ["sub/Dockerfile", "sub/new", "Dockerfile"]) == []
    (top / "sub/Dockerfile").write_text("new\n")
    assert uncommitted(top, ["sub/Dockerfile", "Dockerfile"]) == ["sub/Dockerfile"]


def test_names_with_newlines_or_not_utf_8(top: Path) -> None:
    names = ["a\nb", os.fsdecode(b"caf\xe9"), "-rf", "R  x", ":x"]
    for name in names:
        (top / name).write_text("x")
    assert uncommitted(top, names) == sorted(names)


def test_outside_of_a_work_tree_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert uncommitted(tmp_path, ["Dockerfile"]) == []


def test_without_git_a_work_tree_is_not_taken_for_clean(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(GitUnavailableError, match=r"git cannot be run.*--force"):
        uncommitted(top, ["Dockerfile"])


def test_a_work_tree_that_git_cannot_read(top: Path) -> None:
    (top / ".git/config").write_text("[broken\n")
    with pytest.raises(GitUnavailableError, match=r"cannot say what is committed: .*config"):
        uncommitted(top, ["Dockerfile"])


def test_the_environment_of_a_hook_does_not_mislead(
    top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    (top / "Dockerfile").write_text("new\n")
    assert uncommitted(top, ["Dockerfile", "x1"]) == ["Dockerfile"]


def test_git_is_asked_and_nothing_of_the_repository_is_started(top: Path) -> None:
    (top / "monitor").write_text("#!/bin/sh\ntouch started\n")
    (top / "monitor").chmod(0o755)
    git(top, "config", "core.fsmonitor", str(top / "monitor"))
    before = (top / ".git/index").read_bytes()
    os.utime(top / "x1", (1, 1))  # makes `git status` refresh its index if it may
    assert uncommitted(top, ["Dockerfile", "x1"]) == []
    assert not (top / "started").exists()
    assert (top / ".git/index").read_bytes() == before
