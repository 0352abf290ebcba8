"""Writing: all or nothing, and every way in which it can be refused."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from textwrap import dedent

import pytest

from dockerfix.repo import disk, errors
from dockerfix.repo import write as write_module
from dockerfix.repo.journal import Journal, State, journal_folder
from dockerfix.repo.read import read_snapshot
from dockerfix.repo.write import Outcome, recover, write_changes
from dockerfix.text import Snapshot

Change = dict[str, bytes | None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    top = tmp_path / "repo"
    (top / "svc").mkdir(parents=True)
    (top / "Dockerfile").write_bytes(b"\xef\xbb\xbfFROM a\r\nRUN b")
    (top / "svc/Dockerfile").write_bytes(b"FROM svc\n")
    (top / "run.sh").write_bytes(b"#!/bin/sh\n")
    (top / "run.sh").chmod(0o755)
    return top


def tree(top: Path) -> dict[str, tuple[int, bytes | None]]:
    return {
        path.relative_to(top).as_posix(): (
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() and not path.is_symlink() else None,
        )
        for path in top.rglob("*")
    }


def write(top: Path, changes: Change, *, force: bool = True) -> None:
    write_changes(top, read_snapshot(top), changes, force=force)


def refused(top: Path, changes: Change, kind: type[errors.WriteError], message: str) -> None:
    """The write is refused, and the tree is as it was."""
    before = tree(top)
    with pytest.raises(kind, match=message):
        write(top, changes)
    assert tree(top) == before


# What is written


def test_bytes_are_exact_and_modes_kept(root: Path) -> None:
    (root / "run.sh").chmod(0o2751)
    write(root, {"Dockerfile": b"FROM c\r\n\r\nRUN d\r", "run.sh": b"\0\xff\r\n"})
    assert (root / "Dockerfile").read_bytes() == b"FROM c\r\n\r\nRUN d\r"
    assert (root / "run.sh").read_bytes() == b"\0\xff\r\n"
    assert (root / "run.sh").stat().st_mode & 0o7777 == 0o2751
    assert (root / "Dockerfile").stat().st_mode & 0o7777 == 0o644


def test_new_files_and_folders_follow_the_umask(root: Path) -> None:
    before = os.umask(0o027)
    try:
        write(root, {"a/b/c": b"1", "a/d": b"", "e": b"2"})
    finally:
        os.umask(before)
    assert (root / "a/b/c").read_bytes() == b"1" and (root / "a/d").read_bytes() == b""
    assert (root / "a/b/c").stat().st_mode & 0o777 == 0o640
    assert (root / "a/b").stat().st_mode & 0o777 == 0o750


def test_a_deletion_takes_the_folders_along_that_it_empties(root: Path) -> None:
    (root / "x/y").mkdir(parents=True)
    (root / "x/y/Dockerfile").touch()
    (root / "z").mkdir()
    (root / "z/a").touch()
    (root / "z/b").touch()
    write(root, {"x/y/Dockerfile": None, "z/a": None})
    assert not (root / "x").exists() and (root / "z/b").exists()


def test_nothing_is_left_over(root: Path) -> None:
    before = set(tree(root))
    write(root, {"Dockerfile": b"1", "new": b"2", "run.sh": None})
    assert set(tree(root)) == (before - {"run.sh"}) | {"new"}


def test_what_would_change_nothing_is_not_touched(root: Path) -> None:
    same = (root / "run.sh").read_bytes()
    inode = (root / "run.sh").stat().st_ino
    write(root, {"run.sh": same, "Dockerfile": b"new"})
    assert (root / "run.sh").stat().st_ino == inode
    write(root, {})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_owners_are_kept(root: Path) -> None:
    os.chown(root / "run.sh", 1234, 2345)
    (root / "run.sh").chmod(0o4755)
    write(root, {"run.sh": b"new"})
    status = (root / "run.sh").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (1234, 2345, 0o4755)


def test_names_that_are_not_utf_8_very_long_or_hold_newlines(root: Path) -> None:
    names = [os.fsdecode(b"caf\xe9"), "n" * 255, "a\nb"]
    for name in names:
        (root / name).write_bytes(b"old")
    write(root, {**dict.fromkeys(names, b"new"), os.fsdecode(b"\xff/\xfe"): b"1"})
    assert [(root / name).read_bytes() for name in names] == [b"new"] * 3
    assert (root / os.fsdecode(b"\xff/\xfe")).read_bytes() == b"1"
    write(root, dict.fromkeys(names))
    assert not any((root / name).exists() for name in names)


def test_many_files_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    paths = [f"d{number % 50}/Dockerfile.{number}" for number in range(1000)]
    write(root, dict.fromkeys(paths, b"FROM a\n"))
    write(root, {path: None if path < "d3" else b"FROM b\n" for path in paths})
    assert sum(path.exists() for path in (root / p for p in paths)) == sum(p >= "d3" for p in paths)


def test_a_file_with_a_second_name_keeps_that_name_and_its_bytes(root: Path) -> None:
    (root / "second").hardlink_to(root / "run.sh")
    write(root, {"run.sh": b"new"})
    assert (root / "second").read_bytes() == b"#!/bin/sh\n"


# Paths that must not be written


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/tmp/x", "", ".", "a//b", "./a", "a\0b"])
def test_what_is_no_path_below_the_root(root: Path, path: str) -> None:
    refused(root, {path: b""}, errors.UnsafePathError, "not a path below the root")


@pytest.mark.parametrize("path", [".git/hooks/post-checkout", "svc/.git/config", ".GIT/config"])
def test_git_s_own_folder(root: Path, path: str) -> None:
    refused(root, {path: b""}, errors.UnsafePathError, "Git's own folder")


def test_a_parent_that_is_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (root / "out").symlink_to("../outside")
    (root / "in").symlink_to("svc")
    (root / "dangling").symlink_to("nowhere")
    refused(root, {"out/x": b""}, errors.UnsafePathError, "out/x: out is a symbolic link")
    refused(root, {"in/Dockerfile": b""}, errors.UnsafePathError, "in is a symbolic link")
    refused(root, {"dangling/x": b""}, errors.UnsafePathError, "dangling is a symbolic link")
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_parent_that_became_a_link_after_reading(root: Path, tmp_path: Path) -> None:
    snapshot = read_snapshot(root)
    snapshot.read("svc/Dockerfile")
    (root / "svc").rename(tmp_path / "outside")
    (root / "svc").symlink_to("../outside")
    with pytest.raises(errors.UnsafePathError, match="svc is a symbolic link"):
        write_changes(root, snapshot, {"svc/Dockerfile": b"x"}, force=True)
    assert (tmp_path / "outside/Dockerfile").read_bytes() == b"FROM svc\n"


def test_a_link_is_neither_written_through_nor_replaced_nor_deleted(root: Path) -> None:
    (root / "link").symlink_to("Dockerfile")
    for data in (b"x", None):
        refused(root, {"link": data}, errors.UnsafePathError, "link: is a symbolic link; name")


def test_a_parent_that_is_a_file_and_a_target_that_is_a_folder(root: Path) -> None:
    refused(root, {"Dockerfile/x": b""}, errors.UnsafePathError, "Dockerfile is not a folder")
    refused(root, {"svc": b""}, errors.ChangedError, "svc: appeared")
    refused(root, {"a": b"", "a/b": b""}, errors.WriteError, "nothing was written")


def test_one_bad_path_stops_the_good_ones(root: Path) -> None:
    refused(root, {"Dockerfile": b"x", "../x": b""}, errors.UnsafePathError, "root")
    refused(root, {"Dockerfile": b"x", "none": None}, errors.UnsafePathError, "cannot be deleted")


def test_a_file_in_an_opaque_folder_is_not_taken_for_new(root: Path) -> None:
    (root / "node_modules").mkdir()
    (root / "node_modules/x").touch()
    refused(root, {"node_modules/x": b"1"}, errors.UnsafePathError, "left out, because a tool")


# Files that changed since they were read


@pytest.mark.parametrize("data", [b"new", None])
def test_a_file_that_was_changed_after_reading(root: Path, data: bytes | None) -> None:
    snapshot = read_snapshot(root)
    snapshot.read("run.sh")
    (root / "run.sh").write_bytes(b"#!/bin/sh\necho theirs\n")
    before = tree(root)
    with pytest.raises(errors.ChangedError, match=r"^run\.sh: changed .* nothing was written"):
        write_changes(root, snapshot, {"Dockerfile": b"x", "run.sh": data}, force=True)
    assert tree(root) == before


def test_a_file_that_vanished_or_appeared_after_reading(root: Path) -> None:
    snapshot = read_snapshot(root)
    snapshot.read("run.sh")
    (root / "run.sh").unlink()
    (root / "new").write_bytes(b"theirs")
    before = tree(root)
    for changes in ({"run.sh": b"x"}, {"run.sh": None}, {"new": b"x"}):
        with pytest.raises(errors.ChangedError):
            write_changes(root, snapshot, {"Dockerfile": b"x", **changes}, force=True)
        assert tree(root) == before


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_is_changed_in_the_last_moment(
    root: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After all checks and right before the file is put aside: their version survives."""
    if not links:
        forbid(monkeypatch, "link", errno.EPERM)
    really = disk.put_aside

    def late(path: Path, aside: Path) -> None:
        if path.name == "run.sh":
            path.write_bytes(b"theirs")
        really(path, aside)

    monkeypatch.setattr(disk, "put_aside", late)
    before = tree(root)
    before["run.sh"] = (before["run.sh"][0], b"theirs")
    with pytest.raises(errors.ChangedError, match="changed while dockerfix was running"):
        write(root, {"Dockerfile": b"x", "run.sh": b"y", "svc/Dockerfile": None, "new": b"z"})
    assert tree(root) == before


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_in_the_last_moment_is_not_written_over(
    root: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:
        forbid(monkeypatch, "link", errno.EOPNOTSUPP)
    really = disk.place_new

    def late(temporary: Path, path: Path) -> None:
        path.write_bytes(b"theirs")
        really(temporary, path)

    monkeypatch.setattr(disk, "place_new", late)
    with pytest.raises(errors.ChangedError):
        write(root, {"Dockerfile": b"x", "new": b"mine"})
    assert (root / "new").read_bytes() == b"theirs"
    assert (root / "Dockerfile").read_bytes().endswith(b"RUN b")
    assert recover(root) is None


# The disk says no


def forbid(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    number: int,
    when: Callable[..., bool] = lambda *_: True,
) -> None:
    """Let a call of the operating system fail."""
    really = getattr(os, name)

    def call(*args: object, **options: object) -> object:
        if when(*args):
            raise OSError(number, os.strerror(number), str(args[0]))
        return really(*args, **options)

    monkeypatch.setattr(os, name, call)


CHANGES: Change = {"Dockerfile": b"x", "run.sh": b"y", "svc/Dockerfile": None, "a/new": b"z"}


@pytest.mark.parametrize(
    ("number", "kind", "action"),
    [
        (errno.ENOSPC, errors.DiskFullError, "make room"),
        (errno.EDQUOT, errors.DiskFullError, "make room"),
        (errno.EACCES, errors.ReadOnlyError, "make file and folder writable"),
        (errno.EROFS, errors.ReadOnlyError, "make file and folder writable"),
        (errno.EIO, errors.WriteError, "settle that"),
    ],
)
@pytest.mark.parametrize("name", ["mkdir", "write", "fchmod", "link", "rename", "replace", "fsync"])
def test_any_call_may_fail_at_any_time(
    root: Path,
    name: str,
    number: int,
    kind: type[errors.WriteError],
    action: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first, the second, ... call fails, once: all is as before, or the write went through
    because another way was found (a rename where no hard link is to be had)."""
    before = tree(root)
    for attempt in range(1, 40):
        left = iter([*[False] * (attempt - 1), True])
        with monkeypatch.context() as patch:
            forbid(patch, name, number, lambda *_, left=left: next(left, False))
            try:
                write(root, CHANGES)
            except errors.WriteError as error:
                assert type(error) is kind, error
                assert "nothing was written" in str(error) and action in str(error)
                assert tree(root) == before
                assert recover(root) is None
                continue
        break
    assert attempt > 1 or (name, number) == ("link", errno.EACCES)
    assert (root / "a/new").read_bytes() == b"z" and not (root / "svc").exists()
    assert recover(root) is None


def test_a_folder_without_write_permission(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path).name != "svc" and really(path, mode)
    )
    refused(
        root,
        {"Dockerfile": b"x", "svc/Dockerfile": b"y"},
        errors.ReadOnlyError,
        r"^svc/Dockerfile: the folder .*/svc is read-only; nothing was written; make it",
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_really_read_only(root: Path) -> None:
    (root / "svc").chmod(0o555)
    try:
        refused(root, {"Dockerfile": b"x", "svc/Dockerfile": b"y"}, errors.ReadOnlyError, "svc")
    finally:
        (root / "svc").chmod(0o755)


def mounted(folder: Path, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "dockerfix-test", str(folder)]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mounted(folder, "size=64k"):
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    (small_disk / "Dockerfile").write_bytes(b"FROM a\n" * 1000)
    (small_disk / "other").write_bytes(b"x" * 20_000)
    refused(
        small_disk,
        {"a": b"1", "Dockerfile": b"FROM b\n" * 8000, "other": None},
        errors.DiskFullError,
        "Dockerfile: cannot be written: no space left on device; nothing was written; make room",
    )
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "filler").write_bytes(b"x" * 100_000)
    refused(small_disk, {"Dockerfile": b"x"}, errors.DiskFullError, "no space left")
    (small_disk / "filler").unlink()
    write(small_disk, {"Dockerfile": b"FROM b\n"})


def test_a_disk_that_is_really_read_only(small_disk: Path) -> None:
    (small_disk / "Dockerfile").write_bytes(b"FROM a\n")
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True, capture_output=True)
    refused(small_disk, {"Dockerfile": b"x"}, errors.ReadOnlyError, "read-only; nothing was")


def test_a_file_system_without_hard_links(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid(monkeypatch, "link", errno.EPERM)
    write(root, CHANGES)
    assert (root / "Dockerfile").read_bytes() == b"x" and (root / "a/new").read_bytes() == b"z"
    assert not (root / "svc").exists()
    assert {path.name for path in root.rglob("*")} == {"Dockerfile", "run.sh", "a", "new"}


def test_when_going_back_fails_too_the_next_run_does_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(root)
    with monkeypatch.context() as patch:
        forbid(patch, "replace", errno.EIO)
        with pytest.raises(errors.RecoveryError, match=r"partly written.*run dockerfix again"):
            write(root, CHANGES)
    report = recover(root)
    assert report is not None and report.outcome is Outcome.BEFORE
    assert str(report).startswith("an interrupted run of dockerfix on 4 files was undone")
    assert tree(root) == before


def test_when_tidying_up_fails_everything_is_written(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        forbid(patch, "unlink", errno.EIO, lambda path, *_: str(path).endswith(".old"))
        with pytest.raises(errors.RecoveryError, match="the changes are written, and tidying"):
            write(root, CHANGES)
    report = recover(root)
    assert report is not None and report.outcome is Outcome.AFTER
    assert (root / "Dockerfile").read_bytes() == b"x"
    assert {path.name for path in root.rglob("*")} == {"Dockerfile", "run.sh", "a", "new"}


# Control-C


@pytest.mark.parametrize("name", ["begin", "advance", "sync"])
def test_control_c_in_the_middle(root: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree(root)
    really = getattr(Journal, name)

    def interrupted(*args: object) -> None:
        really(*args)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Journal, name, interrupted)
    with pytest.raises(KeyboardInterrupt, match=r"^nothing was written$"):
        write(root, CHANGES)
    assert tree(root) == before and recover(root) is None


def test_control_c_at_every_call(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree(root)
    outcomes = []
    for attempt in range(1, 200):
        left = iter([*[False] * (attempt - 1), True])
        with monkeypatch.context() as patch:
            for name in ("mkdir", "write", "fsync", "link", "rename", "replace", "unlink"):
                interrupt(patch, name, partial(next, left, False))
            try:
                write(root, CHANGES)
            except KeyboardInterrupt as error:
                outcomes.append(str(error))
        assert recover(root) is None
        if outcomes[-1] == "everything was written" or len(outcomes) < attempt:
            break
        assert tree(root) == before, f"interrupted at call {attempt}"
    assert set(outcomes) == {"nothing was written", "everything was written"}
    assert (root / "a/new").exists() and not (root / "svc").exists()


def interrupt(monkeypatch: pytest.MonkeyPatch, name: str, when: Callable[[], bool]) -> None:
    really = getattr(os, name)

    def call(*args: object, **options: object) -> object:
        if when():
            signal.raise_signal(signal.SIGINT)
        return really(*args, **options)

    monkeypatch.setattr(os, name, call)


def test_control_c_while_going_back_does_not_stop_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(root)
    left = iter([False, True])
    forbid(monkeypatch, "replace", errno.EIO, lambda *_: next(left, False))
    interrupt(monkeypatch, "unlink", lambda: True)
    with pytest.raises(KeyboardInterrupt, match=r"^nothing was written$"):
        write(root, {"Dockerfile": b"x", "run.sh": b"y"})
    monkeypatch.undo()
    assert tree(root) == before and recover(root) is None


def test_a_write_outside_of_the_main_thread(root: Path) -> None:
    thread = threading.Thread(target=write, args=(root, CHANGES))
    thread.start()
    thread.join()
    assert (root / "a/new").exists() and recover(root) is None


# Two at once


def test_another_dockerfix_is_writing(root: Path) -> None:
    descriptor = os.open(root, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        refused(root, {"Dockerfile": b"x"}, errors.LockedError, "another dockerfix is writing")
        assert recover(root) is None, "nothing to recover: nothing to wait for"
        journal_folder(root).mkdir()
        with pytest.raises(errors.LockedError, match="wait until it has ended"):
            recover(root)
    finally:
        os.close(descriptor)
    assert recover(root) is None
    write(root, {"Dockerfile": b"x"})


def test_a_file_system_without_locks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(_: int, __: int) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    refused(root, {"Dockerfile": b"x"}, errors.WriteError, "cannot be locked .* git apply")


def test_a_process_that_is_killed_leaves_no_lock(root: Path) -> None:
    script = dedent(
        f"""\
        import os, signal
        from pathlib import Path
        from dockerfix.repo import disk
        from dockerfix.repo.read import read_snapshot
        from dockerfix.repo.write import write_changes
        disk.place_new = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        root = Path({str(root)!r})
        changes = {{"Dockerfile": b"x", "new": b"y", "run.sh": None}}
        write_changes(root, read_snapshot(root), changes, force=True)
        """
    )
    before = tree(root)
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (root / ".dockerfix-journal" / State.UNDO.value).exists()
    snapshot = read_snapshot(root)
    assert not any("journal" in path for path in snapshot.paths)
    write(root, {"svc/Dockerfile": b"z"})  # settles the other one first, by itself
    before["svc/Dockerfile"] = (before["svc/Dockerfile"][0], b"z")
    assert tree(root) == before


# Recovery that would lose something


@pytest.fixture
def interrupted(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root whose write of CHANGES stopped when all was in place and nothing was said done."""
    with monkeypatch.context() as patch:
        patch.setattr(write_module, "settle", lambda _: None)
        patch.setattr(write_module._Write, "_finish", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write(root, CHANGES)
    assert (journal_folder(root) / State.UNDO.value).exists()
    return root


@pytest.mark.parametrize("path", ["Dockerfile", "svc/Dockerfile", "a/new"])
def test_a_file_that_was_changed_after_the_interruption(interrupted: Path, path: str) -> None:
    (interrupted / path).write_bytes(b"somebody's work")
    before = tree(interrupted)
    with pytest.raises(errors.RecoveryError, match=rf"^{path}: .* nothing was touched; move"):
        recover(interrupted)
    assert tree(interrupted) == before
    (interrupted / path).unlink()
    report = recover(interrupted)
    assert report is not None and report.outcome is Outcome.BEFORE
    assert (interrupted / "Dockerfile").read_bytes().endswith(b"RUN b")
    assert not (interrupted / "a").exists() and (interrupted / "svc/Dockerfile").exists()


def test_files_that_came_beside_the_new_ones_stay(interrupted: Path) -> None:
    (interrupted / "a/mine").write_bytes(b"somebody's work")
    recover(interrupted)
    assert (interrupted / "a/mine").exists() and not (interrupted / "a/new").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"version": 2}',
        '{"version": 1, "token": "../..", "folders": [], "steps": []}',
        '{"version": 1, "token": "a", "folders": [], "steps": [{"path": "x", "action": "eat"}]}',
    ],
)
def test_a_journal_that_is_none(root: Path, text: str) -> None:
    (root / ".dockerfix-journal").mkdir()
    (root / ".dockerfix-journal/undo.json").write_text(text)
    before = tree(root)
    with pytest.raises(errors.RecoveryError, match=r"looks like the journal .* then remove it"):
        recover(root)
    refused(root, {"Dockerfile": b"x"}, errors.RecoveryError, "looks like the journal")
    assert tree(root) == before


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", ".git/config", "out/secret"])
def test_a_journal_that_reaches_out_of_the_root_is_refused(
    root: Path, tmp_path: Path, path: str
) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    (root / "out").symlink_to("..")
    (root / ".dockerfix-journal").mkdir()
    step = {"path": path, "action": "create", "digest": disk.digest(tmp_path / "secret")}
    record = {"version": 1, "token": "a", "folders": [], "steps": [step]}
    (root / ".dockerfix-journal/undo.json").write_text(json.dumps(record))
    with pytest.raises(errors.UnsafePathError):
        recover(root)
    assert (tmp_path / "secret").exists()


