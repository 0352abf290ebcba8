"""One merge, from the files that were read to a proposal.

Knows the order of the work; every step of it is a module of its own.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from dockerfix.api import Draft, Facts, Finding, Proposal, Severity, StepDown
from dockerfix_transforms.merge_rust.callers.hidden_sites import hidden_sites
from dockerfix_transforms.merge_rust.callers.left import Left, by_hand, kept_files
from dockerfix_transforms.merge_rust.callers.rewrite import Callers, rewrite_callers
from dockerfix_transforms.merge_rust.callers.sites import read_sites
from dockerfix_transforms.merge_rust.files import delete_old, old_files, write_merged
from dockerfix_transforms.merge_rust.group.group import UNBUILT, Group
from dockerfix_transforms.merge_rust.group.grouping import group_files
from dockerfix_transforms.merge_rust.notes.around import (
    dependabot_notes,
    idle_notes,
    joined_notes,
    plain_docker_build,
)
from dockerfix_transforms.merge_rust.notes.merged import merge_notes, moved_notes, unasked_notes
from dockerfix_transforms.merge_rust.nothing import (
    exists_already,
    how_to_unite,
    nothing_built,
    nothing_gained,
    nothing_shared,
    too_few,
)
from dockerfix_transforms.merge_rust.permits import (
    image_permits,
    job_permits,
    left_permits,
    workflow_permits,
)
from dockerfix_transforms.merge_rust.read.rust_file import RustFile
from dockerfix_transforms.merge_rust.scope.scope import Scope
from dockerfix_transforms.merge_rust.summary import gains, sizes
from dockerfix_transforms.merge_rust.write.layout import Merged, merged_file
from dockerfix_transforms.merge_rust.write.line import CannotJoinError

_BREAKS = "it builds one of the files that go"


class Wishes(Struct, frozen=True):
    """What the person asked for; `without` are files that a check of the engine had changed
    less, with how much less."""

    into: str
    keep_old: bool
    no_ci: bool
    accept: frozenset[str]
    without: Mapping[str, StepDown]


class Merge:
    """One merge of the files of a scope, which loses those that cannot go along."""

    def __init__(self, facts: Facts, scope: Scope, wishes: Wishes) -> None:
        self.facts = facts
        self.scope = scope
        self.wishes = wishes
        self.work = Draft(facts, wishes.accept)

    def proposal(self) -> Proposal:
        """The proposal, a refusal, or the reason why there is nothing to do."""
        self.work = Draft(self.facts, self.wishes.accept)
        made = self.merged()
        self.scope.settle()
        if made is None:
            return too_few(self.facts, self.scope, len(self.wishes.without))
        groups, merged = made
        if not _pays(groups, merged):
            return nothing_shared(self.scope, groups)
        disused = nothing_built(self.facts, self.scope)
        if disused is not None:
            return disused
        self.work.findings += merge_notes(self.scope.workspace, groups, merged)
        callers = None
        if not self.wishes.no_ci:
            callers = self.callers(groups, merged)
            if self.leave_useless(callers):
                return self.proposal()
            if not callers.gains and (self.leave_unbuilt() or self.leave_other_values(groups)):
                return self.proposal()
            if callers.gains and self.leave_doubled(callers):
                return self.proposal()
            if not callers.gains or self.doubles(callers):
                found = self.work.findings
                return nothing_gained(self.scope, found, callers, self.wishes.accept)
        data = merged.text.encode("utf-8", "surrogateescape")
        exists = exists_already(self.facts, self.scope, data, self.wishes.no_ci)
        return exists or self.written(groups, merged, data, callers)

    # Which files go along.

    def merged(self) -> tuple[list[Group], Merged] | None:
        """Groups and merged file. A file whose lines cannot be joined gets a builder of its
        own in the merged file; one that would share nothing there stays as it is."""
        apart = {file.path: UNBUILT for file in self.unbuilt()}
        apart |= {path: step.found[0] for path, step in self.wishes.without.items()}
        while len(self.scope.files) > 1:
            groups, findings = group_files(self.scope.files, self.wishes.accept, apart)
            try:
                merged = merged_file(groups, self.scope.files)
            except CannotJoinError as error:
                if error.file.path in apart:
                    self.scope.leave_out(
                        error.file, "cannot-join", error.why, error.action, error.step.item.code
                    )
                apart[error.file.path] = f"{error.why}: {error.action}"
                continue
            if not _pays(groups, merged) or not merged.plan.strangers:
                self.work.findings += findings
                return groups, merged
            self.leave_strangers(groups, merged)
        return None

    def leave_strangers(self, groups: Sequence[Group], merged: Merged) -> None:
        """Leave out the files that would share no stage: moving them saves nothing."""
        strangers = {file.path for file in merged.plan.strangers}
        for group in groups:
            for member in group.members:
                if member.file.path in strangers and group.apart == (UNBUILT,):
                    self.leave_idle(member.file)
                elif member.file.path in strangers:
                    what = f"it would share no stage: {'; '.join(group.apart)}"
                    span = member.file.graph.tree.instructions[0].code
                    do = how_to_unite(group.apart)
                    self.scope.leave_out(member.file, "separate-builder", what, do, span)

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
        """Whether every image would be defined twice, in the old file that stays and in the
        merged one: two files that say the same drift apart."""
        if self.wishes.keep_old or callers.wanted:
            return False
        kept = kept_files(callers.left, self.wishes.accept)
        return not old_files(self.scope, kept)

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

    def leave_idle(self, file: RustFile) -> None:
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

    def unbuilt(self) -> list[RustFile]:
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
        others: list[tuple[RustFile, str]] = []
        for group in groups:
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

    def callers(self, groups: Sequence[Group], merged: Merged) -> Callers:
        """What becomes of everything that builds the files."""
        wishes = self.wishes
        return rewrite_callers(
            self.facts, self.scope, groups, merged, wishes.accept, wishes.keep_old
        )

    # The patch.

    def written(
        self, groups: Sequence[Group], merged: Merged, data: bytes, callers: Callers | None
    ) -> Proposal:
        """The proposal that writes the merged file, with its permits."""
        work, scope = self.work, self.scope
        write_merged(work, scope, self.facts.snapshot, data)
        work.findings += [*moved_notes(merged), *unasked_notes(merged)]
        if callers is None:
            self.without_callers(groups, merged)
        else:
            self.call_sites(callers)
            all_stay = not work.deleted and not self.wishes.keep_old
            work.summary += [sizes(scope, merged), *gains(callers, all_stay)]
        said = [finding.place for finding in scope.findings]
        fresh = (f for f in work.findings if f.name != "not-read" or f.place not in said)
        work.findings = [*scope.findings, *fresh]
        work.permits += image_permits(groups, merged, scope.into, work.weighed)
        if callers is not None:
            work.permits += job_permits(self.facts.pipeline, callers.jobs)
            work.permits += workflow_permits(callers.workflows)
            work.permits += left_permits(callers.left, self.wishes.accept)
            work.callers = callers.rewritten_jobs
        return work.finished(_BREAKS)

    def delete_old(self, kept: frozenset[str]) -> None:
        """The old files go, but for those that something needs."""
        gone = [] if self.wishes.keep_old else old_files(self.scope, kept)
        delete_old(self.work, self.scope, self.facts.snapshot, gone)

    def without_callers(self, groups: Sequence[Group], merged: Merged) -> None:
        """What is to be done by hand when no caller is to be changed."""
        sites = read_sites(self.facts, self.scope.files, merged.plan.targets, self.scope.into)
        self.work.steps += [
            f"change by hand: {change.build.site}: {self.scope.into}, target {change.wanted.target}"
            for _, change in sites.changes
        ]
        self.work.findings += sites.findings
        self.work.summary += [
            sizes(self.scope, merged),
            f"compile passes: {len(self.scope.files)} before, {len(groups)} after",
        ]
        self.delete_old(frozenset())

    def call_sites(self, callers: Callers) -> None:
        """Edits of everything that builds or names the inputs."""
        work, accept = self.work, self.wishes.accept
        self.delete_old(kept_files(callers.left, accept))
        work.edits += callers.edits
        work.findings += callers.findings
        work.findings += [left.finding(accept) for left in callers.left]
        work.findings += idle_notes(callers.jobs.idle)
        work.findings += joined_notes(callers.workflows.joined)
        work.steps += by_hand(callers.left, accept)
        if callers.jobs.bake:
            work.created[callers.jobs.bake_path] = callers.jobs.bake
        if work.deleted:
            usual = [f.path for f in self.scope.files if posixpath.dirname(f.path) == f.context]
            gone = [path for path in usual if path in work.deleted]
            work.findings += plain_docker_build(gone, self.scope.into)
            moved = [*work.deleted, *work.created]
            work.findings += dependabot_notes(self.facts, moved, self.scope.into)


def _pays(groups: Sequence[Group], merged: Merged) -> bool:
    """Whether dependencies of several files are compiled once: in one build, or in one cook."""
    return bool(merged.plan.cooked) or any(len(group.members) > 1 for group in groups)
