from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dockerfix.repo.read import read_snapshot
from dockerfix.verify.copies import two_copies
from dockerfix.verify.errors import PatchError

PATCH = b"""\
diff --git a/app/Dockerfile b/app/Dockerfile
--- a/app/Dockerfile
+++ b/app/Dockerfile
@@ -1 +1 @@
-FROM scratch
+FROM alpine
diff --git a/old b/old
deleted file mode 100644
--- a/old
+++ /dev/null
@@ -1 +0,0 @@
-x
diff --git a/renamed b/new
similarity index 100%
rename from renamed
rename to new
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    folder = tmp_path / "repository"
    (folder / "app" / "node_modules").mkdir(parents=True)
    (folder / "app" / "node_modules" / "x").write_text("x")
    (folder / "app" / "Dockerfile").write_text("FROM scratch\n")
    (folder / "app" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "app" / "run.sh").chmod(0o755)
    os.utime(folder / "app" / "run.sh", (1, 1))
    (folder / "link").symlink_to("app/run.sh")
    (folder / "old").write_text("x\n")
    (folder / "renamed").write_text("y\n" * 9)
    (folder / "vendor").mkdir()
    (folder / "vendor" / "v").write_text("v")
    return folder


def test_both_trees_stand_while_needed_and_nothing_stays(root: Path, tmp_path: Path) -> None:
    snapshot = read_snapshot(root, ("vendor",))
    with two_copies(root, snapshot, PATCH, "run") as copies:
        before, after = copies.before, copies.after
        assert (before / "app/Dockerfile").read_text() == "FROM scratch\n"
        assert (after / "app/Dockerfile").read_text() == "FROM alpine\n"
        assert not (after / "old").exists() and (before / "old").exists()
        assert (after / "link").readlink() == Path("app/run.sh")
        for tree in (before, after):
            assert (tree / "app/run.sh").stat().st_mode & 0o777 == 0o755
            assert (tree / "app/run.sh").stat().st_mtime == 1
            assert (tree / "vendor/v").read_text() == "v"  # excluded, and part of a context
        assert copies.changed == {"app/Dockerfile", "old", "renamed", "new"}
        assert copies.left_out == ("app/node_modules",)
        patched = copies.patched_files()
        assert {name for name, _ in patched.removed} == {"Dockerfile", "old", "renamed"}
        assert {name for name, _ in patched.added} == {"Dockerfile", "new"}
    assert not any((tmp_path / "tmp").iterdir())
    assert (root / "app/Dockerfile").read_text() == "FROM scratch\n"


def test_a_patch_of_another_tree_is_told_and_nothing_stays(root: Path, tmp_path: Path) -> None:
    (root / "app" / "Dockerfile").write_text("FROM busybox\n")
    with (
        pytest.raises(PatchError, match=r"does not apply: error: .*app/Dockerfile"),
        two_copies(root, read_snapshot(root), PATCH, "run"),
    ):
        pytest.fail("nothing to see")
    assert not any((tmp_path / "tmp").iterdir())


def test_a_work_tree_further_up_is_left_alone(root: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    with two_copies(root, read_snapshot(root), PATCH, "run") as copies:
        assert (copies.after / "app/Dockerfile").read_text() == "FROM alpine\n"


def test_a_patch_cannot_write_outside_of_its_copy(root: Path) -> None:
    evil = PATCH.replace(b"app/Dockerfile", b"../app/Dockerfile")
    with pytest.raises(PatchError), two_copies(root, read_snapshot(root), evil, "run"):
        pytest.fail("nothing to see")
