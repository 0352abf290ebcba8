"""The snapshot of a repository on the disk.

Knows how to list folders fast and to read files safely; knows nothing of what is in them.
The list of paths is made at once and without a `stat` for each; sizes, modes and bytes are
looked up on first use.

What is walked: everything, whether Git tracks it or not and whether it ignores it or not,
since a build may use any file that is there. What is not walked is `opaque` in the snapshot:

- folders that a tool fills: Git's own, `node_modules`, caches by name, any folder with a
  valid `CACHEDIR.TAG` (cargo's `target`, pytest, mypy, ruff, uv: https://bford.info/cachedir/)
  or a `pyvenv.cfg`, and a `target` beside a `Cargo.toml`;
- what `exclude` names, symbolic links to folders, linked work trees of the same repository,
  folders that this user may not list.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from dockerfix.repo.globs import Matcher, compile_globs
from dockerfix.repo.names import JOURNAL_NAME
from dockerfix.text import Entry, Kind, Opaque, Snapshot, SnapshotError

MAX_BYTES: Final = 16 << 20
"""The largest file that is read. The largest lock files of real monorepos are a few MB."""

_GENERATED = frozenset(
    (
        # version control, and our own journal
        *(".git", ".hg", ".jj", ".svn", JOURNAL_NAME),
        # dependencies
        *("node_modules", "bower_components", ".pnpm-store", ".venv", ".terraform", ".direnv"),
        # caches and output
        *("__pycache__", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache"),
        *(".hypothesis", ".gradle", ".dart_tool", ".next", ".nuxt", ".svelte-kit", ".turbo"),
        *(".parcel-cache", ".angular", ".cache"),
    )
)
_CACHE_TAG = b"Signature: 8a477f597d28d172789f06886806bc55"
_MARKERS = frozenset(("CACHEDIR.TAG", "pyvenv.cfg", ".git"))
_MB = 1_000_000


def read_snapshot(root: Path, exclude: Sequence[str] = ()) -> Snapshot:
    """The repository below `root`, listed now; bytes are read on first use.

    `exclude` are patterns relative to the root (see `dockerfix.repo.globs`): what they match
    is opaque, so dockerfix neither rewrites it nor takes it for absent. Raises `GlobError`
    for a pattern that is none and `SnapshotError` when the root cannot be listed. Reading a
    file raises `SnapshotError` when it is larger than `MAX_BYTES`, may not be read, has
    vanished, or is a symbolic link that leaves the root; a link to a file below the root
    gives that file's bytes.
    """
    walk = _Walk(os.fspath(root.resolve()), compile_globs(exclude))
    walk.run()
    files = _Files(walk.top, walk.files)
    return Snapshot(files, files.load, walk.opaque)


class _Walk:
    """One pass over the folders."""

    def __init__(self, top: str, excluded: Matcher | None) -> None:
        self.top = top
        self.excluded = excluded
        self.files: dict[str, Entry | None] = {}
        """None stands for a regular file that nobody has asked about yet."""
        self.opaque: dict[str, Opaque] = {}
        self.pending: list[tuple[str, bool]] = [("", False)]
        """Folders to list, each with whether a Cargo.toml stands beside it."""

    def run(self) -> None:
        while self.pending:
            folder, beside_manifest = self.pending.pop()
            items = self._list(folder)
            names = {item.name for item in items}
            if folder and self._is_generated(folder, names, beside_manifest):
                continue
            prefix = f"{folder}/" if folder else ""
            has_manifest = "Cargo.toml" in names
            for item in items:
                self._add(prefix + item.name, item, has_manifest)

    def _list(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(f"{self.top}/{folder}") as found:
                return list(found)
        except FileNotFoundError:
            if folder:
                return []  # it vanished while we walked: as if it had never been
            raise SnapshotError(self.top, "no such folder", "check --root") from None
        except OSError as error:
            if folder:
                self.opaque[folder] = Opaque.UNREADABLE
                return []
            why = f"the root cannot be listed: {error.strerror}"
            raise SnapshotError(self.top, why, "run dockerfix as a user who may") from None

    def _is_generated(self, folder: str, names: set[str], beside_manifest: bool) -> bool:
        """Whether what stands in a folder shows that it is not to be walked; notes why."""
        name = folder.rpartition("/")[2]
        if name == "target" and beside_manifest and "Cargo.toml" not in names:
            self.opaque[folder] = Opaque.GENERATED
        elif names.isdisjoint(_MARKERS):
            return False
        elif "pyvenv.cfg" in names or self._starts(folder, "CACHEDIR.TAG", names, _CACHE_TAG):
            self.opaque[folder] = Opaque.GENERATED
        elif self._is_linked_work_tree(folder, names):
            self.opaque[folder] = Opaque.CHECKOUT
        return folder in self.opaque

    def _is_linked_work_tree(self, folder: str, names: set[str]) -> bool:
        """A submodule's `.git` file names `.git/modules/...`, a linked work tree's
        `.git/worktrees/...`; the first is a part of this repository, the second a copy."""
        if not self._starts(folder, ".git", names, b"gitdir:"):
            return False
        return b"/worktrees/" in self._head(folder, ".git")

    def _starts(self, folder: str, name: str, names: set[str], start: bytes) -> bool:
        return name in names and self._head(folder, name).startswith(start)

    def _head(self, folder: str, name: str) -> bytes:
        try:
            descriptor = _open(f"{self.top}/{folder}/{name}")
        except OSError:  # unreadable, or a link: not the marker
            return b""
        try:
            return os.read(descriptor, 4096)
        except OSError:  # a folder of that name
            return b""
        finally:
            os.close(descriptor)

    def _add(self, path: str, item: os.DirEntry[str], beside_manifest: bool) -> None:
        is_folder = item.is_dir(follow_symlinks=False)
        if item.name == ".git" or (is_folder and item.name in _GENERATED):
            self.opaque[path] = Opaque.GENERATED
        elif self.excluded is not None and self.excluded(path, is_folder):
            self.opaque[path] = Opaque.EXCLUDED
        elif is_folder:
            self.pending.append((path, beside_manifest))
        elif item.is_symlink():
            self._add_link(path, item)
        elif item.is_file(follow_symlinks=False):
            self.files[path] = None
        # Sockets, pipes and devices are no content: Git and BuildKit pass over them too.

    def _add_link(self, path: str, item: os.DirEntry[str]) -> None:
        try:
            link = os.readlink(item.path)  # noqa: PTH115 (a Path would tidy what is written)
        except OSError:
            return  # it vanished while we walked
        self.files[path] = Entry(Kind.SYMLINK, 0o777, len(os.fsencode(link)), link)
        with contextlib.suppress(OSError):  # a loop leads nowhere
            if item.is_dir():
                self.opaque[path] = Opaque.LINK


class _Files(Mapping[str, Entry]):
    """The entries of a walk, looked up on first use, and the bytes behind them."""

    __slots__ = ("_found", "_top")

    def __init__(self, top: str, found: dict[str, Entry | None]) -> None:
        self._top = top
        self._found = found

    def __contains__(self, path: object) -> bool:
        return path in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, path: str) -> Entry:
        """The entry; raises `SnapshotError` when the file has vanished meanwhile."""
        entry = self._found[path]
        if entry is None:
            try:
                status = os.lstat(f"{self._top}/{path}")
            except OSError as error:
                raise _unreadable(path, error) from None
            if not stat.S_ISREG(status.st_mode):
                raise SnapshotError(
                    path, "became something else than a file", "run dockerfix again"
                )
            entry = Entry(Kind.FILE, stat.S_IMODE(status.st_mode), status.st_size)
            self._found[path] = entry
        return entry

    def load(self, path: str) -> bytes:
        """The bytes of a file; raises `SnapshotError`."""
        entry = self._found[path]
        full = f"{self._top}/{path}"
        if entry is not None and entry.kind is Kind.SYMLINK:
            full = self._followed(path, entry.link)
        try:
            descriptor = _open(full)
            try:
                return _read_all(path, descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _unreadable(path, error) from None

    def _followed(self, path: str, link: str) -> str:
        try:
            real = (Path(self._top) / path).resolve(strict=True)
        except FileNotFoundError:
            raise SnapshotError(
                path, f"a symbolic link to {link}, which does not exist", "fix or remove the link"
            ) from None
        except (OSError, RuntimeError):  # 3.11 and 3.12 raise RuntimeError for a loop
            raise SnapshotError(
                path, "a symbolic link that cannot be followed", "fix or remove the link"
            ) from None
        if not real.is_relative_to(self._top):
            raise SnapshotError(
                path,
                f"a symbolic link to {link}, which leaves the root",
                "copy the file into the repository, or leave the link out with --exclude",
            )
        return os.fspath(real)


def _open(full: str) -> int:
    """A descriptor of a file that is not a symbolic link; never waits for a pipe."""
    return os.open(full, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)


def _read_all(path: str, descriptor: int) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise SnapshotError(path, "not a file", "leave it out with --exclude")
    if status.st_size > MAX_BYTES:
        raise _too_large(path, status.st_size)
    chunks = [os.read(descriptor, status.st_size + 1)]
    size = len(chunks[0])
    if size == status.st_size:
        return chunks[0]  # one byte more was asked for, so this is the end
    while chunks[-1]:
        chunks.append(os.read(descriptor, 1 << 16))
        size += len(chunks[-1])
        if size > MAX_BYTES:  # it grows while we read
            raise _too_large(path, size)
    return chunks[0] if len(chunks) == 2 else b"".join(chunks)


def _too_large(path: str, size: int) -> SnapshotError:
    return SnapshotError(
        path,
        f"{size / _MB:.0f} MB large, and dockerfix reads files of at most {MAX_BYTES // _MB} MB",
        "leave it out with --exclude",
    )


def _unreadable(path: str, error: OSError) -> SnapshotError:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return SnapshotError(path, "vanished while dockerfix was running", "run it again")
        case errno.ELOOP:
            return SnapshotError(
                path, "became a symbolic link while dockerfix was running", "run it again"
            )
        case errno.EACCES | errno.EPERM:
            return SnapshotError(
                path,
                "cannot be read: permission denied",
                "let this user read it, or leave it out with --exclude",
            )
    return SnapshotError(path, f"cannot be read: {error.strerror}", "check the disk")
