"""Which files stay out of a merge: those that gain nothing by it, or would cost more than it saves.

Knows what becomes of the callers; writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dockerfix.api import Facts, Finding, Severity
from dockerfix_transforms.merge_rust.callers.hidden_sites import hidden_sites
from dockerfix_transforms.merge_rust.callers.left import Left, kept_files
from dockerfix_transforms.merge_rust.callers.rewrite import Callers
from dockerfix_transforms.merge_rust.callers.workflows import APART
from dockerfix_transforms.merge_rust.files import old_files
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.group.reasons import UNBUILT
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.scope.scope import Scope
from dockerfix_transforms.merge_rust.wishes import Wishes
from dockerfix_transforms.merge_rust.write.layout import Merged


class Leaving:
    """Takes files out of the scope of a merge, and says why."""

    def __init__(self, facts: Facts, scope: Scope, wishes: Wishes) -> None:
        self.facts = facts
        self.scope = scope
        self.wishes = wishes

    def leave_strangers(self, groups: Sequence[Group], merged: Merged) -> None:
        """Leave out the files that would share no stage: moving them saves nothing."""
        strangers = {file.path for file in merged.plan.strangers}
        for group in groups:
            for member in group.members:
                if member.file.path in strangers and group.apart == (UNBUILT,):
                    self.leave_idle(member.file)
                elif member.file.path in strangers:
                    self.scope.leave_apart(member.file, group.apart)

    def leave_useless(self, callers: Callers) -> bool:
        """Leave the files out whose images nobody would build from the merged file; whether
        there are any, and others to merge."""
        useless = callers.useless(self.scope.files, self.wishes.accept)
        if not useless or len(self.scope.files) - len(useless) < 2:
            return False
        self.leave_with_callers(callers, useless)
        return True

    def leave_with_callers(self, callers: Callers, paths: frozenset[str]) -> None:
        """Leave files out, and list the places for whose sake they stay."""
        self.scope.findings += [
            left.finding(self.wishes.accept)
            for left in callers.left
            if set(left.files) <= paths and not left.accepted(self.wishes.accept)
        ]
        self.scope.files = [file for file in self.scope.files if file.path not in paths]

    def doubles(self, callers: Callers) -> bool:
        """Whether images would be defined twice, in the old file that stays and in the merged
        one, so that there are no fewer files than before, and no CI machine would be spared
        anything by it: two files that say the same drift apart, which is worth it only where
        work is saved for it at every change."""
        if self.wishes.keep_old or callers.wanted or callers.spares_ci:
            return False
        kept = kept_files(callers.left, self.wishes.accept)
        going = len(old_files(self.scope, kept))
        pipelines = all(left.name == APART for left in callers.left)
        return going == 0 or (going == 1 and bool(kept) and pipelines)

    def leave_doubled(self, callers: Callers) -> bool:
        """Leave the files out that would stay beside the merged one where two others go and no
        CI machine is spared anything by them; whether there are any."""
        kept = kept_files(callers.left, self.wishes.accept)
        rest = [file for file in self.scope.files if file.path not in kept]
        wanted = callers.wanted or callers.spares_ci or self.wishes.keep_old
        if wanted or len(rest) in (0, 1, len(self.scope.files)):
            return False
        self.leave_with_callers(callers, kept)
        return True

    def leave_unbuilt(self) -> bool:
        """Leave the files out that nothing builds beside two that are built: who builds those
        would compile their programs too. Whether there are any."""
        unbuilt = self.unbuilt()
        for file in unbuilt:
            self.leave_idle(file)
        return bool(unbuilt)

    def leave_idle(self, file: InputFile) -> None:
        """Leave a file out that nothing builds, and say so."""
        self.scope.files.remove(file)
        self.scope.findings.append(
            Finding.at(
                file.place,
                severity=Severity.NOTE,
                name="no-call-site",
                what=f"no call site builds {file.path}; it stays as it is",
                why="Merged, its programs would be compiled whenever one of the others is "
                "built, and that costs more than the merge saves.",
                subject=file.path,
            )
        )

    def unbuilt(self) -> list[InputFile]:
        """The files that nothing builds or may build, and that nobody named, beside two others."""
        files = self.scope.files
        unbuilt = [file for file in files if not file.builds and file.path not in self.scope.given]
        if not unbuilt or len(files) - len(unbuilt) < 2:
            return []
        hidden = (found for found in hidden_sites(self.facts, files) if isinstance(found, Left))
        named = {path for left in hidden for path in left.files}
        return [file for file in unbuilt if file.path not in named]

    def leave_other_values(self, groups: Sequence[Group]) -> bool:
        """Leave the files out whose builds give the shared builder other values than most: it
        would compile everything again for each. Whether there are any, and others to merge."""
        others: list[tuple[InputFile, str]] = []
        for group in (one for one in groups if len(one.members) > 1):
            given = {
                member.file.path: {group.values(build) for build in member.file.builds}
                for member in group.members
            }
            counts = Counter(values for held in given.values() for values in held)
            usual = {counts.most_common(1)[0][0]} if len(counts) > 1 else set(counts)
            names = ", ".join(group.arguments)
            others += [(m.file, names) for m in group.members if given[m.file.path] - usual]
        if not others or len(self.scope.files) - len(others) < 2:
            return False
        for file, names in others:
            what = f"its builds give other values to {names} than the others"
            do = f"declare {names} in the image's own stage, if cargo does not read it"
            self.scope.leave_out(
                file, "separate-builder", what, do, file.graph.tree.instructions[0].code
            )
        return True
