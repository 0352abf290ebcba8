"""Go: files whose builders run `go build` for one module or workspace.

Knows groups, and what a person is told of them; what is done with call sites, jobs and files is
the same for every language.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.api import Finding, Permit, Proposal, Severity
from dockerfix_transforms.merge_go.group import group_files, why_alone
from dockerfix_transforms.merge_go.layout import merged_file
from dockerfix_transforms.merge_rust.callers.rewrite import Callers
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.language import Language
from dockerfix_transforms.merge_rust.notes.compiled import compiled_along
from dockerfix_transforms.merge_rust.notes.merged import splitting_arguments
from dockerfix_transforms.merge_rust.permits import image_before
from dockerfix_transforms.merge_rust.summary import around
from dockerfix_transforms.merge_rust.write.layout import Merged


class Go(Language):
    """Builders compile one after another, or on the same downloaded modules."""

    counted = "module downloads"

    def merged(self, findings: list[Finding]) -> tuple[list[Group], Merged] | None:
        """Groups and merged file; files that would share nothing stay as they are."""
        found = group_files(self.facts, self.scope.files, self.apart())
        if found is None:
            return None
        for file, reason in found.others:
            self.scope.leave_apart(file, [reason])
        return list(found.groups), merged_file(found, self.scope.files)

    def too_few(self) -> Proposal:
        """Nothing to merge, or no two files that share anything."""
        files, where = self.scope.files, self.scope.home.folder or "."
        refused = [f for f in self.scope.findings if f.severity is Severity.REFUSE]
        if len(files) < 2:
            if refused:
                return Proposal(findings=tuple(self.scope.findings), refused=True)
            named = f"{files[0].path} is the only Dockerfile" if files else "no Dockerfile is there"
            return Proposal(
                reason=f"nothing to merge: {named} that runs `go build` for {where}",
                findings=tuple(self.scope.findings),
            )
        notes = tuple(
            Finding.at(
                file.place,
                severity=Severity.NOTE,
                name="nothing-to-gain",
                what=f"{file.path}: {reason.what}",
                why="Its modules would be downloaded and its packages compiled as often as before.",
                do=reason.do,
                subject=file.path,
            )
            for file, reason in ((one, why_alone(files[0], one)) for one in files[1:])
        )
        return Proposal(
            reason=f"nothing to gain: no two of {len(files)} builders have the same steps up to "
            "the download of their modules",
            findings=(*self.scope.findings, *notes),
        )

    def notes(self, groups: Sequence[Group], merged: Merged) -> list[Finding]:
        """Why builders are apart, and what is compiled along."""
        found: list[Finding] = []
        for group in groups:
            found += compiled_along(group)
            found += _apart(group)
        return [*found, *splitting_arguments(groups)]

    def permits(
        self, groups: Sequence[Group], merged: Merged, assumed: Sequence[Finding]
    ) -> Iterator[Permit]:
        """Which image stands for which, and what a shared builder compiles beside it."""
        into = self.scope.into
        for group in groups:
            for member in group.members:
                file = member.file
                for stage in file.targets:
                    old = str(image_before(file, stage))
                    yield Permit(
                        "stands-for", old, into, merged.plan.targets[file.path, stage.index]
                    )
                    if len(group.members) > 1:
                        yield Permit("go-beside", old, into)
                    if file.path in self.scope.gained:
                        yield Permit("sources", old, into, file.binary)

    def gains(self, callers: Callers, all_stay: bool) -> Iterator[str]:
        """How often modules are downloaded, and how many programs are compiled."""
        before, after = callers.before, callers.after
        yield f"module downloads: {before.passes} before, {after.passes} after"
        if before.programs != after.programs:
            yield f"programs compiled: {before.programs} before, {after.programs} after"
        yield from around(callers, all_stay)


def _apart(group: Group) -> Iterator[Finding]:
    """What keeps a file from the builder that others share."""
    for reason in group.apart:
        file = group.leader.file
        yield Finding.at(
            file.place,
            severity=Severity.NOTE,
            name="separate-builder",
            what=f"{file.binary}: a builder of its own ({reason.what})",
            why="Its modules are shared; what it compiles is compiled once more.",
            do=reason.do,
            subject=file.binary,
        )