def test_a_journal_folder_that_is_a_link_is_not_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (root / ".dockerfix-journal").symlink_to("../elsewhere")
    refused(root, {"Dockerfile": b"x"}, errors.RecoveryError, "it is not a folder")


# Uncommitted changes


def test_uncommitted_changes_need_force(root: Path) -> None:
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first"],
    ):
        subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)
    write(root, {"Dockerfile": b"1"}, force=False)
    (root / "svc/Dockerfile").write_bytes(b"theirs")
    changes: Change = {"Dockerfile": b"2", "svc/Dockerfile": b"3", "new": b"4"}
    before = tree(root)
    with pytest.raises(errors.UncommittedError) as caught:
        write(root, changes, force=False)
    assert caught.value.paths == ("Dockerfile", "svc/Dockerfile")
    assert str(caught.value) == (
        "Dockerfile (and 1 more): has changes that are not committed; "
        "commit or stash them, or write all the same with --force"
    )
    assert tree(root) == before
    write(root, changes, force=True)
    assert (root / "new").read_bytes() == b"4"
    assert not (root / ".git/dockerfix").exists()


def test_a_snapshot_of_another_time_is_no_licence(root: Path) -> None:
    snapshot = Snapshot.of({"Dockerfile": b"what the caller believes"})
    with pytest.raises(errors.ChangedError):
        write_changes(root, snapshot, {"Dockerfile": b"x"}, force=True)
