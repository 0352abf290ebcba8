"""kill -9 at every step of a write, and of the recovery from it.

A child process does the work with every changing call of the operating system counted; it
kills itself right before call N. The parent then lets the next run recover, and the tree must
be as before or as after, whole, with nothing left over. N grows until the child gets through.
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dockerfix.repo.journal import Outcome
from dockerfix.repo.read import read_snapshot
from dockerfix.repo.write import recover, write_changes

STEPS = (
    *("mkdir", "open", "write", "fchmod", "fchown"),
    *("link", "rename", "replace", "unlink", "rmdir"),
)
"""Every call that changes what another process sees (`fsync` changes nothing of that)."""


CHANGES: dict[str, bytes | None] = {
    "Dockerfile": b"FROM b\r\n",
    "run.sh": b"#!/bin/sh\necho new\n",
    "svc/Dockerfile.all": b"FROM all\n",
    "made/deep/docker-bake.hcl": b"target {}\n",
    "made/deep/second": b"2\n",
    "svc/Dockerfile.old": None,
    "gone/only/Dockerfile": None,
}

ONE_OF_EACH = ("Dockerfile", "made/deep/second", "gone/only/Dockerfile")

Tree = dict[str, tuple[int, bytes | None]]


def lay_out(root: Path, git: bool) -> Path:
    for path, data in {
        "Dockerfile": b"FROM a\r\n",
        "run.sh": b"#!/bin/sh\necho old\n",
        "svc/Dockerfile.old": b"FROM old\n",
        "svc/kept": b"kept\n",
        "gone/only/Dockerfile": b"FROM gone\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    (root / "run.sh").chmod(0o755)
    (root / "Dockerfile").chmod(0o640)
    if git:  # a folder is enough for the journal's place; nobody asks git, since force is given
        (root / ".git").mkdir()
    return root


def tree(root: Path) -> Tree:
    """Every file and folder with its mode, and bytes for a file."""
    return {
        path.relative_to(root).as_posix(): (
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() else None,
        )
        for path in root.rglob("*")
    }


@pytest.fixture(autouse=True)
def no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process loses nothing that the system has: the disk need not be waited for."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def expected(root: Path, paths: Iterable[str] = CHANGES) -> Tree:
    """What the tree must be afterwards, made with other means."""
    for path in paths:
        data = CHANGES[path]
        if data is None:
            (root / path).unlink()
        else:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
    shutil.rmtree(root / "gone")
    return tree(root)


def without_links(*_: object, **__: object) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


def count_down(number: int, links: bool) -> None:
    """Make this process kill itself right before the changing call `number` (from 1); a
    write is killed with half of its bytes on the disk."""
    left = itertools.count(number, -1)

    def counted(name: str, really: Callable[..., object]) -> Callable[..., object]:
        def call(*args: Any, **options: Any) -> object:
            if name == "open" and not args[1] & os.O_CREAT:
                return really(*args, **options)
            if next(left) <= 1:
                if name == "write":
                    really(args[0], args[1][: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return really(*args, **options)

        return call

    for name in STEPS:
        really = without_links if name == "link" and not links else getattr(os, name)
        setattr(os, name, counted(name, really))


def killed_at(number: int, work: Callable[[], object], *, links: bool) -> bool:
    """Do the work in a child that dies before call `number`; whether it died."""
    child = os.fork()
    if child == 0:
        try:
            count_down(number, links)
            work()
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def write(root: Path, paths: Iterable[str] = CHANGES) -> None:
    changes = {path: CHANGES[path] for path in paths}
    write_changes(root, read_snapshot(root), changes, force=True)


@pytest.mark.parametrize("links", [True, False], ids=["hard-links", "no-hard-links"])
@pytest.mark.parametrize("git", [True, False], ids=["git", "no-git"])
def test_killed_at_every_step_of_a_write(tmp_path: Path, links: bool, git: bool) -> None:
    before = tree(lay_out(tmp_path / "before", git))
    after = expected(lay_out(tmp_path / "after", git))
    outcomes: list[Outcome] = []
    for number in itertools.count(1):
        root = lay_out(tmp_path / str(number), git)
        if not killed_at(number, partial(write, root), links=links):
            break
        report = recover(root)
        found = tree(root)
        assert found in (before, after), f"half of a change after a kill at step {number}"
        if report is not None:
            assert found == (before if report.outcome is Outcome.BEFORE else after)
            assert set(report.paths) == set(CHANGES)
        outcomes.append(Outcome.AFTER if found == after else Outcome.BEFORE)
        assert recover(root) is None, "one recovery is enough"
        if found == before:
            write(root)
        assert tree(root) == after, "and the next write goes through"
    assert tree(tmp_path / str(number)) == after, "the child that lived wrote everything"
    assert outcomes == sorted(outcomes, key=lambda outcome: outcome is Outcome.AFTER)
    assert set(outcomes) == {Outcome.BEFORE, Outcome.AFTER}
    assert len(outcomes) > 40


@pytest.mark.parametrize("links", [True, False], ids=["hard-links", "no-hard-links"])
def test_killed_at_every_step_of_the_recovery_too(tmp_path: Path, links: bool) -> None:
    before = tree(lay_out(tmp_path / "before", True))
    after = expected(lay_out(tmp_path / "after", True), ONE_OF_EACH)
    seen: list[Tree] = []
    for number in itertools.count(1):
        root = lay_out(tmp_path / "repo", True)
        work = partial(write, root, ONE_OF_EACH)
        lived = not killed_at(number, work, links=links)
        state = without_tokens(root)
        for second in itertools.count(1) if state not in seen else ():
            again = tmp_path / "again"
            copy_with_links(root, again)
            died = killed_at(second, partial(recover, again), links=links)
            recover(again)
            assert tree(again) in (before, after), f"killed at step {number}, then {second}"
            shutil.rmtree(again)
            if not died:
                break
        shutil.rmtree(root)
        seen.append(state)
        if lived:
            break
    assert len(seen) > 25


def without_tokens(root: Path) -> Tree:
    """The tree, with what differs from run to run taken out."""
    token = re.compile(rb'(?<=dockerfix-)[0-9a-f]{8}|(?<="token": ")[0-9a-f]{8}')
    return {
        os.fsdecode(token.sub(b"", os.fsencode(path))): (mode, data and token.sub(b"", data))
        for path, (mode, data) in tree(root).items()
    }


def copy_with_links(source: Path, target: Path) -> None:
    """Copy a tree; names of one file stay names of one file."""
    made: dict[int, str] = {}

    def copy(old: str, new: str) -> str:
        inode = Path(old).stat().st_ino
        if inode in made:
            os.link(made[inode], new)
        else:
            made[inode] = shutil.copy2(old, new)
        return new

    shutil.copytree(source, target, copy_function=copy)
