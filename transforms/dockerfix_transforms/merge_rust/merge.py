"""One merge, from the files that were read to a proposal.

Knows the order of the work; every step of it is a module of its own. What depends on the language
of the programs is asked of a `Language`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from dockerfix.api import Draft, Proposal
from dockerfix_transforms.merge_rust.callers.left import by_hand, kept_files
from dockerfix_transforms.merge_rust.callers.rewrite import Callers, rewrite_callers
from dockerfix_transforms.merge_rust.callers.sites import read_sites
from dockerfix_transforms.merge_rust.files import delete_old, old_files, write_merged
from dockerfix_transforms.merge_rust.group.group import Group
from dockerfix_transforms.merge_rust.language import Language, pays
from dockerfix_transforms.merge_rust.notes.around import (
    dependabot_notes,
    idle_notes,
    joined_notes,
    plain_docker_build,
)
from dockerfix_transforms.merge_rust.notes.merged import moved_notes, unasked_notes
from dockerfix_transforms.merge_rust.notes.stale import renamed_jobs, shown_steps, stale_steps
from dockerfix_transforms.merge_rust.nothing import (
    exists_already,
    nothing_built,
    nothing_gained,
    nothing_shared,
)
from dockerfix_transforms.merge_rust.permits import job_permits, left_permits, workflow_permits
from dockerfix_transforms.merge_rust.summary import sizes
from dockerfix_transforms.merge_rust.write.layout import Merged

_BREAKS = "it builds one of the files that go"


class Merge:
    """One merge of the files of a scope, which loses those that cannot go along."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.facts = language.facts
        self.scope = language.scope
        self.wishes = language.wishes
        self.leaving = language.leaving
        self.work = Draft(self.facts, self.wishes.accept)

    def proposal(self) -> Proposal:
        """The proposal, a refusal, or the reason why there is nothing to do."""
        self.work = Draft(self.facts, self.wishes.accept)
        made = self.language.merged(self.work.findings)
        self.scope.settle()
        if made is None:
            return self.language.too_few()
        groups, merged = made
        if not pays(groups, merged):
            return nothing_shared(self.scope, groups)
        disused = nothing_built(self.facts, self.scope)
        if disused is not None:
            return disused
        self.work.findings += self.language.notes(groups, merged)
        callers = None
        if not self.wishes.no_ci:
            callers = rewrite_callers(self.facts, self.scope, groups, merged, self.wishes)
            if self.leaving.leave_useless(callers):
                return self.proposal()
            if not callers.gains and (
                self.leaving.leave_unbuilt() or self.leaving.leave_other_values(groups)
            ):
                return self.proposal()
            if callers.gains and self.leaving.leave_doubled(callers):
                return self.proposal()
            if not callers.gains or self.leaving.doubles(callers):
                found = self.work.findings
                return nothing_gained(self.scope, found, callers, self.wishes.accept)
        data = merged.text.encode("utf-8", "surrogateescape")
        exists = exists_already(self.facts, self.scope, data, self.wishes.no_ci)
        return exists or self.written(groups, merged, data, callers)

    def written(
        self, groups: Sequence[Group], merged: Merged, data: bytes, callers: Callers | None
    ) -> Proposal:
        """The proposal that writes the merged file, with its permits."""
        work, scope = self.work, self.scope
        write_merged(work, scope, self.facts.snapshot, data)
        work.findings += [*moved_notes(merged), *unasked_notes(merged)]
        merging = {file.path for file in scope.files}
        work.findings += [f for f in scope.assumed if f.place and f.place.path in merging]
        if callers is None:
            self.without_callers(groups, merged)
        else:
            self.call_sites(callers)
            all_stay = not work.deleted and not self.wishes.keep_old
            work.summary += [sizes(scope, merged), *self.language.gains(callers, all_stay)]
        said = [finding.place for finding in scope.findings]
        fresh = (f for f in work.findings if f.name != "not-read" or f.place not in said)
        work.findings = [*scope.findings, *fresh]
        work.permits += self.language.permits(groups, merged, work.weighed)
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
        sites = read_sites(self.facts, self.scope.files, merged.plan.targets, self.scope.into, {})
        self.work.steps += [
            f"change by hand: {change.build.site}: {self.scope.into}, target {change.wanted.target}"
            for _, change in sites.changes
        ]
        self.work.findings += sites.findings
        self.work.summary += [
            sizes(self.scope, merged),
            f"{self.language.counted}: {len(self.scope.files)} before, {len(groups)} after",
        ]
        self.delete_old(frozenset())

    def call_sites(self, callers: Callers) -> None:
        """Edits of everything that builds or names the inputs."""
        work, accept = self.work, self.wishes.accept
        self.delete_old(kept_files(callers.left, accept))
        work.edits += callers.edits
        work.findings += callers.findings
        work.findings += [left.finding(accept) for left in callers.left]
        work.findings += callers.jobs.findings
        work.findings += idle_notes(callers.jobs.idle)
        work.findings += joined_notes(callers.workflows.joined)
        work.steps += by_hand(callers.left, accept)
        if callers.jobs.bake:
            work.created[callers.jobs.bake_path] = callers.jobs.bake
        self.stale(callers)
        if work.deleted:
            usual = [f.path for f in self.scope.files if posixpath.dirname(f.path) == f.context]
            gone = [path for path in usual if path in work.deleted]
            work.findings += plain_docker_build(gone, self.scope.into)
            moved = [*work.deleted, *work.created]
            work.findings += dependabot_notes(self.facts, moved, self.scope.into)

    def stale(self, callers: Callers) -> None:
        """What a person looks at beside the merge."""
        into, work = self.scope.into, self.work
        gone = [path for path in work.deleted if path != into]
        joined = [*callers.jobs.joined, *((j.name, j.olds) for j in callers.workflows.joined)]
        renamed = renamed_jobs(joined)
        work.steps += stale_steps(self.facts, callers.edits, gone, into, renamed)
        work.steps += shown_steps(self.facts, self.scope.context, gone, into)
