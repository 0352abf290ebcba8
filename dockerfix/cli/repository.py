"""Opening the repository that a command is about: root, settings, snapshot, paths."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from dockerfix.cli.budget import current
from dockerfix.facts.repository import Facts

if TYPE_CHECKING:
    from dockerfix.repo.settings import Settings


class Repository(Struct, frozen=True):
    """A repository as one command sees it.

    `paths` are the command's arguments relative to the root (`""` is the root itself);
    `recovered` says what was done about an interrupted write, if there was one.
    """

    root: Path
    settings: Settings
    facts: Facts
    paths: tuple[str, ...]
    recovered: str = ""


def open_repository(
    paths: Sequence[str],
    root: str | None,
    exclude: Sequence[str],
    transforms: Collection[str] | None = None,
) -> Repository:
    """Find the root, settle an interrupted write, read the settings, list the files.

    `root` is what `--root` said, `transforms` the names that settings may have a table for.
    Raises the errors of the repo layer and `SnapshotError`.
    """
    from dockerfix.repo.read import read_snapshot
    from dockerfix.repo.root import find_root, relative_to_root
    from dockerfix.repo.settings import read_settings
    from dockerfix.repo.write import recover

    top = find_root(Path(paths[0])) if root is None else _given(root)
    relative = tuple(relative_to_root(top, path) for path in paths)
    report = recover(top)
    settings = read_settings(top, transforms)
    snapshot = read_snapshot(top, (*settings.exclude, *exclude))
    budget = current()
    if budget is not None:
        budget.snapshot = snapshot
    recovered = str(report) if report is not None else ""
    return Repository(top, settings, Facts(snapshot), relative, recovered)


def _given(root: str) -> Path:
    from dockerfix.repo.errors import RootError

    path = Path(root)
    if not path.is_dir():
        raise RootError(root, "is not a folder", "name the repository's top folder with --root")
    return path.resolve()
