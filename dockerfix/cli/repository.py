"""Opening the repository that a command is about: root, settings, snapshot, paths."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
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
    `recovered` says what was done about an interrupted write, if there was one; `inline`,
    whether comments in files may accept what is assumed.
    """

    root: Path
    settings: Settings
    facts: Facts
    paths: tuple[str, ...]
    recovered: str = ""
    inline: bool = True

    def accepted(self, name: str, facts: Facts | None = None) -> dict[str, str]:
        """What is accepted for a transform, with the reasons: by the settings, and beside the
        places in the files of `facts` (those of the repository, if none are given)."""
        accepted = dict(self.settings.accepted(name))
        if self.inline:
            found = (facts or self.facts).acceptances
            accepted |= {one.item: one.reason for one in found if one.reason}
        return accepted

    def idle_acceptances(self) -> Iterator[str]:
        """A line for each comment that accepts nothing, and why."""
        for one in self.facts.acceptances:
            where = f"{one.path}:{one.comment}: the comment accepts nothing:"
            if not self.inline:
                yield f"{where} inline acceptances are switched off"
            elif not one.reason:
                yield f"{where} write the reason behind {one.name}"


def open_repository(
    paths: Sequence[str],
    root: str | None,
    exclude: Sequence[str],
    transforms: Collection[str] | None = None,
    inline: bool = True,
) -> Repository:
    """Find the root, settle an interrupted write, read the settings, list the files.

    `inline` is False where the command line forbids acceptances in files, `root` is what
    `--root` said, `transforms` the names that settings may have a table for.
    Raises the errors of the repo layer and `SnapshotError`.
    """
    from dockerfix.repo.read import read_snapshot
    from dockerfix.repo.root import find_root, relative_to_root
    from dockerfix.repo.settings import read_settings
    from dockerfix.repo.write import recover

    top = find_root(Path(paths[0])) if root is None else _given_root(root)
    relative = tuple(relative_to_root(top, path) for path in paths)
    report = recover(top)
    settings = read_settings(top, transforms)
    snapshot = read_snapshot(top, (*settings.exclude, *exclude))
    budget = current()
    if budget is not None:
        budget.snapshot = snapshot
    recovered = str(report) if report is not None else ""
    inline = inline and settings.inline_accept
    return Repository(top, settings, Facts(snapshot), relative, recovered, inline)


def _given_root(root: str) -> Path:
    from dockerfix.repo.errors import RootError

    path = Path(root)
    if not path.is_dir():
        raise RootError(root, "is not a folder", "name the repository's top folder with --root")
    return path.resolve()
