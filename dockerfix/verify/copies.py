"""Two temporary copies of a snapshot: as it is, and with the patch applied by git.

Knows the disk and `git apply`; knows nothing of builds.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from dockerfix.text import Entry, Kind, Opaque, Snapshot
from dockerfix.verify.errors import PatchError
from dockerfix.verify.interrupts import undisturbed
from dockerfix.verify.rules import PatchedFiles
from dockerfix.verify.side import Side

_REDIRECTIONS = frozenset(("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"))
"""What a hook sets in the environment: git would work on another tree."""


class Copies(Struct, frozen=True):
    """The two trees on the disk; `changed` are the paths that the patch touches, `left_out`
    the folders that no copy has, since a tool fills them."""

    before: Path
    after: Path
    changed: frozenset[str]
    left_out: tuple[str, ...]

    def folder(self, side: Side) -> Path:
        """The tree of one side."""
        return self.before if side is Side.BEFORE else self.after

    def patched_files(self) -> PatchedFiles:
        """The files that differ between the trees, by name and content."""
        return PatchedFiles(
            frozenset(_marks(self.before, self.changed)),
            frozenset(_marks(self.after, self.changed)),
        )


@contextlib.contextmanager
def two_copies(root: Path, snapshot: Snapshot, patch: bytes, name: str) -> Iterator[Copies]:
    """Copy the files of a snapshot of `root` twice, and apply a patch to the second copy.

    `name` becomes part of the temporary folder's name, which is gone in the end. Raises
    `PatchError` when the patch does not apply, and `OSError` when the disk is full.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    try:
        before, after = folder / Side.BEFORE.value, folder / Side.AFTER.value
        _copy(root, snapshot, before)
        # Hard links: git removes a file before it rewrites it.
        shutil.copytree(before, after, symlinks=True, copy_function=_link)
        changed = _apply(patch, after)
        # Of a renamed file git names the new name only.
        gone = {path for path in snapshot.paths if not os.path.lexists(after / path)}
        yield Copies(before, after, frozenset(changed | gone), tuple(_left_out(snapshot)))
    finally:
        with undisturbed():
            shutil.rmtree(folder, ignore_errors=True)


def _copy(root: Path, snapshot: Snapshot, into: Path) -> None:
    into.mkdir()
    made: set[Path] = set()
    for path in snapshot.paths:
        target = into / path
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        _place(root / path, target, snapshot.entries[path])
    for path, why in snapshot.opaque.items():
        # Left out of what dockerfix reads, and all the same a part of the repository.
        if why is Opaque.LINK:
            (into / path).parent.mkdir(parents=True, exist_ok=True)
            (into / path).symlink_to((root / path).readlink())
        elif why is Opaque.EXCLUDED:
            _copy_whole(root / path, into / path)
    for folder in sorted(made, reverse=True):
        shutil.copystat(root / folder.relative_to(into), folder)


def _place(source: Path, target: Path, entry: Entry) -> None:
    if entry.kind is Kind.SYMLINK:
        target.symlink_to(entry.link)
    else:
        # With its times: cargo compares them.
        shutil.copy2(source, target)


def _copy_whole(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target, follow_symlinks=False)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _left_out(snapshot: Snapshot) -> Iterable[str]:
    kept = (Opaque.LINK, Opaque.EXCLUDED)
    return sorted(path for path, why in snapshot.opaque.items() if why not in kept)


def _apply(patch: bytes, folder: Path) -> set[str]:
    """Apply a patch, and name the files that it touches (of a renamed one, the new name)."""
    listed = _git(["apply", "--numstat", "-z", "-"], patch, folder)
    _git(["apply", "--whitespace=nowarn", "-"], patch, folder)
    return {
        os.fsdecode(entry.split(b"\t", 2)[2]) for entry in listed.split(b"\0") if b"\t" in entry
    }


def _git(arguments: list[str], patch: bytes, folder: Path) -> bytes:
    environment = {k: v for k, v in os.environ.items() if k not in _REDIRECTIONS}
    # A work tree further up is not what the patch is for.
    environment["GIT_CEILING_DIRECTORIES"] = str(folder.resolve().parent)
    try:
        done = subprocess.run(
            ["git", "-c", "core.autocrlf=false", *arguments],
            input=patch,
            cwd=folder,
            env=environment | {"LC_ALL": "C"},
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise PatchError("git is not installed here", "install git") from None
    if done.returncode != 0:
        said = os.fsdecode(done.stderr).strip().splitlines()
        raise PatchError(
            f"the patch does not apply: {said[0] if said else 'git refuses it'}",
            "make it again on this tree, or name the tree with --root",
        )
    return done.stdout


def _marks(folder: Path, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        file = folder / path
        if file.is_file():
            yield file.name, hashlib.sha256(file.read_bytes()).hexdigest()
