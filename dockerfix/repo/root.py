"""Where a repository begins, and what a path on the command line means below it.

Knows folders and symbolic links; reads no other file than `.dockerfix.toml` and never calls
git, so that it costs next to nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

from dockerfix.repo.errors import RootError
from dockerfix.repo.names import SETTINGS_NAME


def find_root(start: Path) -> Path:
    """The root for a path (a file or a folder, absolute or relative to the working directory).

    The nearest folder at or above `start` whose `.dockerfix.toml` says `root = true`; else
    the top of the Git work tree that holds it. The result is absolute and without symbolic
    links; a link at the end of `start` is not followed, so that one which leaves the
    repository is seen as such. Raises `RootError` when there is neither, and
    `SettingsError` for a `.dockerfix.toml` that cannot be read.
    """
    place = _absolute(start)
    if not os.path.lexists(place):
        raise RootError(str(start), "does not exist", "check the path")
    above = [place, *place.parents] if _is_real_folder(place) else list(place.parents)
    for folder in above:
        if _declares_root(folder):
            return folder
    top = work_tree_top(place)
    if top is None:
        raise RootError(
            str(start),
            "no repository found: it lies in no Git work tree, and no folder above it has a "
            f"{SETTINGS_NAME} with root = true",
            "name the repository's top folder with --root",
        )
    return top


def work_tree_top(place: Path) -> Path | None:
    """The top of the Git work tree that holds an absolute path: the nearest folder at or
    above it with a `.git` folder or (submodules, linked work trees) file; None without."""
    above = [place, *place.parents] if _is_real_folder(place) else list(place.parents)
    return next((folder for folder in above if _is_work_tree(folder)), None)


def folder_in_work_tree(root: Path) -> str:
    """Where a root lies below the top of its Git work tree, such as `services/api`; empty at
    the top, and outside of a work tree."""
    top = work_tree_top(root)
    return "" if top is None or top == root else root.relative_to(top).as_posix()


def relative_to_root(root: Path, path: str | os.PathLike[str]) -> str:
    """A path from the command line (absolute, or relative to the working directory) as the
    snapshot has it: relative to the root, `""` for the root itself.

    Symbolic links are followed, since the snapshot names each file where it really is.
    Raises `RootError` for what does not exist and for what leaves the root, by `..` or by a
    symbolic link.
    """
    written = os.fspath(path)
    try:
        real = Path(written).resolve(strict=True)
    except (OSError, RuntimeError) as error:  # 3.11 and 3.12 raise RuntimeError for a loop
        raise RootError(written, _why(written, error), "check the path") from None
    top = root.resolve()
    if not real.is_relative_to(top):
        raise RootError(
            written, f"leads to {real}, outside of the root {top}", "name another root with --root"
        )
    relative = real.relative_to(top).as_posix()
    return "" if relative == "." else relative


def _absolute(path: Path) -> Path:
    """The path without symbolic links above its last part, which stays as it is."""
    if path.name in ("", ".."):
        return path.resolve()
    return path.parent.resolve() / path.name


def _is_real_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _declares_root(folder: Path) -> bool:
    file = folder / SETTINGS_NAME
    try:
        if not file.is_file():
            return False
    except OSError:  # a folder above that may not be searched: whatever is in it is not ours
        return False
    from dockerfix.repo.settings import declares_root

    return declares_root(file)


def _is_work_tree(folder: Path) -> bool:
    """A `.git` that Git would take: a folder with a HEAD, or a file that names one."""
    git = folder / ".git"
    try:
        if git.is_dir():
            return (git / "HEAD").exists() or (git / "HEAD").is_symlink()
        with git.open("rb") as file:
            return file.read(7) == b"gitdir:"
    except OSError:
        return False


def _why(written: str, error: OSError | RuntimeError) -> str:
    if isinstance(error, RuntimeError):
        return "is a symbolic link that leads back to itself"
    if Path(written).is_symlink():
        return f"is a symbolic link to {Path(written).readlink()}, which does not exist"
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    return f"cannot be reached: {error.strerror or error}"
