"""Rust: files whose builders run cargo for one workspace.

Knows in which order files are grouped, joined and left out; each of these is a module of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.api import Finding, Permit, Proposal
from dockerfix_transforms.merge_rust.callers.rewrite import Callers
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.group.grouping import group_files
from dockerfix_transforms.merge_rust.group.reasons import Reason
from dockerfix_transforms.merge_rust.language import Language, pays
from dockerfix_transforms.merge_rust.notes.merged import merge_notes
from dockerfix_transforms.merge_rust.nothing import too_few
from dockerfix_transforms.merge_rust.permits import image_permits
from dockerfix_transforms.merge_rust.summary import gains
from dockerfix_transforms.merge_rust.write.layout import Merged, merged_file
from dockerfix_transforms.merge_rust.write.line import CannotJoinError


class Rust(Language):
    """Builders share a `cargo build`, or a cook of their dependencies."""

    counted = "compile passes"

    def merged(self, findings: list[Finding]) -> tuple[list[Group], Merged] | None:
        """Groups and merged file. A file whose lines cannot be joined gets a builder of its
        own in the merged file; one that would share nothing there stays as it is."""
        apart = self.apart()
        while len(self.scope.files) > 1:
            groups, found = group_files(self.scope.files, self.wishes.accept, apart)
            try:
                merged = merged_file(groups, self.scope.files)
            except CannotJoinError as error:
                self._cannot_join(error, apart)
                continue
            if not pays(groups, merged) or not merged.plan.strangers:
                findings += found
                return groups, merged
            self.leaving.leave_strangers(groups, merged)
        return None

    def _cannot_join(self, error: CannotJoinError, apart: dict[str, Reason]) -> None:
        """A builder of its own for the file; out of the merge if it had one already."""
        code = error.step.item.code
        if error.file.path in apart:
            self.scope.leave_out(error.file, "cannot-join", error.why, error.action, code)
        apart[error.file.path] = Reason(error.why, error.action, span=code)

    def too_few(self) -> Proposal:
        """Fewer than two files of the workspace are left."""
        return too_few(self.facts, self.scope, len(self.files_without))

    def notes(self, groups: Sequence[Group], merged: Merged) -> list[Finding]:
        """Why builders are apart, what is cooked in vain, what changes for a crate."""
        workspace = self.scope.workspace
        return merge_notes(workspace, groups, merged) if workspace is not None else []

    def permits(
        self, groups: Sequence[Group], merged: Merged, assumed: Sequence[Finding]
    ) -> Iterator[Permit]:
        """Which image stands for which, and how their builders differ from the old ones."""
        return image_permits(groups, merged, self.scope, assumed)

    def gains(self, callers: Callers, all_stay: bool) -> Iterator[str]:
        """How often cargo compiles."""
        return gains(callers, all_stay)
